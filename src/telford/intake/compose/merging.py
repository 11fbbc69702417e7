"""How compose files are laid over one another: 13-merge.md of the Compose Specification.

`canonical` brings the short and long forms of a file to one, so that merging knows two cases only:
mappings go together key by key, lists are appended and keep one item for each key. Called by
`layers`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from telford.intake.compose import nodes, shapes
from telford.intake.compose.nodes import Leaf, Node, Row, Table

Pattern = tuple[str, ...]

REPLACED = "a later file or service replaces it"
REPEATED = "a later entry for the same thing counts"
RESET = "a later file resets it"
RESETS = "it only takes out what an earlier file says"
OTHER_DRIVER = "a later file chooses another logging driver"

_SERVICE: Pattern = ("services", "*")
# `- NAME=VALUE` and `NAME: VALUE` are the same here.
_SETTINGS: tuple[Pattern, ...] = (
    *((*_SERVICE, key) for key in ("environment", "labels", "annotations", "sysctls")),
    *((*_SERVICE, "build", key) for key in ("args", "labels", "additional_contexts")),
    (*_SERVICE, "deploy", "labels"),
    *((top, "*", "labels") for top in ("networks", "volumes", "secrets", "configs")),
)
_HOSTS: tuple[Pattern, ...] = ((*_SERVICE, "extra_hosts"), (*_SERVICE, "build", "extra_hosts"))
# A single text is a list of one.
_LISTS: tuple[Pattern, ...] = tuple(
    (*_SERVICE, key) for key in ("env_file", "label_file", "tmpfs", "dns", "dns_search")
)
_NAMED: tuple[Pattern, ...] = tuple(
    (*_SERVICE, key) for key in ("depends_on", "networks", "models")
)
# The last file's value counts whole.
_WHOLE: tuple[Pattern, ...] = (
    (*_SERVICE, "command"),
    (*_SERVICE, "entrypoint"),
    (*_SERVICE, "healthcheck", "test"),
)
# Lists in which one item stands for each key.
_UNIQUE: Mapping[Pattern, Callable[[Node], str | None]] = {
    (*_SERVICE, "ports"): shapes.port_key,
    (*_SERVICE, "volumes"): shapes.target_of_volume,
    (*_SERVICE, "devices"): shapes.target_of_volume,
    (*_SERVICE, "secrets"): lambda item: shapes.target_of_grant(item, "/run/secrets"),
    (*_SERVICE, "configs"): lambda item: shapes.target_of_grant(item, ""),
    (*_SERVICE, "env_file"): shapes.path_of_file,
    **{
        (*_SERVICE, key): nodes.written
        for key in (
            *("expose", "cap_add", "cap_drop", "dns", "dns_opt", "dns_search", "links"),
            *("external_links", "profiles", "security_opt", "tmpfs", "device_cgroup_rules"),
            *("label_file", "group_add"),
        )
    },
    (*_SERVICE, "networks", "*", "aliases"): nodes.written,
}


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that something replaced, and why."""

    node: Node
    reason: str


def canonical(node: Node, lost: list[Lost], path: Pattern = ()) -> Node:
    """One file's tree with every short form that is a list of settings or names made a mapping."""
    if isinstance(node, Leaf):
        return _lengthened(node, path)
    found = _keyed(node, path, lost) if isinstance(node, Row) else node
    if isinstance(found, Table):
        items = {key: canonical(item, lost, (*path, key)) for key, item in found.items.items()}
        return replace(found, items=items)
    listed = tuple(canonical(item, lost, (*path, "#")) for item in found.items)
    return _unique(replace(found, items=listed), path, lost)


def merge(base: Node, over: Node, lost: list[Lost], path: Pattern = ()) -> Node:
    """`base` with `over` laid on it, both canonical. What is replaced is appended to `lost`."""
    if over.tag == nodes.OVERRIDE:
        lost.append(Lost(base, REPLACED))
        return settled(over, lost)
    # In settings null means "as it is outside"; anywhere else it says nothing.
    if isinstance(over, Leaf) and over.value is None and _pattern(path[:-1]) not in _SETTINGS:
        lost.append(Lost(over, "null: it changes nothing"))
        return base
    if isinstance(base, Table) and isinstance(over, Table):
        if _pattern(path) != (*_SERVICE, "logging") or not _other_driver(base, over):
            return _merged(base, over, lost, path)
        lost.append(Lost(base, OTHER_DRIVER))
        return settled(over, lost)
    if isinstance(base, Row) and isinstance(over, Row) and _pattern(path) not in _WHOLE:
        return _unique(replace(base, items=base.items + over.items), path, lost)
    lost.append(Lost(base, REPLACED))
    return settled(over, lost)


