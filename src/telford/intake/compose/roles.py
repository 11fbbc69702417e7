"""Which services are data stores or jobs, told from the files before anything is mapped, for the
address of a thing says its kind. Called by `addressing`, `documents` and `reading`.
"""

from typing import Any

from telford.intake.compose import nodes, shapes
from telford.intake.compose.nodes import Node, Table
from telford.intake.kubernetes import engines

DONE = "service_completed_successfully"
_JOBS = ("replicated-job", "global-job")


def engine(name: str, service: Node) -> str:
    """The engine of the data store that a service is, or ""."""
    items = nodes.table(service)
    container: dict[str, Any] = {"image": nodes.text(items.get("image")) or "", "name": name}
    ports = _ports(service)
    if not ports and not nodes.table(service, "depends_on"):
        # Compose need not name the port that an image listens on, so any may be meant.
        ports = {int(item["port"]) for item in engines.conventions()["engines"].values()}
    return engines.of(container, ports, set(nodes.table(service, "environment")))


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
    jobs = finished(model)
    return {
        name: "datastore"
        if name not in jobs and not job(item) and engine(name, item)
        else "service"
        for name, item in nodes.table(model, "services").items()
    }


def _ports(service: Node) -> set[int]:
    found: set[int] = set()
    for key in ("ports", "expose"):
        for item in nodes.row(nodes.table(service).get(key)):
            text = nodes.written(nodes.table(item).get("target", item)) or ""
            found |= {port.target for port in shapes.ports(text) or ()}
    return found
