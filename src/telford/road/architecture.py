"""The reference architecture that an estate is built by: which targets, from where, with what pins.

An estate says it in a document of kind Architecture; without one it is the road's own. Called by
`telford.app.rendering`, which makes it of the estate, and by the targets, through their scene.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from telford.basics.diagnostics import Position

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
    tools answer. "" where the estate says nothing. `address` and `position` are the document's.
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


ROAD = Architecture()
