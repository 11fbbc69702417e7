"""Values of infrastructure code: what is known, with its place, and what only its tool can know.

A tree is made of the nodes of `telford.basics.yamltext` (`Mapping`, `Sequence`, `Scalar`: known)
and of two more: `Unknown`, an expression that cannot be evaluated here and is kept as it was
written, and `Encoded`, a value that the tool turns into text (``jsonencode``), seen through here.
Made by the readers of Terraform and CloudFormation, read by this package.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from telford.basics.yamltext import Mapping, Node, Scalar, Sequence

Path = tuple[str | int, ...]
# A value nested deeper than this is no configuration; everything that recurses here stops there.
MAX_DEPTH = 100


@dataclass(slots=True)
class Unknown(Node):
    """A value that only the tool knows.

    `raw` is how a document writes it (``"${aws_sqs_queue.orders.url}"``, ``{"Ref": "Orders"}``);
    `references` are the keys of the resources that it names. A `sensitive` one has no `raw`.
    """

    raw: object = None
    references: tuple[str, ...] = ()
    sensitive: bool = False


@dataclass(slots=True)
class Encoded(Node):
    """A value that becomes text: `inner` is what it says, `raw` how a document writes it."""

    inner: Node
    raw: object = None


def plain(node: Node) -> Any:
    """The tree as dict, list and scalars; what is unknown as it was written."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.values.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Unknown | Encoded):
        return node.raw
    raise AssertionError(f"unknown node {type(node).__name__}")


def known(node: Node) -> bool:
    """Whether every value of the tree is known."""
    return not any(isinstance(leaf, Unknown) for _, leaf in leaves(node))


def sensitive(node: Node) -> bool:
    """Whether any value of the tree is a secret."""
    return any(isinstance(leaf, Unknown) and leaf.sensitive for _, leaf in leaves(node))


def leaves(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every scalar, expression and empty collection, with its path."""
    if isinstance(node, Encoded):
        yield from leaves(node.inner, path)
    elif isinstance(node, Mapping) and node.values:
        for key, value in node.values.items():
            yield from leaves(value, (*path, key))
    elif isinstance(node, Sequence) and node.items:
        for index, item in enumerate(node.items):
            yield from leaves(item, (*path, index))
    else:
        yield path, node


def references(node: Node) -> Iterator[tuple[Path, str]]:
    """Every reference to a resource in the tree, with the path of the value that makes it."""
    for path, leaf in leaves(node):
        if isinstance(leaf, Unknown):
            for reference in leaf.references:
                yield path, reference


def at(node: Node, steps: Path) -> tuple[Path, Node] | None:
    """The value at a path, and the path as it is.

    A step by name goes through a list of one, for Terraform writes a single block as such.
    """
    path: list[str | int] = []
    for step in steps:
        while isinstance(node, Encoded):
            node = node.inner
        if isinstance(step, str) and isinstance(node, Sequence) and node.items:
            node = node.items[0]
            path.append(0)
        if isinstance(node, Mapping) and step in node.values:
            node = node.values[str(step)]
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            return None
        path.append(step)
    return tuple(path), node


def steps(text: str) -> Path:
    """A dotted path as steps: ``container_definitions.0.image``."""
    return tuple(int(part) if part.isdecimal() else part for part in text.split("."))


def scalar(value: str | float | bool | None, near: Node) -> Scalar:
    """A known value at the place of another node."""
    return Scalar(near.line, near.column, value, "" if value is None else str(value))


def built(value: object, near: Node) -> Node:
    """A plain value as a tree, every node at the place of `near`."""
    if isinstance(value, dict):
        node = Mapping(near.line, near.column)
        for key, item in value.items():
            put(node, str(key), built(item, near), near)
        return node
    if isinstance(value, list):
        return Sequence(near.line, near.column, [built(item, near) for item in value])
    assert value is None or isinstance(value, str | int | float | bool)
    return scalar(value, near)


def put(holder: Mapping, key: str, value: Node, near: Node) -> None:
    """Add an entry to a mapping; a later one replaces an earlier one of the same key."""
    holder.keys[key] = Scalar(near.line, near.column, key, key)
    holder.values[key] = value
