"""The reference architecture that an estate is built by: which targets, from where, with what pins.

An estate says it in a document of kind Architecture; without one it is the road's own. Called by
`telford.app.rendering` and `telford.render.registry`, which make it of the estate, and by the
targets, through their scene.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from telford.basics.diagnostics import Position
from telford.basics.yamltext import Mapping as MappingNode
from telford.estate import documents
from telford.estate.kinds import paving
from telford.estate.model import Bound, Entity

# What is built for an estate that does not say: what everyone who runs on Kubernetes needs.
DEFAULT_TARGETS = ("kubernetes", "prometheus")


@dataclass(frozen=True, slots=True)
class Repository:
    """Where what is built is committed: a Git URL, a branch, the folder inside of it ("" is its
    root), and the folder of the estate in the same repository ("" where it is not there).
    """

    url: str
    branch: str = "main"
    path: str = ""
    estate: str = ""


@dataclass(frozen=True, slots=True)
class Pin:
    """One name of the organisation's lock file, and the very thing it stands for.

    `name` is as people write it (``actions/checkout@v4``, ``docker.io/library/python:3.12``);
    `digest` is a commit (40 hex digits) for an action, ``sha256:...`` for an image.
    """

    name: str
    digest: str
    source: str = ""
    date: str = ""
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Where a collector sends what it gathers, as URLs; "" where nothing takes it."""

    metrics: str = ""
    logs: str = ""
    traces: str = ""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A reference architecture: a name, a version, and what it asks the targets to build.

    `registry` is where images are published (``registry.example.com/shop``); `issuer` is who signs
    (an OpenID Connect issuer's URL); `domain` is the DNS name under which the organisation's own
    tools answer. "" where the estate says nothing. `choices` are ways by aspect, for what is about
    no single thing. `address` and `position` are the document's.
    """

    name: str = "telford"
    version: str = "1"
    targets: tuple[str, ...] = DEFAULT_TARGETS
    repository: Repository | None = None
    registry: str = ""
    issuer: str = ""
    domain: str = ""
    telemetry: Telemetry = Telemetry()
    pins: Mapping[str, Pin] = field(default_factory=dict)
    address: str = ""
    position: Position | None = None
    choices: Mapping[str, str] = field(default_factory=dict)


ROAD = Architecture()


def of(entities: Iterable[Entity | Bound]) -> Architecture:
    """The architecture that these entities, or bound entities, say; others than its documents are
    passed over. The first by address where there are two; the road's own where there is none.
    """
    described: Entity | Bound | None = None
    pins: dict[str, Pin] = {}
    for one in entities:
        kind = _entity(one).address.kind
        if kind == "architecture" and described is None:
            described = one
        elif kind == "pins":
            pins.update(_pins(one))
    if described is None:
        return Architecture(pins=pins) if pins else ROAD
    return _read(described, pins)


def _entity(one: Entity | Bound) -> Entity:
    return one if isinstance(one, Entity) else one.entity


def _read(one: Entity | Bound, pins: Mapping[str, Pin]) -> Architecture:
    spec = one.spec
    assert isinstance(spec, paving.Architecture), "it is of this kind"
    where, sent = spec.repository, spec.telemetry
    return Architecture(
        name=spec.name,
        version=spec.version,
        targets=spec.targets or DEFAULT_TARGETS,
        repository=_repository(where) if where is not None else None,
        registry=spec.registry,
        issuer=spec.issuer or "",
        domain=spec.domain,
        telemetry=Telemetry(sent.metrics or "", sent.logs or "", sent.traces or ""),
        pins=pins,
        address=str(_entity(one).address),
        position=position(one, ("name",)),
        choices=spec.choices.model_dump(exclude_none=True),
    )


def _repository(where: paving.Repository) -> Repository:
    return Repository(where.url, where.branch, where.path, where.estate)


def _pins(one: Entity | Bound) -> dict[str, Pin]:
    spec = one.spec
    assert isinstance(spec, paving.Pins), "it is of this kind"
    return {
        name: Pin(name, pin.digest, pin.source, pin.date or "", position(one, ("pins", name)))
        for name, pin in spec.pins.items()
    }


def position(one: Entity | Bound, path: tuple[str | int, ...]) -> Position:
    """Where a part of a document is written: its key, or the nearest part above it that is there."""
    node: MappingNode = (one.node if isinstance(one, Bound) else None) or _entity(one).node
    found, key = documents.find(node, path)
    mark = found if key is None else key
    return Position(_entity(one).file, mark.line, mark.column)
