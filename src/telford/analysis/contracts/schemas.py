"""JSON Schema: what one side may write that the other side does not take.

`narrowed(writer, reader)` is the only question that contracts ask. A request of an old caller is
written by the old schema and read by the new one; an answer is written by the new schema and read
by old callers; a message of a stream is compared in the direction that its compatibility asks for.
OpenAPI 3.0 (`nullable`, boolean `exclusiveMinimum`) and 3.1 (JSON Schema 2020-12) both.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from telford.analysis.contracts.change import Change, Level, Path
from telford.analysis.contracts.tree import Place

Direction = Literal["request", "response", "message"]

# Comparisons of one pair of documents: real ones take a few thousand; a schema made to explode
# (alternatives of alternatives) is given up, and that is said.
MAX_COMPARED = 300_000
# A schema within a schema, references followed; real ones nest about ten deep.
MAX_DEPTH = 100
_BOUNDLESS = 1e300
_ALL_TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
_WIDER_FORMATS = frozenset({("int32", "int64"), ("float", "double")})
# Upper bounds, and lower ones.
_MOST = ("maxLength", "maxItems", "maxProperties")
_LEAST = ("minLength", "minItems", "minProperties")
# Said of no value by itself, or too rarely to be worth more than a word.
_UNKNOWN = (
    "not",
    "if",
    "then",
    "else",
    "patternProperties",
    "prefixItems",
    "contains",
    "dependentSchemas",
)


@dataclass(slots=True)
class Shared:
    """What all comparisons of one pair of documents share: how much was compared, whether it was
    given up, and which forms were found to be taken as which others.
    """

    count: int = 0
    given_up: bool = False
    taken: dict[tuple[int, int, str], bool] = field(default_factory=dict)
    _alike: dict[tuple[int, int], bool] = field(default_factory=dict)

    def alike(self, one: Place, other: Place) -> bool:
        """Whether two schemas say the same, with all that they refer to; most of two versions does."""
        pair = (id(one.value), id(other.value))
        if pair not in self._alike:
            self._alike[pair] = self._is_alike(one, other)
        return self._alike[pair]

    def _is_alike(self, one: Place, other: Place) -> bool:
        if one.value != other.value:
            return False
        seen: set[str] = set()
        waiting = list(_references(one.value))
        while waiting:
            reference = waiting.pop()
            if reference in seen or not reference.startswith("#"):
                continue
            seen.add(reference)
            here, there = one.at(reference), other.at(reference)
            if (here and here.value) != (there and there.value):
                return False
            waiting += _references(here.value if here is not None else None)
        return True


@dataclass(slots=True)
class Comparison:
    """Compares schemas of one pair of documents; `newer` says whether the reader's document is the
    newer one, so that a change says where it is.
    """

    direction: Direction
    operation: str
    newer: bool
    shared: Shared
    changes: list[Change] = field(default_factory=list)
    depth: int = 0
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def narrowed(self, writer: Place, reader: Place) -> None:
        """Collect what the reader does not take of what the writer may write."""
        writer, reader = writer.resolved(), reader.resolved()
        pair = (id(writer.value), id(reader.value))
        if pair in self._seen or self.shared.alike(writer, reader):
            return
        self.shared.count += 1
        if self.shared.count > MAX_COMPARED or self.depth >= MAX_DEPTH:
            if not self.shared.given_up:
                self.shared.given_up = True
                self._add(
                    "not-compared", reader, "the schemas are too large to be compared", "risky"
                )
            return
        self._seen.add(pair)
        if isinstance(reader.value, bool) or isinstance(writer.value, bool):
            if reader.value is False and writer.value is not False:
                self._add("type-changed", reader, "nothing is taken any more")
            return
        self.depth += 1
        self._compare(_flat(writer), _flat(reader))
        self.depth -= 1

    def _compare(self, writer: "_Flat", reader: "_Flat") -> None:
        if writer.alternatives or reader.alternatives:
            self._alternatives(writer, reader)
            if writer.alternatives and not (writer.properties or writer.typed):
                return
        for check in _CHECKS:
            check(self, writer, reader)
        self._properties(writer, reader)
        if writer.items is not None and reader.items is not None:
            self.narrowed(writer.items, reader.items)
        for key in _UNKNOWN:
            if reader.get(key) is not None and reader.get(key) != writer.get(key):
                self._add("not-compared", reader.place, f"`{key}` is different", "risky")

    def _properties(self, writer: "_Flat", reader: "_Flat") -> None:
        hidden = "readOnly" if self.direction == "request" else "writeOnly"
        for name in sorted(reader.required - writer.required):
            there = reader.properties.get(name)
            if there is not None and self.direction != "message" and there.flag(hidden):
                continue
            self._add(
                "property-required", there or reader.place, f"`{name}` {self._needed(name, writer)}"
            )
        for name, written in writer.properties.items():
            read = reader.properties.get(name)
            if self.direction != "message" and written.flag(hidden):
                continue
            if read is not None:
                self.narrowed(written, read)
            elif reader.closed:
                level: Level = "breaking" if self.direction == "request" else "risky"
                self._add("property-refused", reader.place, f"`{name}` is not taken", level)
            elif isinstance(reader.get("additionalProperties"), dict):
                self.narrowed(written, reader.place["additionalProperties"])
            elif self.direction == "request" and reader.properties:
                self._add("property-ignored", reader.place, f"`{name}` is no longer read", "risky")

    def _needed(self, name: str, writer: "_Flat") -> str:
        if self.direction == "request":
            return "must be given"
        return "need not be there any more" if name in writer.properties else "is gone"

    def _alternatives(self, writer: "_Flat", reader: "_Flat") -> None:
        """Every form that is written must be one that is read."""
        forms = writer.alternatives or [writer.place]
        taken = reader.alternatives or [reader.place]
        for form in forms:
            named = next((t for t in taken if t.reference and t.reference == form.reference), None)
            if named is not None and writer.alternatives:
                self.narrowed(form, named)
            elif not any(self._takes(form, other) for other in taken):
                what = (form.reference or "").rpartition("/")[2]
                self._add(
                    "alternative-removed",
                    reader.place,
                    f"{f'`{what}`' if what else 'a form'} is not taken any more",
                )

    def _takes(self, writer: Place, reader: Place) -> bool:
        """Whether one form is taken as another; of a circle nothing bad is assumed."""
        writer, reader = writer.resolved(), reader.resolved()
        pair = (id(writer.value), id(reader.value), self.direction)
        if pair not in self.shared.taken:
            self.shared.taken[pair] = True
            self.shared.count += 1
            trial = Comparison(
                self.direction, self.operation, self.newer, self.shared, depth=self.depth + 1
            )
            if self.shared.count <= MAX_COMPARED and trial.depth < MAX_DEPTH:
                trial._compare(_Flat(writer), _Flat(reader))
            self.shared.taken[pair] = all(change.level != "breaking" for change in trial.changes)
        return self.shared.taken[pair]

    def _add(self, code: str, place: Place, summary: str, level: Level = "breaking") -> None:
        where = name_of(place.path)
        text = f"{where}: {summary}" if where else summary
        self.changes.append(Change(self.operation, code, level, text, place.path, self.newer))


@dataclass(slots=True)
class _Flat:
    """A schema with its `allOf` folded in."""

    place: Place
    properties: dict[str, Place] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    items: Place | None = None
    closed: bool = False
    alternatives: list[Place] = field(default_factory=list)
    _parts: list[Place] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._fold(self.place, set())

    def _fold(self, place: Place, seen: set[int]) -> None:
        if id(place.value) in seen or not isinstance(place.value, dict):
            return
        seen.add(id(place.value))
        self._parts.append(place)
        for name, inner in place["properties"].items():
            self.properties.setdefault(name, inner)
        required = place.get("required")
        if isinstance(required, list):
            self.required |= frozenset(name for name in required if isinstance(name, str))
        if place.get("items") is not None and self.items is None:
            self.items = place["items"]
        self.closed = self.closed or place.get("additionalProperties") is False
        for key in ("oneOf", "anyOf"):
            listed = place.step(key)
            if isinstance(listed.value, list):
                self.alternatives += [listed.step(index) for index in range(len(listed.value))]
        for part in place["allOf"].each():
            self._fold(part, seen)

    def get(self, key: str) -> Any:
        """The first thing that is said under a key."""
        return next((part.get(key) for part in self._parts if part.get(key) is not None), None)

    def all(self, key: str) -> list[Any]:
        """Everything that is said under a key."""
        return [part.get(key) for part in self._parts if part.get(key) is not None]

    @property
    def types(self) -> frozenset[str]:
        """The types that a value may have."""
        found = _ALL_TYPES
        for part in self._parts:
            said = part.get("type")
            names = said if isinstance(said, list) else [said] if isinstance(said, str) else None
            if names is not None:
                found &= _with_numbers(frozenset(str(name) for name in names))
        if any(part.flag("nullable") for part in self._parts):
            return found | {"null"}
        return found

    @property
    def typed(self) -> bool:
        """Whether a type is said."""
        return self.get("type") is not None

    @property
    def values(self) -> list[Any] | None:
        """The values that it may have, where they are listed."""
        if self.get("const") is not None:
            return [self.get("const")]
        listed = self.get("enum")
        return listed if isinstance(listed, list) else None


def _flat(place: Place) -> _Flat:
    return _Flat(place)


def _with_numbers(names: frozenset[str]) -> frozenset[str]:
    return names | {"integer"} if "number" in names else names


def _references(value: Any) -> Iterator[str]:
    """Every reference within a value, however deep."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if isinstance(one.get("$ref"), str):
                yield one["$ref"]
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _types(self: Comparison, writer: _Flat, reader: _Flat) -> None:
    if not reader.typed or writer.alternatives:
        return
    extra = writer.types - reader.types if writer.typed else frozenset[str]()
    if not writer.typed and not (writer.properties or writer.values):
        self._add("type-changed", reader.place, f"only {_listed(reader.types)} is taken")
    elif extra and not (
        extra == {"number"} and "integer" in reader.types and writer.types <= {"integer"}
    ):
        self._add("type-changed", reader.place, f"{_listed(extra)} is not taken")


