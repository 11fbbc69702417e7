"""Which workloads are data stores: by image, or by port, name and what it is told together. Called by
`telford.intake.kubernetes.reading`.

A wrong guess would hide a service among the stores, so an image that is not an engine's own needs
three witnesses.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from telford.basics import resources
from telford.intake.kubernetes import access

_STORE_WORDS = frozenset({"db", "database", "cache", "store", "sql"})
_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)")


@dataclass(frozen=True, slots=True)
class Engine:
    """A known engine: the names of its images, its port, and settings that only it reads."""

    name: str
    images: frozenset[str]
    port: int
    settings: frozenset[str]


@cache
def conventions() -> Mapping[str, Any]:
    """The data file beside this module."""
    return resources.toml("telford.intake.kubernetes", "conventions.toml")


@cache
def _engines() -> tuple[Engine, ...]:
    return tuple(
        Engine(name, frozenset(item["images"]), item["port"], frozenset(item["settings"]))
        for name, item in conventions()["engines"].items()
    )


def of(container: Mapping[str, Any], ports: Collection[int], settings: Collection[str]) -> str:
    """The engine that a container runs, or "". `ports` are those it or its Services listen on,
    `settings` the names of its environment variables, those from ConfigMaps included.
    """
    image = repository(access.text(container.get("image")))
    words = {*image.split("-"), *access.text(container.get("name")).split("-")}
    called = {access.text(port.get("name")) for port in access.mappings(container.get("ports"))}
    for engine in _engines():
        if image in engine.images:
            return engine.name
        named = bool(words & (_STORE_WORDS | engine.images))
        # The third witness: a setting that only it reads, or a port that is called after it.
        told = not engine.settings.isdisjoint(settings) or bool(called & engine.images)
        if named and engine.port in ports and told:
            return engine.name
    return ""


def images(engine: str) -> frozenset[str]:
    """The names of the images that are an engine's own."""
    return next(item.images for item in _engines() if item.name == engine)


def repository(image: str) -> str:
    """The last word of an image's name: ``postgres`` of ``registry:5000/library/postgres:16``."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def version(image: str) -> str:
    """The version that an image's tag begins with, or "": ``16`` of ``postgres:16-alpine``."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = _VERSION.match(tag)
    return found[1] if found else ""
