"""`meaning.toml` as typed values, and which of its rules fits a field. Called by
`telford.plan.meaning`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from telford.basics import resources
from telford.plan import measures
from telford.plan.measures import Measure, Way

# Every kind.
_ANY = "*"
_STEP = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class Condition:
    """A field of the object, and the value for which something holds."""

    path: tuple[str, ...]
    value: str

    def holds(self, value: Any) -> bool:
        """Whether an object has it."""
        return bool(at(value, self.path) == self.value)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a changed field means. `about` is the question that it answers."""

    about: str
    kinds: tuple[str, ...]
    fields: tuple[tuple[str, ...], ...]
    meanings: Mapping[Way, tuple[str, ...]]
    why: str
    source: str
    measure: Measure | None = None
    absent: Any = None
    whole: bool = False
    part: bool = False
    turned: Condition | None = None

    def fits(self, kind: str, steps: tuple[str, ...]) -> bool:
        """Whether it is about a field of a kind."""
        known = kind in self.kinds or _ANY in self.kinds
        return known and any(matches(pattern, steps) for pattern in self.fields)


@dataclass(frozen=True, slots=True)
class Beside:
    """A field in which two objects that add to one another agree, and what makes them open."""

    field: tuple[str, ...]
    opens: tuple[tuple[str, ...], ...]
    but: Condition | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """What the coming or going of an object means."""

    kinds: tuple[str, ...]
    created: tuple[str, ...]
    deleted: tuple[str, ...]
    why: str
    source: str
    inside: bool = False
    has: tuple[str, ...] = ()
    has_deleted: tuple[str, ...] = ()
    beside: Beside | None = None


@dataclass(frozen=True, slots=True)
class Rollout:
    """A field of a workload that says how its replicas are replaced, and what its values mean."""

    field: tuple[str, ...]
    meanings: Mapping[str, str]


@cache
def names() -> Mapping[str, str]:
    """Every meaning with its words, the gravest first."""
    found: dict[str, str] = _data()["meanings"]
    return found


@cache
def opposites() -> Mapping[str, str]:
    """The meanings that change places when the two sides do."""
    found: dict[str, str] = _data()["opposites"]
    return found


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule about a field, in their order."""
    return tuple(map(_rule, _data()["rules"]))


@cache
def rules_for(kind: str, steps: tuple[str, ...], *, whole: bool) -> tuple[Rule, ...]:
    """The first rule for each question about a field of a kind."""
    found: dict[str, Rule] = {}
    for rule in rules():
        if rule.whole == whole and rule.about not in found and rule.fits(kind, steps):
            found[rule.about] = rule
    return tuple(found.values())


@cache
def whole(kind: str) -> Whole | None:
    """What the coming and going of an object of a kind means; None where nobody knows."""
    return next((row for row in wholes() if kind in row.kinds), None)


@cache
def known_kinds() -> frozenset[str]:
    """Every kind that something is known of."""
    named = [rule.kinds for rule in rules()] + [row.kinds for row in wholes()]
    return frozenset(kind for kinds in named for kind in kinds) - {_ANY}


@cache
def wholes() -> tuple[Whole, ...]:
    """Every rule about whole objects."""
    return tuple(map(_whole, _data()["whole"]))


@cache
def rollout(kind: str) -> Rollout | None:
    """How a kind of workload says how its replicas are replaced."""
    row = _data()["rollouts"].get(kind)
    if row is None:
        return None
    said = {value: meaning for value, meaning in row.items() if value != "field"}
    return Rollout(path(row["field"]), said)


def path(text: str) -> tuple[str, ...]:
    """The steps of a path: ``spec.rules.[].host``, ``metadata.labels[a.b/c]``."""
    return tuple(step[2] or step[1] or "[]" for step in _STEP.finditer(text))


def at(value: Any, steps: tuple[str, ...]) -> Any:
    """What stands at a path of keys; None where nothing does."""
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


@cache
def matches(pattern: tuple[str, ...], steps: tuple[str, ...]) -> bool:
    """Whether a pattern names a path: ``*`` is one step, ``**`` any number of them."""
    if not pattern:
        return not steps
    if pattern[0] == "**":
        return any(matches(pattern[1:], steps[skip:]) for skip in range(len(steps) + 1))
    return bool(steps) and _step(pattern[0], steps[0]) and matches(pattern[1:], steps[1:])


def _step(pattern: str, step: str) -> bool:
    if pattern == step:
        return True
    return "*" in pattern and step != "[]" and fnmatchcase(step, pattern)


def _data() -> dict[str, Any]:
    return resources.toml("telford.plan", "meaning.toml")


def _rule(row: Mapping[str, Any]) -> Rule:
    turned = row.get("turned")
    return Rule(
        about=row["about"],
        kinds=tuple(row["kinds"]),
        fields=tuple(map(path, row["fields"])),
        meanings=_ways(row),
        why=row["why"],
        source=row["source"],
        measure=_measure(row.get("measure")),
        absent=row.get("absent"),
        whole=row.get("whole", False),
        part=row.get("part", False),
        turned=_condition(turned),
    )


def _ways(row: Mapping[str, Any]) -> Mapping[Way, tuple[str, ...]]:
    more, less, same = (_words(row.get(key)) for key in ("more", "less", "meaning"))
    other = _words(row.get("other")) or tuple(dict.fromkeys([*more, *less]))
    return {Way.MORE: more, Way.LESS: less, Way.OTHER: other, Way.SAME: same}


def _measure(named: Any) -> Measure | None:
    if isinstance(named, list):
        return measures.ranked(named)
    return None if named is None else measures.MEASURES[named]


def _whole(row: Mapping[str, Any]) -> Whole:
    having = row.get("with", {})
    beside = row.get("beside")
    return Whole(
        kinds=tuple(row["kinds"]),
        created=_words(row["created"]),
        deleted=_words(row["deleted"]),
        why=row["why"],
        source=row["source"],
        inside=row.get("inside", False),
        has=path(having.get("field", "")),
        has_deleted=_words(having.get("deleted")),
        beside=_beside(beside) if beside is not None else None,
    )


def _beside(row: Mapping[str, Any]) -> Beside:
    opens = tuple(map(path, row["opens"]))
    return Beside(path(row["field"]), opens, _condition(row.get("but")))


def _condition(row: Mapping[str, Any] | None) -> Condition | None:
    return None if row is None else Condition(path(row["field"]), row["value"])


def _words(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())