def _listed(types: frozenset[str]) -> str:
    shown = types - {"integer"} if "number" in types else types
    return " or ".join(sorted(shown)) or "nothing"


def _formats(self: Comparison, writer: _Flat, reader: _Flat) -> None:
    one, other = writer.get("format"), reader.get("format")
    one = one if isinstance(one, str) else None
    if not isinstance(other, str) or one == other or (one, other) in _WIDER_FORMATS:
        return
    if writer.types & reader.types:
        before = f"{one} is written" if one else "any is written"
        self._add("format-changed", reader.place, f"only {other} is taken, and {before}")


def _enums(self: Comparison, writer: _Flat, reader: _Flat) -> None:
    known = reader.values
    if known is None or reader.get("x-extensible-enum"):
        return
    if writer.values is None:
        if not writer.alternatives:
            self._add("enum-narrowed", reader.place, "only some values are taken any more")
        return
    extra = [value for value in writer.values if value not in known]
    if extra:
        shown = ", ".join(f"`{value}`" for value in extra[:5])
        self._add(
            "enum-narrowed", reader.place, f"{shown} {'is' if len(extra) == 1 else 'are'} not known"
        )


def _bounds(self: Comparison, writer: _Flat, reader: _Flat) -> None:
    for key in _MOST:
        if _beyond(_number(writer.get(key)), _number(reader.get(key))):
            self._add("range-narrowed", reader.place, f"`{key}` is {reader.get(key)}")
    for key in _LEAST:
        low, least = _number(writer.get(key)) or 0.0, _number(reader.get(key))
        if least is not None and least > low:
            self._add("range-narrowed", reader.place, f"`{key}` is {reader.get(key)}")
    for low in (True, False):
        one, other = _limit(writer, low=low), _limit(reader, low=low)
        if other is not None and (one is None or (one < other if low else one > other)):
            key = "minimum" if low else "maximum"
            self._add("range-narrowed", reader.place, f"`{key}` is {other[0]:g}")
    if reader.get("uniqueItems") is True and writer.get("uniqueItems") is not True:
        self._add("range-narrowed", reader.place, "items must be unique")
    step, taken = _number(writer.get("multipleOf")), _number(reader.get("multipleOf"))
    if taken and (not step or step % taken):
        self._add("range-narrowed", reader.place, f"it must be a multiple of {taken:g}")


