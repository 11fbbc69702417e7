"""Ports, names and networks of a service: how others reach it. Called by `services`.

A compose service is reached by its name and by its aliases on the ports of the container, and from
outside on the published ports of the machine: an endpoint each.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from telford.estate.kinds.base import NAME_PATTERN
from telford.intake import names
from telford.intake.compose import nodes, problems, shapes
from telford.intake.compose.desk import Desk
from telford.intake.compose.nodes import Leaf, Node, Table
from telford.intake.compose.shapes import Port

_LABEL = re.compile(NAME_PATTERN)
# All interfaces: the same as not written.
_EVERYWHERE = frozenset({"", "0.0.0.0", "::", "0:0:0:0:0:0:0:0"})  # noqa: S104 - nothing is bound
LOCAL = "which address of the machine it is bound to is kept beside: no field says it"
COMMON = "every service of the project is on it, as on the network of compose itself"
MEMBER = "no field says who shares a network; names are resolved by it"


@dataclass(slots=True)
class _Listed:
    """The ports of a container in their order, each once, and the published ones."""

    inside: dict[tuple[int, str], str] = field(default_factory=dict)
    outside: list[tuple[int, Port]] = field(default_factory=list)
    protocols: set[str] = field(default_factory=set)

    def take(self, port: Port, name: str = "") -> None:
        key = port.target, port.protocol
        if name or key not in self.inside:
            self.inside[key] = name
        if port.published is not None:
            self.outside.append((port.published, port))


def ports(desk: Desk) -> frozenset[str]:
    """``ports`` and ``expose``: the ports of `run` and the endpoints. The application protocols
    that the file names.
    """
    listed = _Listed()
    node = desk.service.items.get("ports")
    for item in nodes.row(node):
        _published(desk, item, listed)
    exposed = desk.service.items.get("expose")
    for item in nodes.row(exposed):
        found = shapes.ports(nodes.written(item) or "")
        if found is None or any(port.published for port in found):
            _refused(desk, ("expose",), item)
        else:
            _taken(desk, ("expose",), item, listed, found)
    for key, whole in (("ports", node), ("expose", exposed)):
        if whole is not None and not nodes.row(whole):
            _empty(desk, key, whole)
    called = _names(listed)
    if called:
        desk.run["ports"] = [_port(key, name) for key, name in called.items()]
    desk.fields["endpoints"] = _endpoints(desk, listed, called)
    return frozenset(listed.protocols)


def _empty(desk: Desk, key: str, node: Node) -> None:
    if isinstance(node, Leaf):
        desk.refuse((key,), node, "it must be a list")
    else:
        desk.say(node, "it has none")


def _published(desk: Desk, item: Node, listed: _Listed) -> None:
    """One entry of `ports`, short or long."""
    if isinstance(item, Table):
        _long(desk, item, listed)
        return
    found = shapes.ports(nodes.written(item) or "")
    if found is None:
        _refused(desk, ("ports",), item)
    else:
        _taken(desk, ("ports",), item, listed, found)


def _taken(
    desk: Desk, path: tuple[str, ...], item: Node, listed: _Listed, found: list[Port]
) -> None:
    if len(listed.inside) + len(found) > shapes.MAX_PORTS:
        _refused(desk, path, item)
        return
    if any(port.host not in _EVERYWHERE for port in found):
        desk.keep_item(path, item)
        desk.say(item, LOCAL)
    else:
        desk.say(item)
    for port in found:
        listed.take(port)


def _refused(desk: Desk, path: tuple[str, ...], item: Node) -> None:
    why = f"it is no port, or stands for more than {shapes.MAX_PORTS}"
    desk.keep_item(path, item, f"it cannot be a field: {why}")
    desk.complain(path, item, why)
    text = nodes.written(item) or ""
    if "-" in text and len(text) < 64:
        desk.project.diagnostics.append(
            problems.limit(item.origin.position, f"a range of ports that is too long: {path[0]}")
        )


_LONG = ("target", "published", "host_ip", "protocol", "mode", "name", "app_protocol")


def _long(desk: Desk, item: Table, listed: _Listed) -> None:
    """The long form: `target` and what goes with it."""
    given = {key: nodes.written(item.items.get(key)) or "" for key in _LONG}
    host, published = given["host_ip"], given["published"]
    text = f"{published}:{given['target']}" if published else given["target"]
    found = shapes.ports(f"{text}/{given['protocol'] or 'tcp'}")
    if found is None or len(found) != 1 or len(listed.inside) >= shapes.MAX_PORTS:
        _refused(desk, ("ports",), item)
        return
    listed.take(found[0], names.slug(given["name"]) if given["name"] else "")
    listed.protocols.add(given["app_protocol"])
    rest = {}
    for key, node in item.items.items():
        said = key in ("target", "published", "protocol", "name", "app_protocol")
        if said or (key == "host_ip" and host in _EVERYWHERE) or given.get(key) == "ingress":
            desk.say(node)
        else:
            rest[key] = node
    if rest:
        kept = Table(item.origin, {"target": item.items["target"], **rest})
        desk.keep_item(("ports",), kept)


def _names(listed: _Listed) -> dict[tuple[int, str], str]:
    """A name for each port that needs one: several, or one that the file names."""
    several = len(listed.inside) > 1
    found: dict[tuple[int, str], str] = {}
    for (number, protocol), wish in listed.inside.items():
        plain = f"port-{number}" + ("" if protocol == "TCP" else f"-{protocol.lower()}")
        free = wish if wish and wish not in found.values() else plain
        found[number, protocol] = free if several or wish else ""
    return found


def _port(key: tuple[int, str], name: str) -> dict[str, Any]:
    number, protocol = key
    found: dict[str, Any] = {"name": name} if name else {}
    found["port"] = number
    return found if protocol == "TCP" else {**found, "protocol": protocol}


def _endpoints(
    desk: Desk, listed: _Listed, called: dict[tuple[int, str], str]
) -> list[dict[str, Any]]:
    """One for the service's own name, one for each alias, one for what is published."""
    inside = [_port(key, name) for key, name in called.items()]
    found = [{"name": desk.address.name, "ports": inside}] if inside else []
    for alias, node in desk.aliases.items():
        if alias in (desk.name, desk.address.name):
            desk.say(node)
        elif not _LABEL.fullmatch(alias):
            desk.say(node, "others are resolved by it")
        else:
            desk.say(node)
            headless = {} if inside else {"type": "Headless"}
            found.append({"name": alias, **headless, "ports": inside})
    outside = _outside(listed)
    if outside:
        name = names.slug(f"{desk.address.name}-published")
        found.append({"name": name, "type": "LoadBalancer", "ports": outside})
    return found


