"""One thing in two estates, field by field and place by place. Called by `telford.estate.diff`.

Fields are compared as they are resolved in a place. A list whose items have names is compared by
name, whatever its order, but where order means something (`_ORDERED`). What comes or goes as a whole
(a list's item, a block) is one change and not one a leaf.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telford.basics.diagnostics import Position
from telford.basics.errors import UsageError
from telford.estate import documents, effects, fields, overlays
from telford.estate.kinds.base import Reference
from telford.estate.model import Bound, Entity, Estate, Link
from telford.estate.place import Place

# Lists of named items whose order is part of what they say.
_ORDERED = ("run.initialise",)
# What keeps history and is read by `telford.estate.diff` itself.
_SKIPPED = ("moved", "apiVersion", "kind")
_STEP = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field whose value is not what it was, from `old` to `new` (None where it is not there).

    `places` is where that is so; none means that overlays hide the change everywhere. `before` and
    `after` are the lines that set the value, `layers` which layer each was ("default", "base",
    "prod"). `target` is the canonical address of the dependency that it is about, or "".
    """

    field: str
    effect: str
    old: Any
    new: Any
    before: Position | None
    after: Position | None
    layers: tuple[str, str]
    places: tuple[str, ...]
    target: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """An entity of one of the two estates."""

    estate: Estate
    entity: Entity

    def bound(self, place: Place | None) -> Bound:
        """What it is in a place, or its base."""
        return overlays.at(self.estate, self.entity, place)

    def key(self, place: Place | None) -> tuple[str, ...]:
        """What its resolved form in a place depends on."""
        return () if place is None else overlays.key(self.entity, place)[1]

    def absent(self, place: Place | None) -> bool:
        """Whether it does not exist in a place."""
        return place is not None and overlays.absent(self.estate, self.entity, place)

    @property
    def position(self) -> Position:
        """Where its name stands."""
        node = self.entity.node
        name = node.values.get("name", node)
        return Position(self.entity.file, name.line, name.column)


@dataclass(frozen=True, slots=True)
class Sides:
    """What all comparisons of two estates share: the places to look at (bases where there are
    none), and the new address of each old one that both have. `hidden` asks for changes of the base
    that show in no place as well.
    """

    old: Estate
    new: Estate
    places: Sequence[Place]
    renames: Mapping[str, str]
    hidden: bool = True


@dataclass(slots=True)
class Found:
    """What differs between the two sides of one thing."""

    fields: tuple[FieldChange, ...] = ()
    appears: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()


def compare(old: Side, new: Side, known: Sides) -> Found:
    """Everything that differs, in the order of the new document.

    Raises `RefusedError` where an overlay makes one side invalid.
    """
    return _Comparison(old, new, known).found()


@dataclass(slots=True)
class _Same:
    """One change, and the places that have it."""

    name: str
    old: Any
    new: Any
    leaves: tuple[tuple[str, Any, Any], ...]
    places: list[Place | None] = field(default_factory=list)


@dataclass(slots=True)
class _Comparison:
    old: Side
    new: Side
    known: Sides
    _memo: dict[tuple[tuple[str, ...], ...], list[_Same]] = field(default_factory=dict)

    def found(self) -> Found:
        appears: list[str] = []
        leaves: list[str] = []
        common: list[Place] = []
        for place in self.known.places:
            was, stays = not self.old.absent(place), not self.new.absent(place)
            if was and stays:
                common.append(place)
            elif was or stays:
                (leaves if was else appears).append(str(place))
        everywhere: list[Place | None] = [*common] if self.known.places else [None]
        grouped: dict[tuple[str, str, str], _Same] = {}
        for here in everywhere:
            for same in self._in(here):
                text = (same.name, _text(same.old), _text(same.new))
                kept = grouped.setdefault(text, _Same(same.name, same.old, same.new, same.leaves))
                kept.places.append(here)
        both = self.known.hidden and self.known.places
        hidden = list(self._hidden(grouped)) if both else []
        changes = [self._change(same) for same in [*grouped.values(), *hidden]]
        return Found(tuple(changes), tuple(appears), tuple(leaves))

    def _hidden(self, grouped: Mapping[tuple[str, str, str], _Same]) -> Iterator[_Same]:
        """Changes of the base that show in no place."""
        shown = {name for name, _, _ in grouped}
        for same in self._in(None):
            inside = (name.startswith((f"{same.name}.", f"{same.name}[")) for name in shown)
            if same.name not in shown and not any(inside):
                yield same

    def _in(self, place: Place | None) -> list[_Same]:
        """What differs in one place; worked out once for each pair of layers."""
        key = self.old.key(place), self.new.key(place)
        if key not in self._memo:
            self._memo[key] = self._differences(place)
        return self._memo[key]

    def _differences(self, place: Place | None) -> list[_Same]:
        was, now = self.old.bound(place), self.new.bound(place)
        same_thing = _References(self.old, self.new, self.known.renames)
        before = dict(same_thing.renamed(_leaves(was)))
        after = dict(_leaves(now))
        names = [
            name
            for name in dict.fromkeys([*after, *before])
            if _text(before.get(name)) != _text(after.get(name))
            and not same_thing.mean_one(before.get(name), after.get(name))
        ]
        found = [_folded(names_of, before, after) for names_of in _grouped(names, before, after)]
        return [*found, *_reordered(was, now)]

    def _change(self, same: _Same) -> FieldChange:
        place = same.places[0] if same.places else None
        before = self._said(self.old, place, same.name, there=same.old is not None)
        after = self._said(self.new, place, same.name, there=same.new is not None)
        kind = self.new.entity.spec.kind
        found = {effects.of(kind, _steps(name), old, new) for name, old, new in same.leaves}
        return FieldChange(
            same.name,
            effects.gravest(found),
            same.old,
            same.new,
            before[1],
            after[1],
            (before[0], after[0]),
            tuple(str(p) for p in same.places if p is not None) or (("",) if same.places else ()),
            self._target(same.name, place),
        )

    def _said(
        self, side: Side, place: Place | None, name: str, *, there: bool
    ) -> tuple[str, Position | None]:
        """The layer and the line that decide about a field; of what is not there, the line that
        deletes it, or None.
        """
        try:
            links = overlays.chain(side.estate, str(side.entity.address), place, name)
        except UsageError:
            return "", None
        last: Link = links[-1]
        if last.position is None and not there:
            return "", None
        return last.layer, last.position

    def _target(self, name: str, place: Place | None) -> str:
        """The address that a change inside ``uses[...]`` is about."""
        if not name.startswith("uses["):
            return ""
        for side in (self.new, self.old):
            step = name.removeprefix("uses[").partition("]")[0]
            for text, address in _uses(side, side.bound(place)):
                if text in (step, step.partition(":")[2]):
                    return address
        return ""


