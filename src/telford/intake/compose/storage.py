"""Files that a service sees: volumes, scratch, secrets and configs. Called by `services`."""

import re
from typing import Any, get_args

from telford.estate.kinds import running
from telford.intake import names
from telford.intake.compose import nodes, problems, shapes
from telford.intake.compose.desk import Desk
from telford.intake.compose.nodes import Leaf, Node, Table
from telford.intake.compose.shapes import Mount

HOST = "host"
OPTIONS = "its other options are kept beside: no field says them"
_OCTAL = re.compile(r"0o?([0-7]{1,4})")
_TYPES: frozenset[str] = frozenset(get_args(running.Volume.model_fields["type"].annotation))


def volumes(desk: Desk, node: Node) -> None:
    """``volumes``."""
    for item in nodes.row(node):
        if isinstance(item, Table):
            _long(desk, item)
            continue
        found = shapes.mount(nodes.text(item) or "")
        if found is None:
            _refuse(desk, "volumes", item, "it is no SOURCE:TARGET")
        else:
            _placed(desk, item, found)
    _empty(desk, "volumes", node)


def _empty(desk: Desk, key: str, node: Node) -> None:
    if nodes.row(node):
        return
    if isinstance(node, Leaf | Table):
        desk.refuse((key,), node, "it must be a list")
    else:
        desk.say(node, "it has none")


def _refuse(desk: Desk, key: str, item: Node, why: str) -> None:
    desk.keep_item((key,), item, f"it cannot be a field: {why}")
    desk.complain((key,), item, why)


def _placed(desk: Desk, item: Node, found: Mount) -> bool:
    """One volume in the short form, or the main part of a long one."""
    volume = _volume(desk, found)
    if volume is None:
        desk.keep_item(("volumes",), item)
        return False
    _defined(desk, item, found)
    if not _mounted(desk, "volumes", item, volume):
        return False
    if found.options:
        desk.keep_item(("volumes",), item)
        desk.say(item, OPTIONS)
    return True


def _mounted(desk: Desk, key: str, item: Node, volume: dict[str, Any]) -> bool:
    """Add a volume; one that is there already is seen at one more place."""
    there = [other for other in desk.run.get("volumes", []) if other["name"] == volume["name"]]
    if not there:
        return desk.add((key,), item, "volumes", volume)
    mount = {"volume": volume["name"], "path": volume["path"]}
    if volume.get("readOnly"):
        mount["readOnly"] = True
    return desk.add((key,), item, "mounts", mount)


def _volume(desk: Desk, found: Mount) -> dict[str, Any] | None:
    """The volume in document form; None for a kind that the model does not have."""
    base: dict[str, Any] = {"path": found.target}
    if found.read_only:
        base["readOnly"] = True
    if found.kind == "volume" and not found.source:
        return {"name": _free(desk, found.target), **base}
    if found.kind == "volume":
        source = _name_of(desk, found.source)
        return {"name": names.slug(found.source), "type": "storage", "source": source, **base}
    if found.kind == "tmpfs":
        return {"name": _free(desk, found.target), "medium": "Memory", **base}
    if found.kind == "bind" and HOST in _TYPES:
        name = _free(desk, found.target)
        return {"name": name, "type": HOST, "source": desk.clear(found.source), **base}
    return None


def _free(desk: Desk, target: str) -> str:
    """A name for a volume that has none: after the place where it is seen."""
    taken = {volume["name"] for volume in desk.run.get("volumes", [])}
    wish = names.slug(target)
    number = 2
    name = wish
    while name in taken:
        name = names.slug(f"{wish}-{number}")
        number += 1
    return name


def _name_of(desk: Desk, source: str) -> str:
    """What the machine calls a volume: its `name`, where the project gives it one."""
    definition = nodes.table(desk.project.model, "volumes", source)
    return nodes.text(definition.get("name")) or source


def _defined(desk: Desk, item: Node, found: Mount) -> None:
    if found.kind == "volume" and found.source:
        if desk.project.defined("volumes", found.source):
            definition = nodes.table(desk.project.model, "volumes")[found.source]
            if not nodes.table(definition):
                desk.say(definition)
        else:
            place = item.origin.position
            desk.project.diagnostics.append(
                problems.no_definition(place, str(desk.address), "volumes", found.source)
            )


