"""Reading a foreign document field by field, with every leaf accounted for.

A reader says which field of the estate says what of the document (`Descriptor.say`), or that
something was read for its meaning (`took`) or means nothing (`drop`). What is left is carried as it
is, under an ``x-FORMAT`` key. Every field keeps the position of the text that it came from, so that
documents of open formats can live in an estate. Used by the readers of descriptors, objectives and
contracts in `telford.intake`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pydantic

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Scalar, Sequence
from telford.estate.kinds import registry
from telford.estate.kinds.base import API_VERSION
from telford.intake.imported import Document, Fate, Status

Path = tuple[str | int, ...]

BEYOND = "no field of the model says it"
FORMAT = "it only says which format this is"


@dataclass(slots=True)
class Descriptor:
    """One foreign document on its way: `subject` is what the report calls it (``Component/cart``)."""

    file: str
    subject: str
    node: Node
    taken: dict[Path, str] = field(default_factory=dict)
    dropped: dict[Path, str] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def position(self) -> Position:
        """Where the document begins."""
        return Position(self.file, self.node.line, self.node.column)

    def where(self, *path: str | int) -> Position:
        """Where a value begins, or the nearest thing around it."""
        node = self.node
        for step in path:
            inner = step_into(node, step)
            if inner is None:
                break
            node = inner
        return Position(self.file, node.line, node.column)

    def at(self, *path: str | int) -> Node | None:
        """The node at a path, or None."""
        node: Node | None = self.node
        for step in path:
            node = step_into(node, step) if node is not None else None
        return node

    def text(self, *path: str | int) -> str:
        """The text of a scalar that stands at a path; "" where there is none."""
        node = self.at(*path)
        return node.text if isinstance(node, Scalar) and node.value is not None else ""

    def plain(self, *path: str | int) -> Any:
        """The value at a path as plain data; None where there is none."""
        node = self.at(*path)
        return yamltext.plain(node) if node is not None else None

    def keys(self, *path: str | int) -> tuple[str, ...]:
        """The keys of the mapping at a path; none where there is none."""
        node = self.at(*path)
        return tuple(node.values) if isinstance(node, MappingNode) else ()

    def count(self, *path: str | int) -> int:
        """How many items the list at a path has; 0 where there is none."""
        node = self.at(*path)
        return len(node.items) if isinstance(node, Sequence) else 0

    def took(self, address: str, *path: str | int) -> None:
        """The value at a path was read for its meaning, by the document of an address."""
        if self.at(*path) is not None:
            self.taken[path] = address

    def drop(self, reason: str, *path: str | int) -> None:
        """The value at a path means nothing here."""
        if self.at(*path) is not None:
            self.dropped[path] = reason

    def problem(
        self,
        code: str,
        summary: str,
        fix: str,
        *path: str | int,
        severity: Severity = Severity.WARNING,
    ) -> None:
        """Something is wrong, or worth knowing, about the value at a path."""
        position = self.where(*path)
        self.diagnostics.append(Diagnostic(code, severity, summary, position=position, fix=fix))

    def fates(self, carrier: str) -> Iterator[Fate]:
        """The fate of every leaf, in order; what is left is carried by the address `carrier`."""
        for path, line, mark in self._leaves(self.node, (), None):
            status, to, reason = mark or (Status.CARRIED, carrier, BEYOND)
            name = ".".join(map(str, path))
            yield Fate(self.file, line, self.subject, name, status, to=to, reason=reason)

    def rest(self) -> Any:
        """What nobody took and nothing dropped, as plain data; None where that is nothing."""
        left = self._left(self.node, ())
        return None if left is _NOTHING else left

    def _mark(self, path: Path) -> tuple[Status, str, str] | None:
        if path in self.dropped:
            return Status.DROPPED, "", self.dropped[path]
        if path in self.taken:
            return Status.MAPPED, self.taken[path], ""
        return None

    def _leaves(
        self, node: Node, path: Path, mark: tuple[Status, str, str] | None
    ) -> Iterator[tuple[Path, int, tuple[Status, str, str] | None]]:
        mark = self._mark(path) or mark
        inner = list(items(node))
        if not inner:
            yield path, node.line, mark
        for step, item in inner:
            yield from self._leaves(item, (*path, step), mark)

    def _left(self, node: Node, path: Path) -> Any:
        if self._mark(path) is not None:
            return _NOTHING
        inner = list(items(node))
        if not inner:
            return yamltext.plain(node)
        kept = [(step, self._left(item, (*path, step))) for step, item in inner]
        kept = [(step, item) for step, item in kept if item is not _NOTHING]
        if not kept:
            return _NOTHING
        if isinstance(node, MappingNode):
            return dict(kept)
        return [item for _, item in kept]


_NOTHING = object()


def step_into(node: Node, step: str | int) -> Node | None:
    """The node one step inside of another, or None."""
    if isinstance(node, MappingNode):
        return node.values.get(str(step))
    if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None


def items(node: Node) -> Iterator[tuple[str | int, Node]]:
    """What a mapping or list holds, by key or index."""
    if isinstance(node, MappingNode):
        yield from node.values.items()
    elif isinstance(node, Sequence):
        yield from enumerate(node.items)


@dataclass(slots=True)
class Draft:
    """One estate document in the making: what is said, and where each part of it came from.

    `called` is what the input calls it, where the origin has several things in it.
    """

    kind: str
    name: str
    origin: Descriptor
    value: dict[str, Any] = field(default_factory=dict)
    marks: dict[Path, Position] = field(default_factory=dict)
    called: str = ""
    # Where in the origin a value was read, by where it is said.
    _sources: dict[Path, list[Path]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where it will live."""
        system = self.value.get("system")
        return f"{self.kind.lower()}/{f'{system}.' if system else ''}{self.name}"

    def put(self, to: Path, value: Any, position: Position | None = None) -> None:
        """Say something that no single text says; "" and None say nothing."""
        if value is None or value == "":
            return
        target: Any = self.value
        for step in to[:-1]:
            target = target.setdefault(step, {})
        target[to[-1]] = value
        self.marks[to] = position or self.origin.position

    def say(self, to: Path, value: Any, *path: str | int) -> None:
        """Say what the text at a path of the origin says, and note that it was taken."""
        if value is None or value == "":
            return
        self.put(to, value, self.origin.where(*path))
        self.origin.took(self.address, *path)
        self._sources.setdefault(to, []).append(path)

    def copy(self, to: Path, *path: str | int) -> None:
        """Say the text at a path as it is, where there is one."""
        self.say(to, self.origin.text(*path), *path)

    def texts(self, to: Path, *path: str | int) -> None:
        """Say a mapping of texts as it is (labels, annotations); its other values are left."""
        found = self.origin.at(*path)
        if not isinstance(found, MappingNode):
            return
        for key, item in found.values.items():
            if isinstance(item, Scalar) and item.value is not None:
                self.say((*to, key), item.text, *path, key)

    def document(self, file: str, carry: str = "") -> Document:
        """The document; with `carry` the origin's rest stands under that ``x-`` key."""
        head: dict[str, Any] = {"apiVersion": API_VERSION, "kind": self.kind, "name": self.name}
        self._fit(head)
        value = head | self.value
        left = self.origin.rest() if carry else None
        if left is not None:
            value[carry] = left
        called = self.called or self.origin.subject
        return Document(file, value, (self.origin.position,), self.marks, called)

    def _fit(self, head: Mapping[str, Any]) -> None:
        """Take back what the kind does not accept: it is carried with the rest instead."""
        for _ in range(MAX_TAKEN_BACK):
            try:
                registry.BY_NAME[self.kind].model_validate({**head, **self.value})
            except pydantic.ValidationError as error:
                bad = {said for problem in error.errors() for said in self._about(problem["loc"])}
                if not bad:
                    return
                for said in bad:
                    self._take_back(said)
            else:
                return

    def _about(self, location: tuple[str | int, ...]) -> list[Path]:
        """What was said at a place, around it or inside of it; the places of unions are names."""
        return [
            said
            for said in self._sources
            if said == location[: len(said)] or said[: len(location)] == location
        ]

    def _take_back(self, said: Path) -> None:
        for source in self._sources.pop(said):
            self.origin.taken.pop(source, None)
        self.marks.pop(said, None)
        holder: Any = self.value
        for step in said[:-1]:
            holder = holder.get(step, {})
        holder.pop(said[-1], None)


# More rounds than a document has parts that depend on one another.
MAX_TAKEN_BACK = 10


def positioned(value: Any, marks: Mapping[Path, Position], default: Position) -> Node:
    """Plain data as positioned YAML nodes: each part at its own mark, else at what is around it."""
    return _node(value, marks, (), default)


def _node(value: Any, marks: Mapping[Path, Position], path: Path, around: Position) -> Node:
    here = marks.get(path, around)
    if isinstance(value, Mapping):
        node = MappingNode(here.line, here.column)
        for key, item in value.items():
            inner = _node(item, marks, (*path, str(key)), here)
            node.keys[str(key)] = Scalar(inner.line, inner.column, str(key), str(key))
            node.values[str(key)] = inner
        return node
    if isinstance(value, list | tuple):
        items = [_node(item, marks, (*path, index), here) for index, item in enumerate(value)]
        return Sequence(here.line, here.column, items)
    return Scalar(here.line, here.column, value, _written(value))


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)