def _leaves(bound: Bound) -> Iterator[tuple[str, Any]]:
    """What is compared: open ``x-*`` keys are the organisation's own and never looked at."""
    for name, value in fields.leaves(bound):
        steps = [plain or bracketed for plain, bracketed in _STEP.findall(name)]
        open_key = any(step.startswith(documents.OPEN_PREFIX) for step in steps)
        if steps[0] not in _SKIPPED and not open_key:
            yield name, value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _steps(name: str) -> tuple[str, ...]:
    """The path of a field as `telford.estate.effects` wants it."""
    return tuple(plain or "[]" for plain, _ in _STEP.findall(name))


def _uses(side: Side, bound: Bound) -> Iterator[tuple[str, str]]:
    """What each `uses` entry is called there, and the address it means."""
    for use in getattr(bound.spec, "uses", ()):
        kind, text = use.target
        found = side.estate.refer(kind.capitalize(), text, bound.spec.system)
        yield text, str(found[0].address) if len(found) == 1 else f"{kind}/{text}"


class _References:
    """Whether two texts name one thing, although one of them was written before a rename."""

    def __init__(self, old: Side, new: Side, renames: Mapping[str, str]) -> None:
        self._old = dict(self._meant(old))
        self._new = dict(self._meant(new))
        self._renames = renames

    @staticmethod
    def _meant(side: Side) -> Iterator[tuple[str, str]]:
        references: Iterator[Reference] = side.entity.spec.references()
        for reference in references:
            found = side.estate.refer(reference.kind, reference.text, side.entity.spec.system)
            if len(found) == 1:
                address = str(found[0].address)
                yield reference.text, address

    def mean_one(self, old: Any, new: Any) -> bool:
        """Whether a reference before and one after lead to the same thing."""
        if not isinstance(old, str) or not isinstance(new, str):
            return False
        meant = self._old.get(old)
        return meant is not None and self._renames.get(meant, meant) == self._new.get(new)

    def renamed(self, leaves: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
        """The old leaves with items of `uses` called as the new document calls their targets."""
        called = {address: text for text, address in self._new.items()}
        for name, value in leaves:
            step, bracket, rest = name.removeprefix("uses[").partition("]")
            meant = self._old.get(step)
            if name.startswith("uses[") and bracket and meant is not None:
                now = called.get(self._renames.get(meant, meant), step)
                yield f"uses[{now}]{rest}", value
            else:
                yield name, value


def _grouped(
    names: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[list[str]]:
    """The names that differ, those together that came or went with something around them."""
    groups: dict[str, list[str]] = {}
    kept = (_prefixes(before), _prefixes(after))
    for name in names:
        top = name
        if name not in before:
            top = _outermost(name, kept[0])
        elif name not in after:
            top = _outermost(name, kept[1])
        groups.setdefault(top, []).append(name)
    return list(groups.values())


def _ways(name: str) -> list[str]:
    """Every path that a path lies in, the outermost first: ``run``, ``run.health``."""
    return [
        name[: match.start()].removesuffix(".") for match in _STEP.finditer(name) if match.start()
    ]


def _prefixes(leaves: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(way for name in leaves for way in [*_ways(name), name])


def _outermost(name: str, other: frozenset[str]) -> str:
    """The outermost path around a leaf of which the other side has nothing."""
    for way in _ways(name):
        # A list without its items is no thing of its own.
        if way not in other and not name.startswith(f"{way}["):
            return way
    return name


def _folded(names: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> _Same:
    leaves = tuple((name, before.get(name), after.get(name)) for name in names)
    if len(names) == 1:
        return _Same(names[0], leaves[0][1], leaves[0][2], leaves)
    top = _common(names)
    came = all(name not in before for name in names)
    side = after if came else before
    inside = {name.removeprefix(top).removeprefix("."): side[name] for name in names}
    return _Same(top, None if came else inside, inside if came else None, leaves)


def _common(names: Sequence[str]) -> str:
    """The innermost path that all names lie in."""
    shared = [way for way in _ways(names[0]) if all(way in _ways(name) for name in names)]
    return shared[-1]


def _reordered(was: Bound, now: Bound) -> Iterator[_Same]:
    """Named lists whose order counts, where the same items stand in another order."""
    for name in _ORDERED:
        before, after = _names(was, name), _names(now, name)
        if before != after and sorted(before) == sorted(after):
            yield _Same(name, before, after, ((name, None, None),))


def _names(bound: Bound, name: str) -> list[str]:
    found: Any = bound.spec
    for step in name.split("."):
        found = getattr(found, step, None)
    return [item.name for item in found or ()]
