"""Intrinsic functions of templates -> values, as far as no stack is needed. Called by
`telford.intake.cloudformation.templates`.

Short forms (``!Ref Orders``) are tags, long forms (``{"Ref": "Orders"}``) mappings of one key; both
mean the same, and what cannot be evaluated is kept in its long form. Semantics:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
(2026-11).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Scalar, Sequence
from telford.intake.cloud import tree
from telford.intake.cloud.tree import Unknown

# Values in values; no template nests deeper, and Python's stack must hold it.
MAX_DEPTH = 60
# A text or list that a function makes.
MAX_RESULT = 100_000

_SHORT = {"!Ref": "Ref", "!Condition": "Condition"}
_NAMES = frozenset(
    {
        *("And", "Base64", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn", "Equals"),
        *("FindInMap", "ForEach", "GetAZs", "GetAtt", "If", "ImportValue", "Join", "Length", "Not"),
        *("Or", "RefAll", "Select", "Split", "Sub", "ToJsonString", "Transform", "ValueOf"),
        *("ValueOfAll",),
    }
)
TAGS = frozenset({*_SHORT, *(f"!{name}" for name in _NAMES)})
_PLACEHOLDER = re.compile(r"\$\{([^!{}][^{}]{0,300})\}")
_LITERAL = re.compile(r"\$\{!([^{}]{0,300})\}")


class NotKnownError(Exception):
    """The function cannot be evaluated without a stack."""


@dataclass(slots=True)
class Names:
    """What names mean in one template: parameters' values, mappings, conditions, and the keys of
    its resources; `exports` are the values that the templates of the input export.
    """

    parameters: dict[str, Node] = field(default_factory=dict)
    mappings: Node | None = None
    conditions: Mapping[str, Node] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    exports: dict[str, Node] = field(default_factory=dict)


def function(node: Node) -> tuple[str, Node] | None:
    """The long name and the argument of an intrinsic function; None where it is none."""
    tag = node.tag
    if tag in TAGS:
        name = _SHORT.get(tag) or f"Fn::{tag[1:]}"
        return name, _untagged(node)
    if isinstance(node, MappingNode) and len(node.values) == 1:
        ((name, argument),) = node.values.items()
        if name in ("Ref", "Condition") or (
            name.startswith("Fn::") and name[4:].partition("::")[0] in _NAMES
        ):
            return (name, argument) if name != "Condition" or _bare(argument) else None
    return None


def _bare(node: Node) -> bool:
    return isinstance(node, Scalar) and isinstance(node.value, str)


def _untagged(node: Node) -> Node:
    if isinstance(node, Scalar):
        return Scalar(node.line, node.column, node.text, node.text)
    if isinstance(node, Sequence):
        return Sequence(node.line, node.column, node.items)
    assert isinstance(node, MappingNode)
    return MappingNode(node.line, node.column, keys=node.keys, values=node.values)


def long(node: Node, depth: int = 0) -> Any:
    """A value as JSON writes it: every function in its long form."""
    if depth > tree.MAX_DEPTH:
        return None
    found = function(node)
    if found is not None:
        name, argument = found
        value = long(argument, depth + 1)
        if name == "Fn::GetAtt" and isinstance(value, str):
            value = list(value.partition(".")[::2])
        return {name: value}
    if isinstance(node, MappingNode):
        return {key: long(item, depth + 1) for key, item in node.values.items()}
    if isinstance(node, Sequence):
        return [long(item, depth + 1) for item in node.items]
    return tree.plain(node)


def written(node: Node, depth: int = 0) -> Node:
    """What a template says, nothing of it evaluated: a function is one leaf."""
    if function(node) is not None or depth > tree.MAX_DEPTH:
        return Unknown(node.line, node.column, raw=long(node))
    if isinstance(node, MappingNode):
        made = MappingNode(node.line, node.column, keys=dict(node.keys))
        made.values = {key: written(item, depth + 1) for key, item in node.values.items()}
        return made
    if isinstance(node, Sequence):
        items = [written(item, depth + 1) for item in node.items]
        return Sequence(node.line, node.column, items)
    return node


@dataclass(slots=True)
class Evaluator:
    """Evaluates the values of one template."""

    names: Names
    _depth: int = 0
    _open: set[str] = field(default_factory=set)

    def value(self, node: Node) -> Node:
        """The value of a node; what cannot be known keeps its long form and its references."""
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH:
                return Unknown(node.line, node.column, raw=long(node))
            found = function(node)
            if found is not None:
                return self._called(node, *found)
            if isinstance(node, MappingNode):
                made = MappingNode(node.line, node.column)
                for key, item in node.values.items():
                    value = self.value(item)
                    if not _absent(value):
                        tree.put(made, key, value, node.keys[key])
                return made
            if isinstance(node, Sequence):
                values = [self.value(item) for item in node.items]
                kept = [value for value in values if not _absent(value)]
                return Sequence(node.line, node.column, kept)
            return node
        finally:
            self._depth -= 1

    def truth(self, name: str) -> bool | None:
        """Whether a condition holds; None where only a stack can say."""
        node = self.names.conditions.get(name)
        if node is None or name in self._open or self._depth > MAX_DEPTH:
            return None
        self._open.add(name)
        try:
            value = self.value(node)
        finally:
            self._open.discard(name)
        known = value.value if isinstance(value, Scalar) else None
        return known if isinstance(known, bool) else None

    def _called(self, node: Node, name: str, argument: Node) -> Node:
        run = {
            "Ref": self._ref,
            "Condition": self._condition,
            "Fn::GetAtt": self._attribute,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find,
            "Fn::ImportValue": self._import,
            "Fn::Equals": self._equals,
            "Fn::And": self._and,
            "Fn::Or": self._or,
            "Fn::Not": self._not,
            "Fn::ToJsonString": self._json,
        }.get(name)
        references: tuple[str, ...] = ()
        hidden = False
        try:
            if run is None:
                raise NotKnownError(name)
            value = run(argument)
            if not isinstance(value, Unknown):
                if isinstance(value, Scalar) and not _absent(value):
                    return tree.scalar(value.value, node)
                return value
            references, hidden = value.references, value.sensitive
        except NotKnownError:
            inner = self._inside(argument)
            references = tuple(dict.fromkeys(key for _, key in tree.references(inner)))
            hidden = tree.sensitive(inner)
        return Unknown(
            node.line, node.column, raw=long(node), references=references, sensitive=hidden
        )

    def _inside(self, argument: Node) -> Node:
        """What a function that is not evaluated speaks of."""
        return self.value(argument)

    def _ref(self, argument: Node) -> Node:
        name = _text(argument)
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self.names.parameters:
            return self.names.parameters[name]
        key = self.names.resources.get(name)
        return Unknown(argument.line, argument.column, references=(key,) if key else ())

    def _condition(self, argument: Node) -> Node:
        truth = self.truth(_text(argument))
        if truth is None:
            raise NotKnownError("Condition")
        return tree.scalar(truth, argument)

    def _attribute(self, argument: Node) -> Node:
        items = argument.items if isinstance(argument, Sequence) else []
        name = _text(items[0]) if items else _text(argument).partition(".")[0]
        key = self.names.resources.get(name)
        return Unknown(argument.line, argument.column, references=(key,) if key else ())

    def _sub(self, argument: Node) -> Node:
        own: dict[str, Node] = {}
        text = _text(argument)
        if isinstance(argument, Sequence) and len(argument.items) == 2:
            text = _text(argument.items[0])
            values = self.value(argument.items[1])
            own = values.values if isinstance(values, MappingNode) else {}
        unknown: list[Unknown] = []

        def filled(match: re.Match[str]) -> str:
            value = own.get(match[1]) or self._named(match[1], argument)
            if isinstance(value, Unknown):
                unknown.append(value)
            return _words(value)

        made = _LITERAL.sub(r"${\1}", _PLACEHOLDER.sub(filled, text))
        if unknown:
            references = tuple(dict.fromkeys(key for item in unknown for key in item.references))
            hidden = any(item.sensitive for item in unknown)
            return Unknown(argument.line, argument.column, references=references, sensitive=hidden)
        return tree.scalar(_bounded(made), argument)

    def _named(self, name: str, near: Node) -> Node:
        """What ``${Name}`` or ``${Name.Attribute}`` means in a text."""
        first = name.strip().partition(".")[0]
        return self._ref(Scalar(near.line, near.column, first, first))

    def _join(self, argument: Node) -> Node:
        separator, items = self._pair(argument)
        if not isinstance(items, Sequence):
            raise NotKnownError("Join")
        if not tree.known(items):
            found = tuple(dict.fromkeys(key for _, key in tree.references(items)))
            hidden = tree.sensitive(items)
            return Unknown(argument.line, argument.column, references=found, sensitive=hidden)
        return tree.scalar(_bounded(_words(separator).join(map(_words, items.items))), argument)

    def _split(self, argument: Node) -> Node:
        separator, text = self._pair(argument)
        if isinstance(text, Unknown):
            return text
        parts = _words(text).split(_words(separator) or "\n")
        return tree.built(parts[:MAX_RESULT], argument)

    def _select(self, argument: Node) -> Node:
        index, items = self._pair(argument)
        number = _words(index)
        if isinstance(items, Unknown):
            return items
        if not isinstance(items, Sequence) or not number.isdecimal() or len(number) > 6:
            raise NotKnownError("Select")
        if int(number) >= len(items.items):
            raise NotKnownError("Select")
        return items.items[int(number)]

    def _if(self, argument: Node) -> Node:
        parts = argument.items if isinstance(argument, Sequence) else []
        truth = self.truth(_text(parts[0])) if len(parts) == 3 else None
        if truth is None:
            raise NotKnownError("If")
        return self.value(parts[1] if truth else parts[2])

    def _find(self, argument: Node) -> Node:
        parts = [self.value(item) for item in getattr(argument, "items", ())][:3]
        here = self.names.mappings
        for part in parts:
            if isinstance(part, Unknown) or not isinstance(here, MappingNode):
                raise NotKnownError("FindInMap")
            here = here.values.get(_words(part))
        if here is None or len(parts) != 3:
            raise NotKnownError("FindInMap")
        return here

    def _import(self, argument: Node) -> Node:
        name = self.value(argument)
        found = self.names.exports.get(_words(name)) if isinstance(name, Scalar) else None
        if found is None:
            raise NotKnownError("ImportValue")
        return found

    def _json(self, argument: Node) -> Node:
        inner = self.value(argument)
        return tree.Encoded(
            argument.line, argument.column, inner, raw={"Fn::ToJsonString": long(argument)}
        )

    def _equals(self, argument: Node) -> Node:
        left, right = self._pair(argument)
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            raise NotKnownError("Equals")
        return tree.scalar(_words(left) == _words(right), argument)

    def _and(self, argument: Node) -> Node:
        truths = self._truths(argument)
        if False in truths:
            return tree.scalar(False, argument)
        return self._sure(truths, argument, result=True)

    def _or(self, argument: Node) -> Node:
        truths = self._truths(argument)
        if True in truths:
            return tree.scalar(True, argument)
        return self._sure(truths, argument, result=False)

    def _not(self, argument: Node) -> Node:
        truths = self._truths(argument)
        if len(truths) != 1 or truths[0] is None:
            raise NotKnownError("Not")
        return tree.scalar(not truths[0], argument)

    def _sure(self, truths: list[bool | None], argument: Node, *, result: bool) -> Node:
        if None in truths:
            raise NotKnownError("a condition")
        return tree.scalar(result, argument)

    def _truths(self, argument: Node) -> list[bool | None]:
        values = [self.value(item) for item in getattr(argument, "items", ())]
        plain = [item.value if isinstance(item, Scalar) else None for item in values]
        return [item if isinstance(item, bool) else None for item in plain]

    def _pair(self, argument: Node) -> tuple[Node, Node]:
        if not isinstance(argument, Sequence) or len(argument.items) != 2:
            raise NotKnownError("two values")
        return self.value(argument.items[0]), self.value(argument.items[1])


_NO_VALUE = Scalar(0, 0, None, "AWS::NoValue")


def _absent(node: Node) -> bool:
    return node is _NO_VALUE


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _words(node: Node) -> str:
    """A known value as a text."""
    if isinstance(node, Scalar):
        if isinstance(node.value, bool):
            return "true" if node.value else "false"
        return node.text if node.value is not None else ""
    if isinstance(node, Unknown):
        return ""
    raise NotKnownError("no text")


def _bounded(text: str) -> str:
    if len(text) > MAX_RESULT:
        raise NotKnownError("too long")
    return text
