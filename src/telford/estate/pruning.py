"""What was reported and cut out of a document, so that nothing is concluded from its absence.

A bad value is one mistake. It is cut out where it stands, the rest of the document is read as if it
had never been written, and the hole is remembered in the node around it (`Mapping.lost`,
`Sequence.lost`), through overlays as well. Rules ask here before they say that something is missing
or has its default. Called by `telford.estate.documents`, `telford.estate.layers` and
`telford.rules`.
"""

from collections.abc import Iterable

from telford.basics.yamltext import Mapping, Node, Sequence

Path = tuple[str | int, ...]
# Among the lost keys: every key that is not there may have been.
ANY = "*"


def cut_key(node: Mapping, key: str) -> None:
    """Take a key and its value out of a mapping, and remember that it was there."""
    node.keys.pop(key, None)
    node.values.pop(key, None)
    # One set for all cuts: a new one each would make a flood of mistakes take hours.
    if not isinstance(node.lost, set):
        node.lost = set(node.lost)
    node.lost.add(key)


def cut_items(node: Sequence, items: Iterable[Node]) -> None:
    """Take items out of a list, and remember that there were more."""
    gone = {id(item) for item in items}
    if gone:
        node.items[:] = [item for item in node.items if id(item) not in gone]
        node.lost = True


def cut(root: Node, paths: Iterable[Path]) -> bool:
    """Cut out what stands at these paths. Whether there was anything new to cut.

    What is no more there, or never was, is remembered as lost as well.
    """
    # All are found before the first is cut: a cut moves the items behind it.
    found = [(at(root, path[:-1]), path[-1], at(root, path)) for path in paths if path]
    done = False
    items: dict[int, tuple[Sequence, list[Node]]] = {}
    for holder, step, node in found:
        if isinstance(holder, Mapping):
            done |= str(step) in holder.values or str(step) not in holder.lost
            cut_key(holder, str(step))
        elif isinstance(holder, Sequence) and node is not None:
            items.setdefault(id(holder), (holder, []))[1].append(node)
    for sequence, gone in items.values():
        cut_items(sequence, gone)
    return done or bool(items)


def at(root: Node, path: Path) -> Node | None:
    """The node at a path, or None."""
    node: Node | None = root
    for step in path:
        if isinstance(node, Mapping):
            node = node.values.get(str(step))
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            return None
    return node


def key_lost(node: Mapping, key: str) -> bool:
    """Whether a key of a mapping was cut out."""
    return key not in node.values and (key in node.lost or ANY in node.lost)


def lost(root: Node, path: Path) -> bool:
    """Whether what a path means, or something above it, was cut out."""
    for end, step in enumerate(path):
        holder = at(root, path[:end])
        if isinstance(holder, Mapping) and key_lost(holder, str(step)):
            return True
    return False


def remains(node: Node) -> Node:
    """What is known of a lost value over which a partial one is laid: nothing, and that."""
    if isinstance(node, Mapping):
        return Mapping(node.line, node.column, lost=frozenset({ANY}))
    return Sequence(node.line, node.column, lost=True)


def shortened(root: Node, path: Path) -> bool:
    """Whether the list at a path was cut out, or any of its items."""
    node = at(root, path)
    return (isinstance(node, Sequence) and node.lost) or lost(root, path)


def any_lost(node: Node) -> bool:
    """Whether anything was cut out of a node, however deep."""
    if isinstance(node, Mapping):
        return bool(node.lost) or any(any_lost(value) for value in node.values.values())
    if isinstance(node, Sequence):
        return node.lost or any(any_lost(item) for item in node.items)
    return False
