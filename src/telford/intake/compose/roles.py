"""Which services are data stores or jobs, told from the files before anything is mapped, for the
address of a thing says its kind. Called by `addressing`, `documents` and `reading`.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from telford.intake import addresses
from telford.intake.compose import nodes, shapes
from telford.intake.compose.nodes import Node, Table
from telford.intake.kubernetes import engines as known

DONE = "service_completed_successfully"
# The name of a setting and the scheme of an address; more is no word of either.
_LONGEST = 200
_JOBS = ("replicated-job", "global-job")


@dataclass(slots=True)
class _Hints:
    """What others say of a service where they address it: ports, and words around them."""

    ports: set[int] = field(default_factory=set)
    words: set[str] = field(default_factory=set)


def engines(model: Table) -> dict[str, str]:
    """The engine of each service that is a data store."""
    hints = _hints(model)
    jobs = finished(model)
    found = {}
    for name, service in nodes.table(model, "services").items():
        engine = "" if name in jobs or job(service) else _engine(name, service, hints[name])
        if engine:
            found[name] = engine
    return found


def _engine(name: str, service: Node, hints: _Hints) -> str:
    items = nodes.table(service)
    container: dict[str, Any] = {
        "image": nodes.text(items.get("image")) or "",
        "name": name,
        "ports": [{"name": word} for word in sorted(hints.words)],
    }
    ports = _ports(service) | hints.ports
    if not ports and not nodes.table(service, "depends_on"):
        # Compose need not name the port that an image listens on, so any may be meant.
        ports = {int(item["port"]) for item in known.conventions()["engines"].values()}
    return known.of(container, ports, set(nodes.table(service, "environment")))


def _hints(model: Table) -> dict[str, _Hints]:
    """For each service: ``MONGO_HOST: user-db:27017`` tells a port and the word ``mongo``."""
    services = nodes.table(model, "services")
    found = {name: _Hints() for name in services}
    for service in services.values():
        for key, node in nodes.table(service, "environment").items():
            text = nodes.written(node) or ""
            for candidate in addresses.candidates(key, text):
                if candidate.host in found and candidate.port is not None:
                    scheme = text.partition("://")[0] if "://" in text else ""
                    words = re.split("[^a-z]+", f"{key} {scheme}".lower()[:_LONGEST])
                    found[candidate.host].ports.add(candidate.port)
                    found[candidate.host].words |= {word for word in words if word}
    return found


def job(service: Node) -> bool:
    """Whether a service says of itself that it runs to its end."""
    return nodes.text(nodes.table(service, "deploy").get("mode")) in _JOBS


def finished(model: Table) -> set[str]:
    """The services that others wait for until they are done: jobs."""
    waited = set()
    for service in nodes.table(model, "services").values():
        for target, settings in nodes.table(service, "depends_on").items():
            if nodes.text(nodes.table(settings).get("condition")) == DONE:
                waited.add(target)
    return waited


def common(model: Table) -> frozenset[str]:
    """The networks of a project that every service is on: they keep nobody apart. Those that are
    shared with other projects are none.
    """
    services = nodes.table(model, "services").values()
    modes = [nodes.table(service).get("network_mode") for service in services]
    if any(modes) or not modes:
        return frozenset()
    joined = [set(nodes.table(service, "networks")) or {"default"} for service in services]
    return frozenset(
        name
        for name in set.intersection(*joined)
        if not nodes.table(model, "networks", name).keys() & {"external", "name"}
    )


def kinds(model: Table) -> dict[str, str]:
    """The kind of each service: service or datastore."""
    stores = engines(model)
    services = nodes.table(model, "services")
    return {name: "datastore" if name in stores else "service" for name in services}


def _ports(service: Node) -> set[int]:
    found: set[int] = set()
    for key in ("ports", "expose"):
        for item in nodes.row(nodes.table(service).get(key)):
            text = nodes.written(nodes.table(item).get("target", item)) or ""
            found |= {port.target for port in shapes.ports(text) or ()}
    return found
