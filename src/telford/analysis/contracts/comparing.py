"""The one door to contracts: read a document of any type, and compare two of them."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from telford.analysis.contracts import asyncapi, openapi, protobuf
from telford.analysis.contracts.asyncapi import Sense
from telford.analysis.contracts.change import Change, Path
from telford.basics import yamltext
from telford.basics.diagnostics import Severity

Type = Literal["openapi", "asyncapi", "protobuf"]
Compatibility = Literal["none", "backward", "forward", "full"]

_SENSES: dict[str, tuple[Sense, ...]] = {
    "none": (),
    "backward": ("backward",),
    "forward": ("forward",),
    "full": ("backward", "forward"),
}


# The key that says what a document is stands among its first.
_KEY = re.compile(r"""^[\s{]*["']?(asyncapi|openapi|swagger)["']?\s*:""", re.MULTILINE)
_HEAD = 20_000


@dataclass(frozen=True, slots=True)
class Document:
    """A contract's document: plain data (a text for protobuf), or why it cannot be read.

    `node` has the positions, where the document was a text of YAML or JSON.
    """

    type: Type
    value: Any
    problem: str = ""
    node: yamltext.Node | None = None

    def line(self, path: Path) -> int:
        """The line of a place, or of the nearest one above that is there; 0 where not known."""
        node, line = self.node, self.node.line if self.node is not None else 0
        for step in path:
            if isinstance(node, yamltext.Mapping) and str(step) in node.values:
                line, node = node.keys[str(step)].line, node.values[str(step)]
            elif (
                isinstance(node, yamltext.Sequence)
                and isinstance(step, int)
                and step < len(node.items)
            ):
                node = node.items[step]
                line = node.line
            else:
                break
        return line

    @property
    def operations(self) -> frozenset[str]:
        """What callers name: operations, methods, messages; empty where it cannot be read."""
        if self.problem:
            return frozenset()
        if self.type == "openapi":
            return frozenset(openapi.operations(self.value))
        if self.type == "asyncapi":
            return asyncapi.messages(self.value)
        return protobuf.operations(self.value)


def read(text: str, type_: Type, name: str = "") -> Document:
    """A document from its text. Never raises."""
    if type_ == "protobuf":
        return Document(type_, text, protobuf.problem(text))
    nodes, problems = yamltext.read(text, name)
    errors = [one for one in problems if one.severity is Severity.ERROR]
    if errors or len(nodes) != 1:
        first = errors[0] if errors else None
        why = (
            f"line {first.position.line if first.position else 1}: {first.summary}"
            if first
            else "it is not one document"
        )
        return Document(type_, None, why)
    return of_value(yamltext.plain(nodes[0]), type_, nodes[0])


def of_value(value: Any, type_: Type, node: yamltext.Node | None = None) -> Document:
    """A document from plain data, as it stands inline."""
    if type_ == "protobuf":
        return Document(type_, value, protobuf.problem(value), node)
    judge = openapi.problem if type_ == "openapi" else asyncapi.problem
    return Document(type_, value, judge(value), node)


def guess(text: str) -> Type:
    """What a text is: protobuf, where it is neither of the two others."""
    found = _KEY.search(text[:_HEAD])
    if found is None:
        return "openapi" if text.lstrip()[:1] == "{" else "protobuf"
    return "asyncapi" if found[1] == "asyncapi" else "openapi"


def changes(
    old: Document, new: Document, compatibility: Compatibility = "backward"
) -> tuple[Change, ...]:
    """What `new` breaks, or may break, in the sense of `compatibility`; the breaking ones first, each
    once, in a stable order. Nothing where one of the two cannot be read.
    """
    if old.problem or new.problem or old.type != new.type or compatibility == "none":
        return ()
    if old.type == "openapi":
        found = openapi.changes(old.value, new.value) if compatibility != "forward" else []
        if compatibility in {"forward", "full"}:
            found += [_turned(change) for change in openapi.changes(new.value, old.value)]
    elif old.type == "asyncapi":
        found = asyncapi.changes(old.value, new.value, _SENSES[compatibility])
    else:
        found = protobuf.changes(old.value, new.value)
    return tuple(sorted(dict.fromkeys(found), key=lambda c: (c.level, c)))


def _turned(change: Change) -> Change:
    """A change of the way back, as those see it who must be able to go it."""
    summary = f"(new callers of the old version) {change.summary}"
    return Change(
        change.operation,
        change.code,
        change.level,
        summary,
        change.path,
        not change.newer,
        change.line,
    )
