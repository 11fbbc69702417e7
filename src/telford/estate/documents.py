"""One document: from positioned YAML to a checked kind, with every problem at its own place.

A document is walked against its kind's shape first (unknown keys, lists where a mapping belongs,
``x-*`` keys taken out), and what is left is validated by pydantic, whose error locations are mapped
back to nodes. A bad part is reported once and cut out of the tree, and what is left is validated
again: the rest of the document is judged as if the bad part had never been there, and nothing
downstream stumbles over it. Used by `telford.estate.loading` for bases and `telford.estate.overlays`
for resolved documents.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from telford.basics import units, yamltext
from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.basics.yamltext import Mapping, Node, Scalar, Sequence
from telford.estate import phrases, pruning, shapes, suggestions
from telford.estate.kinds import base
from telford.estate.kinds.base import Kind, TooManyError
from telford.estate.shapes import Shape

# Anything under such a key is the organisation's own and is never looked at.
OPEN_PREFIX = "x-"
OVERLAYS = "in"

# Each round of validation cuts at least one level off; no kind nests deeper than 12.
_MAX_ROUNDS = 30

# A document with more mistakes is a mistake as a whole: the rest is left unsaid.
MAX_PROBLEMS = 1000
# Of this many unknown keys it is worked out what was meant; that takes a millisecond each.
MAX_ADVICE = 200

_Path = pruning.Path
# After these a value is missing from what is validated.
_CUTTING = frozenset({"TEL103", "TEL115"})


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a place of a document; becomes a diagnostic once the address is known."""

    code: str
    line: int
    column: int
    summary: str
    fix: str = ""
    length: int = 1
    detail: str = ""


def diagnostic(problem: Problem, file: str, address: str) -> Diagnostic:
    """The diagnostic of a document's problem."""
    return Diagnostic(
        problem.code,
        Severity.ERROR,
        problem.summary,
        address=address,
        position=Position(file, problem.line, problem.column),
        length=problem.length,
        detail=problem.detail,
        fix=problem.fix,
    )