def _outside(listed: _Listed) -> list[dict[str, Any]]:
    """The published ports, each once: two addresses of the machine may publish the same one."""
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for published, port in listed.outside:
        entry: dict[str, Any] = {"port": published}
        if port.target != published:
            entry["target"] = port.target
        if port.protocol != "TCP":
            entry["protocol"] = port.protocol
        found.setdefault((published, port.protocol), entry)
    if len(found) > 1:
        for (number, protocol), entry in found.items():
            suffix = "" if protocol == "TCP" else f"-{protocol.lower()}"
            found[number, protocol] = {"name": f"port-{number}{suffix}", **entry}
    return list(found.values())


def alias(desk: Desk, node: Node, key: str) -> None:
    """``hostname`` and ``container_name``: names that others may call it by."""
    name = nodes.text(node)
    if not name:
        desk.refuse((key,), node, "it is no name")
    elif name in desk.aliases:
        desk.say(node)
    else:
        desk.aliases[name] = node


def networks(desk: Desk, node: Node) -> None:
    """``networks``: aliases are names; who shares a network is carried."""
    for name, item in nodes.table(node).items():
        if name != "default" and not desk.project.defined("networks", name):
            place = item.origin.position
            desk.project.diagnostics.append(
                problems.no_definition(place, str(desk.address), "networks", name)
            )
        settings = nodes.table(item)
        if not settings:
            if name in desk.project.common:
                desk.say(item, COMMON)
            else:
                desk.keep(("networks", name), item, MEMBER)
        for key, setting in settings.items():
            if key != "aliases":
                desk.keep(("networks", name, key), setting)
                continue
            for entry in nodes.row(setting):
                alias(desk, entry, "networks")
            desk.kept.setdefault("networks", {}).setdefault(name, {})
    if not nodes.table(node):
        desk.keep(("networks",), node)