def settled(node: Node, lost: list[Lost]) -> Node:
    """The tree without what is reset and without tags: for a file with nothing beneath it."""
    if isinstance(node, Leaf):
        return nodes.untagged(node)
    if isinstance(node, Row):
        listed = (settled(item, lost) for item in _staying(node.items, lost))
        return Row(node.origin, tuple(listed))
    items = {}
    for key, item in node.items.items():
        if item.tag == nodes.RESET:
            lost.append(Lost(item, RESETS))
        else:
            items[key] = settled(item, lost)
    return Table(node.origin, items)


def _merged(base: Table, over: Table, lost: list[Lost], path: Pattern) -> Table:
    items = dict(base.items)
    for key, item in over.items.items():
        if item.tag == nodes.RESET:
            lost.append(Lost(item, RESETS))
            if key in items:
                lost.append(Lost(items.pop(key), RESET))
        elif key in items and not key.startswith("x-"):
            items[key] = merge(items[key], item, lost, (*path, key))
        else:
            if key in items:
                lost.append(Lost(items[key], REPLACED))
            items[key] = settled(item, lost)
    return Table(base.origin, items)


def _staying(items: tuple[Node, ...], lost: list[Lost]) -> Iterator[Node]:
    for item in items:
        if item.tag == nodes.RESET:
            lost.append(Lost(item, RESETS))
        else:
            yield item


def _other_driver(base: Table, over: Table) -> bool:
    drivers = [nodes.text(table.items.get("driver")) for table in (base, over)]
    return None not in drivers and drivers[0] != drivers[1]


def _pattern(path: Pattern) -> Pattern:
    """The path with `*` for the names that people choose."""
    if len(path) < 2:
        return path
    if len(path) > 4 and path[2] == "networks":
        return (path[0], "*", "networks", "*", *path[4:])
    return (path[0], "*", *path[2:])


def _lengthened(leaf: Leaf, path: Pattern) -> Node:
    """The long form of what may be a single text."""
    if leaf.value is None or leaf.tag == nodes.RESET:
        return leaf
    pattern = _pattern(path)
    if pattern == (*_SERVICE, "build"):
        return Table(leaf.origin, {"context": leaf})
    if pattern == (*_SERVICE, "extends"):
        return Table(leaf.origin, {"service": leaf})
    if pattern in _LISTS:
        return Row(leaf.origin, (leaf,))
    return leaf


def _keyed(row: Row, path: Pattern, lost: list[Lost]) -> Row | Table:
    """A list of ``NAME=VALUE`` or of names as a mapping, where the path says that it is one."""
    if not all(isinstance(item, Leaf) and isinstance(item.value, str) for item in row.items):
        return row
    leaves = [item for item in row.items if isinstance(item, Leaf)]
    pattern = _pattern(path)
    if pattern in _SETTINGS:
        return Table(row.origin, _pairs(leaves, "=", lost), row.tag)
    if pattern in _HOSTS:
        return Table(row.origin, _pairs(leaves, "=:", lost), row.tag)
    if pattern in _NAMED:
        return Table(row.origin, _by_name(leaves, path[-1], lost), row.tag)
    return row


def _pairs(leaves: list[Leaf], separators: str, lost: list[Lost]) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for leaf in leaves:
        text = str(leaf.value)
        at = next((text.find(sign) for sign in separators if sign in text), -1)
        name = text if at < 0 else text[:at]
        if name in found:
            lost.append(Lost(found[name], REPEATED))
        raw = leaf.raw if leaf.raw is None or at < 0 else leaf.raw.partition("=")[2]
        found[name] = replace(leaf, value=None if at < 0 else text[at + 1 :], raw=raw)
    return found


def _by_name(leaves: list[Leaf], key: str, lost: list[Lost]) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for leaf in leaves:
        name = str(leaf.value)
        if name in found:
            lost.append(Lost(found[name], REPEATED))
        nothing = replace(leaf, value=None)
        # So that a condition beneath does not outlive the short form that is laid over it.
        started = {"condition": replace(leaf, value="service_started")}
        found[name] = Table(leaf.origin, started) if key == "depends_on" else nothing
    return found


def _unique(row: Row, path: Pattern, lost: list[Lost]) -> Row:
    """The list with one item for each key: the last one, where the first one stood."""
    keyed = _UNIQUE.get(_pattern(path))
    kept: dict[object, Node] = {}
    for number, item in enumerate(_staying(row.items, lost)):
        name = keyed(item) if keyed is not None else None
        place: object = number if name is None else ("key", name)
        if place in kept:
            lost.append(Lost(kept[place], REPEATED))
        kept[place] = item
    return replace(row, items=tuple(kept.values()))
