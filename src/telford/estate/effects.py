"""What a changed field does: the classes of `effects.toml`, found by kind and path.

Called by `telford.estate.diff`; its words are shown by `telford diff`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from telford.basics import resources, units


@dataclass(frozen=True, slots=True)
class _Rule:
    kinds: frozenset[str]
    fields: tuple[tuple[str, ...], ...]
    effect: str
    rises: str
    falls: str


@cache
def names() -> Mapping[str, str]:
    """Every effect with a sentence, the gravest first."""
    found: dict[str, str] = _data()["effects"]
    return found


def of(kind: str, path: tuple[str, ...], old: object, new: object) -> str:
    """The effect of a change of a field from `old` to `new` (None where it is not there).

    `path` has ``[]`` for an item of a list, as in ``("run", "ports", "[]", "port")``.
    """
    rule = _rule(kind, path)
    before, after = _quantity(old), _quantity(new)
    if before is None or after is None or before == after:
        return rule.effect
    return rule.rises if after > before else rule.falls


def of_whole(kind: str, *, added: bool) -> str:
    """The effect of a thing's coming (`added`) or going."""
    row = next(r for r in _data()["whole"] if kind in r.get("kinds", (kind,)))
    found: str = row["added" if added else "removed"]
    return found


def gravest(found: set[str]) -> str:
    """The one that stands first in the table; "" of none."""
    return next((effect for effect in names() if effect in found), "")


@cache
def _data() -> dict[str, Any]:
    return resources.toml("telford.estate", "effects.toml")


@cache
def _rules() -> tuple[_Rule, ...]:
    rules = []
    for row in _data()["rules"]:
        effect = row["effect"]
        rules.append(
            _Rule(
                frozenset(row.get("kinds", ())),
                tuple(tuple(text.replace("[]", ".[]").split(".")) for text in row["fields"]),
                effect,
                row.get("rises", effect),
                row.get("falls", effect),
            )
        )
    return tuple(rules)


@cache
def _rule(kind: str, path: tuple[str, ...]) -> _Rule:
    for rule in _rules():
        if (not rule.kinds or kind in rule.kinds) and any(_fits(f, path) for f in rule.fields):
            return rule
    raise AssertionError("the last rule fits everything")


def _fits(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether a pattern names a path, or what it lies in: one with ``**`` names itself too."""
    for index, part in enumerate(pattern):
        if part == "**":
            return True
        if index >= len(path) or part not in ("*", path[index]):
            return False
    return len(path) == len(pattern)


def _quantity(value: object) -> Decimal | None:
    """The size of a number, share, duration or amount; None of anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return Decimal(str(value))
    if not isinstance(value, str):
        return None
    for parse in (units.ratio, units.seconds, units.quantity):
        try:
            return parse(value)
        except units.UnitError:
            continue
    return None
