"""The environment variables of a service, from `environment` and from files. Called by `services`.

A value is written out where the files say it; what comes from whoever runs compose is a reference
to a Config, and a secret is a reference to a Secret, never a value.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telford.intake.compose import hiding, nodes, paths, problems, shapes
from telford.intake.compose.desk import Desk
from telford.intake.compose.nodes import Leaf, Node, Table
from telford.intake.imported import Status

# The whole of a value is one variable: `${NAME}`, `$NAME`, `${NAME:?message}`.
_WHOLE = re.compile(r"\$(?:([_a-zA-Z][_a-zA-Z0-9]*)|\{([_a-zA-Z][_a-zA-Z0-9]*)(?::?[-?].*)?\})")
SURROUNDINGS = "it comes from whoever runs compose: a reference"
A_SECRET = "it comes from a secret: a reference"  # noqa: S105 - a reason, not a password
AGAIN = "`environment` or a later file says it again"
# More is a data set, not an environment.
MAX_SETTINGS = 2_000


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable of a service with its text, for those who look for addresses in it."""

    name: str
    text: str
    leaf: Leaf


def settings(desk: Desk) -> list[Setting]:
    """``environment`` and ``env_file``."""
    own = desk.service.items.get("environment")
    said = nodes.table(own)
    found = _from_files(desk, said)
    for name, node in said.items():
        value = _one(desk, ("environment", name), name, node)
        if value is not None:
            found.append(value)
    if own is not None and not said:
        if isinstance(own, Table):
            desk.say(own, "it has none")
        else:
            desk.refuse(("environment",), own, "it must be a mapping, or a list of NAME=VALUE")
    return found


def _one(desk: Desk, path: tuple[str, ...], name: str, node: Node) -> Setting | None:
    """One variable: into `env`, with the fate of its leaf."""
    if not isinstance(node, Leaf) or not name:
        desk.refuse(path, node, "it is no text, or has no name")
        return None
    if len(desk.run.get("env", {})) >= MAX_SETTINGS:
        what = f"a service has more than {MAX_SETTINGS:,} settings; the rest is carried"
        place = desk.service.origin.position
        desk.project.diagnostics.append(problems.limit(place, what))
        desk.keep(path, node)
        return None
    value = nodes.written(node)
    variable = _variable(node, name)
    if variable:
        _refer(desk, name, variable, node)
    elif value is None:
        desk.drop(node, "null: the same as not written")
    elif hiding.refers(value):
        _put(desk, name, {"secret": desk.vault, "key": name})
        desk.composed.append(name)
        desk.say(node, A_SECRET)
    elif hiding.secret(name, value):
        _put(desk, name, {"secret": desk.vault, "key": name})
        desk.hide(node, name)
    else:
        _put(desk, name, value)
        desk.say(node)
    return None if value is None else Setting(name, value, node)


def _variable(leaf: Leaf, name: str) -> str:
    """The variable that a setting is nothing but, where nobody gives it a value."""
    if leaf.value is None:
        return name
    whole = _WHOLE.fullmatch(leaf.raw) if leaf.unset and leaf.raw else None
    found = (whole[1] or whole[2]) if whole else ""
    return found if found in leaf.unset else ""


def _refer(desk: Desk, name: str, variable: str, node: Node) -> None:
    if hiding.named(variable) or hiding.named(name):
        desk.hidden.append(variable)
        _put(desk, name, {"secret": desk.project.vault, "key": variable})
        desk.say(node, A_SECRET)
    else:
        desk.reads.append(variable)
        _put(desk, name, {"config": desk.project.environment, "key": variable, "optional": True})
        desk.say(node, SURROUNDINGS)


def _put(desk: Desk, name: str, value: Any) -> None:
    desk.run.setdefault("env", {})[name] = value


def _from_files(desk: Desk, said: Mapping[str, Node]) -> list[Setting]:
    """The variables of each `env_file`, the last file first heard."""
    found: dict[str, tuple[str, str]] = {}
    for entry in nodes.row(desk.service.items.get("env_file")):
        for name, place in _file(desk, entry).items():
            if name in found:
                _overridden(desk, name, found[name][0])
            found[name] = place
    listed = []
    for name, (path, value) in found.items():
        if name in said:
            _overridden(desk, name, path)
            continue
        leaf = Leaf(desk.project.loader.origin(path, name), value)
        setting = _one(desk, ("environment", name), name, leaf)
        if setting is not None:
            listed.append(setting)
    whole = desk.service.items.get("env_file")
    if whole is not None and not nodes.row(whole):
        desk.keep(("env_file",), whole)
    return listed


def _overridden(desk: Desk, name: str, path: str) -> None:
    origin = desk.project.loader.origin(path, name)
    desk.ledger.mark_origin(origin, Status.DROPPED, "", AGAIN)


def _file(desk: Desk, entry: Node) -> dict[str, tuple[str, str]]:
    """Name -> (file, value) of one file of variables."""
    given = shapes.path_of_file(entry)
    loader = desk.project.loader
    if not given:
        desk.keep_item(("env_file",), entry)
        desk.complain(("env_file",), entry, "it names no path")
        return {}
    folder = loader.folders.get(entry.origin.file, "")
    path = given if paths.refused(given) else paths.joined(folder, given)
    long = nodes.table(entry)
    optional = nodes.flag(long.get("required")) is False
    text = loader.text(path, entry.origin.position, optional=optional)
    if text is None:
        desk.keep_item(("env_file",), entry, "the file is not in the input")
        return {}
    raw = nodes.text(long.get("format")) == "raw"
    read = loader.settings(path, text, desk.project.variables, raw=raw)
    desk.say(entry, "its variables are those of `run`")
    return {name: (path, value) for name, value in read.values.items()}