def _long(desk: Desk, item: Table) -> None:
    """The long form: type, source, target and what goes with them."""
    kind = nodes.text(item.items.get("type")) or "volume"
    source = nodes.text(item.items.get("source")) or ""
    target = nodes.text(item.items.get("target")) or ""
    found = Mount(kind, source, target, nodes.flag(item.items.get("read_only")) is True)
    volume = _volume(desk, found) if target else None
    if volume is None:
        desk.keep_item(("volumes",), item)
        if not target:
            desk.complain(("volumes",), item, "it has no `target`")
        return
    _defined(desk, item, found)
    said = {key: node for key, node in item.items.items() if _says(key, node, volume)}
    main = Table(item.origin, said)
    rest = {key: node for key, node in item.items.items() if key not in said}
    if _mounted(desk, "volumes", main, volume) and rest:
        # `target` says which volume the rest is of; it is said above and stays mapped.
        desk.keep_item(("volumes",), Table(item.origin, {"target": item.items["target"], **rest}))
    elif rest:
        desk.keep_item(("volumes",), Table(item.origin, rest))


def _says(key: str, node: Node, volume: dict[str, Any]) -> bool:
    """Whether a key of the long form is said by the volume; settings of its kind go into it."""
    if key in ("type", "source", "target"):
        return nodes.text(node) is not None
    if key == "read_only":
        return nodes.flag(node) is not None
    settings = nodes.table(node)
    if key == "volume" and settings.keys() == {"subpath"} and nodes.text(settings["subpath"]):
        volume["subPath"] = nodes.text(settings["subpath"])
        return True
    if key == "tmpfs" and settings.keys() == {"size"}:
        size = shapes.size(nodes.written(settings["size"]) or "")
        volume |= {"size": size} if size else {}
        return size is not None
    return False


def scratch(desk: Desk, node: Node) -> None:
    """``tmpfs``: memory that is seen as files."""
    for item in nodes.row(node):
        target, _, options = (nodes.text(item) or "").partition(":")
        if not target:
            _refuse(desk, "tmpfs", item, "it names no folder")
            continue
        volume: dict[str, Any] = {"name": _free(desk, target), "medium": "Memory", "path": target}
        rest = []
        for option in filter(None, options.split(",")):
            key, _, value = option.partition("=")
            size = shapes.size(value) if key == "size" else None
            if size is not None:
                volume["size"] = size
            elif option != "rw":
                rest.append(option)
        if desk.add(("tmpfs",), item, "volumes", volume) and rest:
            desk.keep_item(("tmpfs",), item)
            desk.say(item, OPTIONS)
    _empty(desk, "tmpfs", node)


def grants(desk: Desk, node: Node, key: str) -> None:
    """``secrets`` and ``configs``: a file each, at its place."""
    for item in nodes.row(node):
        long = nodes.table(item)
        name = nodes.text(long.get("source") if long else item)
        folder = "/run/secrets" if key == "secrets" else ""
        target = shapes.target_of_grant(item, folder)
        if not name or target is None:
            _refuse(desk, key, item, "it names none")
            continue
        if not desk.project.defined(key, name):
            place = item.origin.position
            desk.project.diagnostics.append(
                problems.no_definition(place, str(desk.address), key, name)
            )
        _granted(desk, key, item, name, target)
    _empty(desk, key, node)


def _granted(desk: Desk, key: str, item: Node, name: str, target: str) -> None:
    known = desk.project.configs if key == "configs" else desk.project.granted
    source = known.get(name)
    if source is None:
        desk.keep_item((key,), item)
        return
    volume: dict[str, Any] = {
        "name": _free(desk, name),
        "type": key.removesuffix("s"),
        "source": source,
        "path": target,
        "subPath": name,
    }
    long = nodes.table(item)
    mode = _mode(long.get("mode"))
    if mode is not None:
        volume["mode"] = mode
    if not long:
        desk.add((key,), item, "volumes", volume)
        return
    said = ("source", "target", *(("mode",) if mode is not None else ()))
    main = Table(item.origin, {name: long[name] for name in said if name in long})
    desk.add((key,), main, "volumes", volume)
    rest = {name: node for name, node in long.items() if name not in said}
    if rest:
        desk.keep_item((key,), Table(item.origin, {"source": long["source"], **rest}))


def _mode(node: Node | None) -> int | None:
    """Permission bits. Compose writes them in octal (``0440``, ``0o440``), also as a text."""
    if not isinstance(node, Leaf):
        return None
    text = node.raw if node.raw is not None and isinstance(node.value, int) else node.value
    octal = _OCTAL.fullmatch(text) if isinstance(text, str) else None
    if octal is not None:
        found = int(octal[1], 8)
    elif isinstance(node.value, int):
        found = node.value
    else:
        return None
    return found if 0 <= found <= 0o777 else None
