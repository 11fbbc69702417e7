"""The road of a change: its stages, and what the pipeline of one service has to know.

The stages are data (`pipeline.toml`): name, limit and a POSIX sh script that reads nothing but its
environment. Called by the targets that make pipelines; each says the same in its system's words.

What scripts read: SOURCE (folder), IMAGE (repository, no tag), COMMIT, DOCKERFILE, TARGET,
BUILD_ARGS (a line each), DIGEST, ESTATE and OUT (folders), PIPELINES (folder in OUT), BASE (the
folder of the target branch), LOCK, SERVICE, PLACE, PLACES
(those it is in, with spaces between), ISSUER and IDENTITY (of the signature).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from telford.basics import resources
from telford.estate import overlays
from telford.estate.kinds import running, structure
from telford.estate.model import Entity, Estate
from telford.road import architecture, conventions

_DOCKERFILE = "Dockerfile"
# A step that fails ends the script, and a name that nothing sets is a mistake.
_STRICT = "set -eu\n"


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the road: at most `minutes` long; `script` is POSIX sh, ends in a newline."""

    name: str
    summary: str
    minutes: int
    script: str
    without_docker: str = ""


@cache
def _data() -> dict[str, Any]:
    return resources.toml(__package__, "pipeline.toml")


@cache
def stages() -> Mapping[str, Stage]:
    """Every stage by its name, in the order of a change."""
    data = _data()
    return {name: _stage(name, one, data["telford"]) for name, one in data["stages"].items()}


def _stage(name: str, data: dict[str, Any], telford: dict[str, str]) -> Stage:
    first = _STRICT + (telford["script"].lstrip("\n") if data.get("telford") else "")
    other = data.get("without_docker", "")
    return Stage(
        name,
        data["summary"],
        data["minutes"],
        first + data["script"].lstrip("\n"),
        first + other.lstrip("\n") if other else "",
    )


@cache
def limits() -> Mapping[str, str]:
    """``severities`` and ``comment_bytes``, as text for an environment."""
    return {name: str(value) for name, value in _data()["limits"].items()}


def old_days() -> int:
    """How much older than the newest pin of a lock one may be, in days."""
    return int(_data()["pins"]["old_days"])


@dataclass(frozen=True, slots=True)
class Build:
    """What the pipeline of one service builds: from where, into which image.

    `image` is a repository without a tag; `build_args` are ``NAME=VALUE``; `toolchain` is the name
    of an image, "" for the road's; `places` are those in which the service exists.
    """

    address: str
    name: str
    source: str
    image: str
    dockerfile: str
    target: str
    build_args: tuple[str, ...]
    toolchain: str
    places: tuple[str, ...]


def build(estate: Estate, address: str) -> Build | None:
    """What a service's pipeline builds; None where its image or its sources are not known."""
    entity = estate.entities[address]
    spec = entity.spec
    if not isinstance(spec, structure.Service) or spec.run.image is None or spec.road != "paved":
        return None
    source = said(estate, spec, conventions.ANNOTATION_SOURCE)
    if not source:
        return None
    known = spec.run.build or running.Build()
    return Build(
        address=address,
        name=address.partition("/")[2],
        source=source.format(name=spec.name),
        image=repository_of(spec.run.image),
        dockerfile=known.dockerfile or _DOCKERFILE,
        target=known.target or "",
        build_args=tuple(f"{name}={value}" for name, value in sorted(known.args.items())),
        toolchain=said(estate, spec, conventions.ANNOTATION_TOOLCHAIN),
        places=tuple(
            str(place)
            for place in overlays.places(estate)
            if not overlays.absent(estate, entity, place)
        ),
    )


def said(estate: Estate, spec: structure.Service, annotation: str) -> str:
    """What a service says by an annotation, or its system for all of its services; else ""."""
    own = spec.annotations.get(annotation)
    if own is not None or spec.system is None:
        return own or ""
    systems = estate.refer("System", spec.system, None)
    return systems[0].spec.annotations.get(annotation, "") if systems else ""


def unknown_sources(estate: Estate) -> Iterator[Entity]:
    """The paved services with an image of which nobody says where they are built from."""
    for entity in estate.of_kind("Service"):
        spec = entity.spec
        if not isinstance(spec, structure.Service) or spec.run.image is None:
            continue
        if spec.road == "paved" and not said(estate, spec, conventions.ANNOTATION_SOURCE):
            yield entity


def repository_of(image: str) -> str:
    """``registry.example.com/shop/orders`` of ``registry.example.com/shop/orders:1.0@sha256:..``."""
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def tag_of(image: str, untagged: str = "latest") -> str:
    """The tag of an image reference; of a digest its first twelve digits."""
    name, _, digest = image.partition("@")
    if digest:
        return digest.rpartition(":")[2][:12]
    _, colon, version = name.rpartition("/")[2].partition(":")
    return version if colon else untagged


@dataclass(frozen=True, slots=True)
class Step:
    """One environment on the way of a digest, with its places in their order."""

    environment: str
    production: bool
    places: tuple[str, ...]


def way(estate: Estate) -> tuple[Step, ...]:
    """The environments in the order in which a change travels."""
    every = overlays.places(estate)
    return tuple(
        Step(
            spec.name,
            spec.production,
            tuple(str(place) for place in every if place.environment == spec.name),
        )
        for spec in overlays.environments(estate)
    )


def within(folder: str, name: str) -> str:
    """A path in a folder of the repository; "" is its root."""
    return f"{folder.strip('/')}/{name}" if folder.strip("/") else name


def environment(of: architecture.Repository, pipelines: str) -> dict[str, str]:
    """What the scripts about the estate read, by name; `pipelines` is the target's folder."""
    return {
        "ESTATE": of.estate.strip("/") or ".",
        "OUT": of.path.strip("/") or ".",
        "PIPELINES": pipelines,
        "LOCK": within(of.estate, "telford.lock"),
        "COMMENT_BYTES": limits()["comment_bytes"],
    }