def _beyond(written: float | None, taken: float | None) -> bool:
    return taken is not None and (written is None or written > taken)


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    # Whole numbers may be larger than any float; nothing that large is a bound.
    return float(value) if abs(value) < _BOUNDLESS else None


def _limit(schema: _Flat, *, low: bool) -> tuple[float, int] | None:
    """The bound, and beside it 1 or -1 where the bound itself is left out (low or high), else 0."""
    plain, strict = ("minimum", "exclusiveMinimum") if low else ("maximum", "exclusiveMaximum")
    bound, apart = _number(schema.get(plain)), schema.get(strict)
    edge = 1 if low else -1
    found = []
    if bound is not None:
        found.append((bound, edge if apart is True else 0))
    if _number(apart) is not None:
        found.append((_number(apart) or 0.0, edge))
    if not found:
        return None
    return max(found) if low else min(found)


def _patterns(self: Comparison, writer: _Flat, reader: _Flat) -> None:
    taken = reader.get("pattern")
    if taken is None or taken == writer.get("pattern") or writer.values is not None:
        return
    # Whether one pattern is within another is not told: a new one is taken to be narrower.
    level: Level = "breaking" if writer.get("pattern") is None else "risky"
    self._add("pattern-changed", reader.place, f"it must match {taken}", level)


_CHECKS: tuple[Callable[[Comparison, _Flat, _Flat], None], ...] = (
    _types, _formats, _enums, _bounds, _patterns,
)  # fmt: skip

# Steps of a path that say nothing to people.
_SILENT = frozenset(
    {
        "paths",
        "components",
        "schemas",
        "schema",
        "properties",
        "content",
        "responses",
        "requestBody",
        "payload",
        "messages",
        "channels",
    }
)


def name_of(path: Path) -> str:
    """The end of a path as people say it: ``Order.items[].price``."""
    parts: list[str] = []
    for step in _telling(path):
        if step != "items":
            parts.append(step)
        elif parts:
            parts[-1] += "[]"
        else:
            parts.append("[]")
    return ".".join(parts[-4:])


def _telling(path: Path) -> Iterator[str]:
    """The steps after the last component or media type that name something."""
    steps = [str(step) for step in path]
    start = 0
    for index, step in enumerate(steps):
        if step in {"schemas", "schema", "payload"}:
            start = index + 1
    before = ""
    for step in steps[start:]:
        if step in _SILENT and before != "properties":
            before = step
            continue
        if step.isdigit() or (step in {"allOf", "oneOf", "anyOf"} and before != "properties"):
            before = step
            continue
        yield step
        before = step
