"""How much of a service runs, where, and how it is renewed. Called by `services`."""

import re
from typing import Any

from telford.intake.compose import nodes, process, shapes
from telford.intake.compose.desk import Desk
from telford.intake.compose.nodes import Leaf, Node

# `node.labels.zone == a`: what a node must have.
_CONSTRAINT = re.compile(r"node\.labels\.([\w./-]+)\s*==\s*(\S+)")
_RESOURCES = {"limits": "limits", "reservations": "requests"}
_AMOUNTS = {"cpus": "cpu", "memory": "memory"}
_JOBS = ("replicated-job", "global-job")
_FLAT = {
    "cpus": ("limits", "cpus"),
    "mem_limit": ("limits", "memory"),
    "mem_reservation": ("reservations", "memory"),
}


def deploy(desk: Desk, node: Node) -> None:
    """``deploy``."""
    items = nodes.table(node)
    if not items:
        desk.keep(("deploy",), node)
    for key, item in items.items():
        path = ("deploy", key)
        if key == "replicas":
            replicas(desk, path, item)
        elif key == "mode":
            _mode(desk, item)
        elif key == "resources":
            _resources(desk, item)
        elif key == "restart_policy" and nodes.table(item):
            process.restart_policy(desk, item)
        elif key == "placement":
            _placement(desk, item)
        elif key == "update_config":
            _update(desk, item)
        elif isinstance(item, Leaf) and item.value is None:
            desk.drop(item, "null: the same as not written")
        else:
            desk.keep(path, item)


def replicas(desk: Desk, path: tuple[str, ...], node: Node) -> None:
    """``deploy.replicas`` and ``scale``."""
    found = nodes.whole(node)
    if found is None:
        desk.refuse(path, node, "it is no whole number")
    else:
        desk.fit(path, node, replicas=found)


def flat(desk: Desk, node: Node, key: str) -> None:
    """``cpus``, ``mem_limit`` and ``mem_reservation``."""
    group, amount = _FLAT[key]
    _amount(desk, (key,), node, group, amount)


def _mode(desk: Desk, node: Node) -> None:
    text = nodes.text(node)
    if text == "replicated":
        desk.say(node)
    elif text == "global":
        desk.fit(("deploy", "mode"), node, workload="DaemonSet")
    elif text in _JOBS:
        desk.fields["type"] = "job"
        desk.say(node)
    else:
        desk.refuse(("deploy", "mode"), node, "it must be replicated or global")


def _resources(desk: Desk, node: Node) -> None:
    for group, amounts in nodes.table(node).items():
        path = ("deploy", "resources", group)
        if group not in _RESOURCES or not nodes.table(amounts):
            desk.keep(path, amounts)
            continue
        for key, item in nodes.table(amounts).items():
            if key in _AMOUNTS:
                _amount(desk, (*path, key), item, group, key)
            else:
                desk.keep((*path, key), item)
    if not nodes.table(node):
        desk.keep(("deploy", "resources"), node)


def _amount(desk: Desk, path: tuple[str, ...], node: Node, group: str, key: str) -> None:
    text = nodes.written(node) or ""
    found: str | None = text if re.fullmatch(r"\d{1,6}(\.\d{1,9})?", text) else None
    if key == "memory":
        found = shapes.size(text)
    if found is None:
        desk.refuse(path, node, "it is no amount such as 0.5 or 512m")
    elif not found.strip("0.KiMGTP"):
        desk.keep(path, node, "zero: the same as no limit")
    else:
        fields: dict[str, Any] = {_RESOURCES[group]: {_AMOUNTS[key]: found}}
        desk.fit(path, node, resources=fields)


def _placement(desk: Desk, node: Node) -> None:
    for key, item in nodes.table(node).items():
        path = ("deploy", "placement", key)
        if key != "constraints" or not nodes.row(item):
            desk.keep(path, item)
            continue
        for constraint in nodes.row(item):
            match = _CONSTRAINT.fullmatch(nodes.text(constraint) or "")
            if match is None:
                desk.keep_item(path, constraint)
            else:
                desk.fit(path, constraint, nodeSelector={match[1]: match[2]})
    if not nodes.table(node):
        desk.keep(("deploy", "placement"), node)


def _update(desk: Desk, node: Node) -> None:
    """``update_config``: how many at once, and which first."""
    items = nodes.table(node)
    order, count = nodes.text(items.get("order")), nodes.whole(items.get("parallelism"))
    for key, item in items.items():
        path = ("deploy", "update_config", key)
        if key == "parallelism" and count:
            more = {"surge": count, "unavailable": 0}
            rollout = more if order == "start-first" else {"unavailable": count}
            desk.fit(path, item, rollout={"strategy": "RollingUpdate", **rollout})
        elif key == "order" and count and order in ("start-first", "stop-first"):
            desk.say(item)
        else:
            desk.keep(path, item)
    if not items:
        desk.keep(("deploy", "update_config"), node)
