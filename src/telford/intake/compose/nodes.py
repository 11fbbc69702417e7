"""The values of compose files as a tree that remembers where each leaf was written.

Files are merged, extended, included and interpolated before anything is mapped; the origin of each
leaf survives all of it, so that every field of the input gets its fate and every edge its line.
Used all over this package.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from telford.basics import yamltext
from telford.basics.diagnostics import Position

Path = tuple[str | int, ...]
Scalar = str | int | float | bool | None

# The tags of the Compose Specification (13-merge.md); any other one means nothing.
RESET = "!reset"
OVERRIDE = "!override"
TAGS = frozenset({RESET, OVERRIDE})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written: the file, the document in it, line and column, and its path."""

    file: str
    document: int
    line: int
    column: int
    path: Path

    @property
    def position(self) -> Position:
        """For diagnostics."""
        return Position(self.file, self.line, self.column)

    @property
    def key(self) -> tuple[str, int, Path]:
        """What makes it one leaf of the input."""
        return self.file, self.document, self.path


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar, after interpolation. `unset` names the variables in it that nobody sets or that
    are secrets, `raw` is the text as it was written where the value is another or a number.
    """

    origin: Origin
    value: Scalar
    tag: str = ""
    unset: tuple[str, ...] = ()
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping."""

    origin: Origin
    items: Mapping[str, "Node"] = field(default_factory=dict)
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A list."""

    origin: Origin
    items: tuple["Node", ...] = ()
    tag: str = ""


Node = Leaf | Table | Row
Tags = Mapping[tuple[int, int], str]


def grown(node: yamltext.Node, file: str, document: int, tags: Tags, path: Path = ()) -> Node:
    """The tree of a YAML node. `tags` are those of the text, by line and column."""
    origin = Origin(file, document, node.line, node.column, path)
    tag = tags.get((node.line, node.column), "")
    if isinstance(node, yamltext.Mapping):
        items = {
            key: grown(value, file, document, tags, (*path, key))
            for key, value in node.values.items()
        }
        return Table(origin, items, tag)
    if isinstance(node, yamltext.Sequence):
        listed = (
            grown(item, file, document, tags, (*path, index))
            for index, item in enumerate(node.items)
        )
        return Row(origin, tuple(listed), tag)
    assert isinstance(node, yamltext.Scalar)
    number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
    return Leaf(origin, node.value, tag, raw=node.text if number else None)


def tags(text: str) -> Tags:
    """Line and column (from 1) of each value with a tag of the Specification, in a text that can
    be read (`yamltext.read` found something in it).
    """
    if not any(tag in text for tag in TAGS):
        return {}
    found = {}
    try:
        parser = yaml.CBaseLoader(text.removeprefix("\ufeff"))
        next_event: Callable[[], Any] = parser.get_event
        while (event := next_event()) is not None:
            tag = getattr(event, "tag", None)
            if tag in TAGS:
                found[event.start_mark.line + 1, event.start_mark.column + 1] = tag
    except yaml.YAMLError:
        # What is behind a syntax error is not read, so its tags do not matter.
        return found
    return found


def leaves(node: Node) -> Iterator[Node]:
    """Every scalar and every empty collection."""
    if isinstance(node, Leaf) or not node.items:
        yield node
    elif isinstance(node, Table):
        for item in node.items.values():
            yield from leaves(item)
    else:
        for item in node.items:
            yield from leaves(item)


def plain(node: Node) -> Any:
    """The node as dict, list and scalars; as it is written where a variable has no value."""
    if isinstance(node, Table):
        return {key: plain(item) for key, item in node.items.items()}
    if isinstance(node, Row):
        return [plain(item) for item in node.items]
    return node.raw if node.unset and node.raw is not None else node.value


def untagged(node: Node) -> Node:
    """The node without its own tag."""
    return replace(node, tag="") if node.tag else node


def table(node: Node | None, *path: str) -> Mapping[str, Node]:
    """The items of the mapping at a path; none where there is no mapping."""
    for step in path:
        node = node.items.get(step) if isinstance(node, Table) else None
    return node.items if isinstance(node, Table) else {}


def row(node: Node | None) -> tuple[Node, ...]:
    """The items of a list; none where it is no list."""
    return node.items if isinstance(node, Row) else ()


def text(node: Node | None) -> str | None:
    """The text of a scalar that is one; numbers are no texts."""
    return node.value if isinstance(node, Leaf) and isinstance(node.value, str) else None


def written(node: Node | None) -> str | None:
    """A scalar as compose makes text of it: ``8000``, ``true``, ``1.5``; None for null and for
    collections.
    """
    if not isinstance(node, Leaf) or node.value is None:
        return None
    value = node.value
    if isinstance(value, bool):
        return "true" if value else "false"
    # Go prints 1.0 as 1; nobody means a number of more than 21 digits.
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**21:
        return str(int(value))
    return str(value)


def whole(node: Node | None) -> int | None:
    """A whole number, also one written as text (interpolation gives texts)."""
    found = written(node)
    if found is None or not found.isascii() or not found.isdigit() or len(found) > 18:
        return None
    return int(found)


def flag(node: Node | None) -> bool | None:
    """A boolean, also one written as text."""
    return {"true": True, "false": False}.get((written(node) or "").lower())
