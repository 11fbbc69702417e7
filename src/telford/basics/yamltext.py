"""YAML with positions, as tolerant as YAML 1.2 itself, and never executing a tag.

A text becomes documents of nodes (`Scalar`, `Sequence`, `Mapping`), each with the line and column
(from 1) where it stands. Scalars follow the YAML 1.2 core schema: ``on``, ``no`` and ``=`` are
text, an anchor may be defined again. Read by the estate's own loader and by intake.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Node:
    """Where a value begins: line and column from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Scalar(Node):
    """A value: str, int, float, bool or None; `text` is how it was written."""

    value: str | int | float | bool | None
    text: str


@dataclass(slots=True)
class Sequence(Node):
    """A list."""

    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Mapping(Node):
    """A mapping in written order; `keys` holds each key's own node, for its position."""

    keys: dict[str, Scalar] = field(default_factory=dict)
    values: dict[str, Node] = field(default_factory=dict)


def plain(node: Node) -> object:
    """The node as dict, list and scalars."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.values.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    if isinstance(node, Scalar):
        return node.value
    raise AssertionError(f"unknown node {type(node).__name__}")