@dataclass(slots=True)
class Reader:
    """Walks one document. `problems` collects; `whole` is False once a bad part was cut out, so
    that the model is good for finding more mistakes and for nothing else.
    """

    kind: type[Kind]
    problems: list[Problem] = field(default_factory=list)
    reported: set[tuple[str, int, int]] = field(default_factory=set)
    # What was validated last, as plain data.
    data: dict[str, Any] = field(default_factory=dict)
    # In an overlay ``null`` deletes, wherever it stands.
    partial: bool = False
    whole: bool = True

    def validate(self, node: Mapping) -> Kind | None:
        """The model of a document (``in:`` left out), or of what is left of it (see `whole`); None
        where not even its head is right.
        """
        shape = shapes.of(self.kind)
        before = len(self.problems)
        self.data = self._mapping(node, shape, "", skip=OVERLAYS)
        self.whole = all(p.code not in _CUTTING for p in self.problems[before:])
        for _ in range(_MAX_ROUNDS):
            try:
                return self.kind.model_validate(self._filled(node))
            except ValidationError as error:
                self.whole = False
                if not pruning.cut(node, self._explain(error, shape, node)):
                    return None
            self.data = self._mapping(node, shape, "", skip=OVERLAYS)
        raise AssertionError("every round cuts something out, and no document is that deep")

    def _filled(self, node: Mapping) -> dict[str, Any]:
        """The data, with stand-ins for required fields that were lost."""
        if not node.lost:
            return self.data
        stand_ins = {k: v for k, v in self.kind.stand_ins.items() if k in node.lost}
        return {**stand_ins, **self.data}

    def overlay(self, node: Node) -> None:
        """Check the keys and the structure of a partial document."""
        self.partial = True
        self._convert(node, shapes.of(self.kind), "")
        self.partial = False

    def report(self, code: str, node: Node, summary: str, fix: str = "", detail: str = "") -> None:
        """Add a problem at a node, marking its text where it is a scalar.

        What an alias repeats is one text and one mistake.
        """
        place = (code, node.line, node.column)
        if place not in self.reported and not self._is_full(node):
            self.reported.add(place)
            self.problems.append(
                Problem(code, node.line, node.column, summary, fix, length(node), detail)
            )

    def _is_full(self, node: Node) -> bool:
        """Whether there are so many problems that one more helps nobody."""
        if len(self.problems) == MAX_PROBLEMS:
            summary = f"the document has over {MAX_PROBLEMS:,} mistakes; the rest is left unsaid"
            self.problems.append(Problem("TEL103", node.line, node.column, summary))
        return len(self.problems) > MAX_PROBLEMS

    def _convert(self, node: Node, shape: Shape, path: str) -> Any:
        """The plain value of a node, or `_BAD` where it was reported."""
        if type(node) is Scalar:
            return self._scalar(node, shape, path)
        if shape.anything:
            return yamltext.plain(node)
        if type(node) is Mapping:
            if shape.fields is not None:
                return self._mapping(node, shape, path)
            if shape.value is not None:
                return self._free(node, shape.value, path)
        elif type(node) is Sequence and shape.item is not None:
            return self._items(node, shape.item, path)
        self._wrong_type(node, shape, path)
        return _BAD

    def _mapping(self, node: Mapping, shape: Shape, path: str, skip: str = "") -> dict[str, Any]:
        assert shape.fields is not None
        plain: dict[str, Any] = {}
        fields = shape.fields
        for name, value in list(node.values.items()):
            key: str | None = name
            if name not in fields:
                if name == skip or name.startswith(OPEN_PREFIX):
                    continue
                key = self._unknown(node, name, shape, path)
            if key is None:
                continue
            if type(value) is Scalar and value.value is None:
                continue
            converted = self._convert(value, fields[key], f"{path}.{key}" if path else key)
            if converted is _BAD:
                pruning.cut_key(node, key)
            else:
                plain[key] = converted
        return plain

    def _free(self, node: Mapping, shape: Shape, path: str) -> dict[str, Any]:
        plain = {}
        for key, value in list(node.values.items()):
            if self.partial and type(value) is Scalar and value.value is None:
                continue
            converted = self._convert(value, shape, f"{path}.{key}")
            if converted is _BAD:
                pruning.cut_key(node, key)
            else:
                plain[key] = converted
        return plain

    def _items(self, node: Sequence, shape: Shape, path: str) -> list[Any]:
        plain = []
        bad = []
        for item in node.items:
            converted = self._convert(item, shape, f"{path}[]")
            if converted is _BAD:
                bad.append(item)
            else:
                plain.append(converted)
        pruning.cut_items(node, bad)
        return plain

    def _scalar(self, node: Scalar, shape: Shape, path: str) -> Any:
        value = node.value
        kind = type(value)
        scalars = shape.scalars
        # Text and numbers for text go through: pydantic knows which quantities take bare numbers.
        if shape.anything or (kind is str and "text" in scalars):
            return value
        if kind is int and ("integer" in scalars or "number" in scalars or "text" in scalars):
            return value
        if kind is float and ("number" in scalars or "text" in scalars):
            return value
        if kind is bool and "boolean" in scalars:
            return value
        self._wrong_type(node, shape, path)
        return _BAD

    def _wrong_type(self, node: Node, shape: Shape, path: str) -> None:
        name = phrases.label(path)
        expected, found = phrases.expected(shape), phrases.found(node)
        self.report(
            "TEL115", node, f"{name} must be {expected}, not {found}", phrases.type_fix(node, shape)
        )

    def _unknown(self, node: Mapping, key: str, shape: Shape, path: str) -> str | None:
        """Report an unknown key. The key that was meant, where that is certain and not there."""
        assert shape.fields is not None
        if self._is_full(node.keys[key]):
            pruning.cut_key(node, key)
            return None
        where = f"`{path}`" if path else f"a {self.kind.__name__}"
        advice = self._advice(key, shape.fields, path)
        mark = node.keys[key]
        self.problems.append(
            Problem(
                "TEL113",
                mark.line,
                mark.column,
                f"{where} has no key `{key}`",
                advice.fix,
                len(key) or 1,
            )
        )
        meant = advice.instead
        if meant is None or meant in node.values:
            pruning.cut_key(node, key)
            return None
        # Go on as if it had been written right, so that one slip is one diagnostic.
        del node.keys[key]
        node.keys[meant], node.values[meant] = mark, node.values.pop(key)
        return meant

    def _advice(self, key: str, allowed: Collection[str], path: str) -> suggestions.Advice:
        if len(self.problems) >= MAX_ADVICE:
            return suggestions.Advice("remove it, or give it a name that begins with `x-`")
        return suggestions.for_key(key, allowed, shapes.places_of(self.kind), path)

    def _explain(self, error: ValidationError, shape: Shape, node: Mapping) -> list[_Path]:
        """Turn pydantic's errors into problems, one a node. What has to be cut out for each."""
        grouped: dict[_Path, list[tuple[Any, _Located]]] = {}
        for item in error.errors(include_url=False, include_input=False):
            located = _locate(item["loc"], shape, node)
            if located is not None:
                grouped.setdefault(located.path, []).append((item, located))
        # A list whose only item is wrong is "too short" as well: the cause inside says enough.
        causes = {path[:end] for path in grouped for end in range(len(path))}
        bad: list[_Path] = []
        for path, group in grouped.items():
            if path not in causes:
                item, located = min(group, key=lambda pair: _rank(pair[0]))
                self._one(item, located)
                # Without what it needs, the part around is nothing; the document itself stays.
                bad.append(path[:-1] if item["type"] == "missing" and len(path) > 1 else path)
        return bad

    def _one(self, item: Any, located: "_Located") -> None:
        if _follows(item, located):
            return
        if item["type"] == "missing":
            self._missing(located)
            return
        code, summary, fix = _sentence(item, phrases.label(phrases.dotted(located.path)), located)
        self.report(code, located.node, summary, fix)

    def _missing(self, located: "_Located") -> None:
        key = str(located.path[-1])
        owner = phrases.dotted(located.path[:-1])
        where = f"`{owner}`" if owner else f"this {self.kind.__name__}"
        empty = isinstance(located.parent, Mapping) and key in located.parent.values
        node = located.parent.keys[key] if empty and located.parent else located.node
        summary = f"{where} has no value for `{key}`" if empty else f"{where} has no `{key}`"
        self.report("TEL114", node, summary, f"add `{key}: ...`; it is required")


