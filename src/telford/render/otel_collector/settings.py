"""The numbers and patterns of `collector.toml`. Called by the other modules of the target."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from telford.basics import resources


@cache
def table() -> Mapping[str, Any]:
    """`collector.toml`."""
    return resources.toml("telford.render.otel_collector", "collector.toml")


def order() -> tuple[str, ...]:
    """The classes of data, least first."""
    return tuple(table()["data"]["order"])


def highest(classes: Iterable[str]) -> str:
    """The strictest of some classes."""
    return max(classes, key=order().index)


def from_on(data_class: str) -> tuple[str, ...]:
    """A class and those that are stricter."""
    every = order()
    return every[every.index(data_class) :]
