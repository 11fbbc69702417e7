"""What a dependency is for: to publish or consume, to read or write. Called by
`telford.intake.cloud.dependencies`.

It is said by the actions that a policy allows beside the reference, or by where the reference
stands; where neither says it, nothing is said.
"""

import fnmatch
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from telford.basics import resources
from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Scalar
from telford.basics.yamltext import Sequence as Items
from telford.intake.cloud import tree
from telford.intake.cloud.tree import Path

Use = Mapping[str, Any]
_ACTIONS = ("Action", "actions", "action")


@cache
def _known() -> Mapping[str, Any]:
    return resources.toml("telford.intake.cloud", "actions.toml")


def of(body: Node, path: Path) -> Use:
    """What a reference at a path of a resource's body is for; empty where nothing says it."""
    steps = _known()["steps"]
    for step in reversed(path):
        if isinstance(step, str) and step in steps:
            return dict(steps[step])
    for length in range(len(path) - 1, -1, -1):
        found = tree.at(body, path[:length])
        holder = found[1] if found is not None else None
        if isinstance(holder, MappingNode):
            for name in _ACTIONS:
                if name in holder.values:
                    return _allowed(holder.values[name])
    return {}


def joined(old: dict[str, Any], new: Use) -> dict[str, Any]:
    """Two purposes of one dependency: both readings, or none where they exclude each other."""
    both = {**old, **new}
    readings = {old.get("access"), new.get("access")}
    if "readwrite" in readings or readings >= {"read", "write"}:
        both["access"] = "readwrite"
    if old.get("role") and new.get("role") and old["role"] != new["role"]:
        both["role"] = "both"
    return both


def _allowed(node: Node) -> Use:
    """The purpose of some actions, such as ``sqs:SendMessage``."""
    found: dict[str, Any] = {}
    for action in _texts(node):
        service, _, name = action.partition(":")
        for purpose, patterns in _known().get(service.lower(), {}).items():
            if service != "steps" and any(fnmatch.fnmatchcase(name, one) for one in patterns):
                key = "role" if purpose in ("publish", "consume") else "access"
                found = joined(found, {key: purpose})
    return found


def _texts(node: Node) -> Iterator[str]:
    for item in node.items if isinstance(node, Items) else [node]:
        if isinstance(item, Scalar) and isinstance(item.value, str):
            yield item.value