class _Bad:
    """The type of `_BAD`, which stands for a value that was reported and is not used."""


_BAD = _Bad()


@dataclass(frozen=True, slots=True)
class _Located:
    """Where a pydantic error is: the nearest node, the YAML path, the shape expected there."""

    node: Node
    path: _Path
    shape: Shape | None
    parent: Mapping | None


def length(node: Node) -> int:
    """How many characters to mark: a plain scalar's text, or one."""
    if isinstance(node, Scalar) and node.text and "\n" not in node.text:
        return len(node.text)
    return 1


def find(node: Node, path: Iterable[str | int]) -> tuple[Node, Scalar | None]:
    """The node at a YAML path and its key's node; the nearest one above where it is not there."""
    key_node: Scalar | None = None
    for step in path:
        if isinstance(node, Mapping) and str(step) in node.values:
            key_node, node = node.keys[str(step)], node.values[str(step)]
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            key_node, node = None, node.items[step]
        else:
            break
    return node, key_node


def _locate(loc: _Path, shape: Shape, node: Node) -> _Located | None:
    """Follow a pydantic location. None where it is of a union branch that was not meant."""
    path: list[str | int] = []
    current: Shape | None = shape
    parent: Mapping | None = None
    steps = list(loc)
    while steps:
        if current is not None and current.union:
            branch = str(steps.pop(0))
            if _other_branch(branch, current, node):
                return None
            current = _without_union(current)
            continue
        step = steps.pop(0)
        if step == "[key]":
            break
        path.append(step)
        parent = node if isinstance(node, Mapping) else None
        current = _inner(current, step)
        node, _ = find(node, [step])
    return _Located(node, tuple(path), current, parent)


def _other_branch(branch: str, shape: Shape, node: Node) -> bool:
    if shape.model is None:
        return False
    return isinstance(node, Mapping) != (shape.model.__name__ in branch)


def _without_union(shape: Shape) -> Shape:
    return Shape(
        fields=shape.fields, item=shape.item, value=shape.value, scalars=shape.scalars,
        choices=shape.choices, model=shape.model,
    )  # fmt: skip


def _inner(shape: Shape | None, step: str | int) -> Shape | None:
    if shape is None:
        return None
    if isinstance(step, int):
        return shape.item
    if shape.fields is not None and step in shape.fields:
        return shape.fields[step]
    return shape.value


def _follows(item: Any, located: _Located) -> bool:
    """Whether an error follows from a part that was reported and cut out."""
    node, parent = located.node, located.parent
    match item["type"]:
        case "missing":
            return parent is not None and pruning.key_lost(parent, str(located.path[-1]))
        case "too_short":
            return isinstance(node, Sequence) and node.lost
        case "value_error" if isinstance(node, Mapping):
            return bool(node.lost) and not isinstance(item["ctx"]["error"], TooManyError)
    return False


_TYPE_ERRORS = re.compile(r"_type$|_parsing$|_from_float$")


def _rank(item: Any) -> int:
    """Of several errors at one node (a union), the one that says most comes first."""
    if item["type"] in {"value_error", "literal_error"}:
        return 0
    return 2 if _TYPE_ERRORS.search(item["type"]) else 1


def _sentence(item: Any, name: str, located: _Located) -> tuple[str, str, str]:
    """Code, summary and fix of one pydantic error."""
    kind, context = item["type"], item.get("ctx", {})
    node = located.node
    if kind == "value_error":
        return _value_error(context["error"], name)
    if kind == "literal_error":
        choices = [str(choice) for choice in (located.shape.choices if located.shape else ())]
        fix = suggestions.for_value(node.text if isinstance(node, Scalar) else "", choices)
        return "TEL117", f"{name} cannot be {phrases.found(node)}", fix
    if kind == "string_pattern_mismatch" and context["pattern"] in base.FORMS:
        what, fix = base.FORMS[context["pattern"]]
        return "TEL119", f"{name}: {phrases.found(node)} is not {what}", fix
    if kind == "string_pattern_mismatch":
        return (
            "TEL118",
            f"{phrases.found(node)} is not a name",
            "use small letters, digits and hyphens, at most 63, with a letter or digit at both ends",
        )
    if _TYPE_ERRORS.search(kind):
        shape = located.shape or Shape()
        return (
            "TEL115",
            f"{name} must be {phrases.expected(shape)}, not {phrases.found(node)}",
            phrases.type_fix(node, shape),
        )
    return _out_of_range(kind, context, name, item["msg"])


def _value_error(error: Exception, name: str) -> tuple[str, str, str]:
    summary, _, fix = str(error).partition("; ")
    code = "TEL116" if isinstance(error, units.UnitError) else "TEL119"
    return code, f"{name}: {summary}", fix or "one of them has to be there, and only one"


_RANGES = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}


def _out_of_range(kind: str, context: Any, name: str, message: str) -> tuple[str, str, str]:
    if kind in _RANGES:
        key, words = _RANGES[kind]
        return (
            "TEL119",
            f"{name} must be {words} {context[key]}",
            f"write a number {words} {context[key]}",
        )
    if kind == "too_short":
        return "TEL119", f"{name} must have at least {context['min_length']} item", "add an item"
    return "TEL119", f"{name}: {message[:1].lower()}{message[1:]}", "mend the value"
