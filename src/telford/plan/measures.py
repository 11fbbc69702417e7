"""Whether one value allows, holds or asks for more than another: what loosened, tightened, grown
and shrunk rest on.

Each measure is a function of the old and the new value, named by `meaning.toml`. Swapping its
arguments swaps MORE and LESS and leaves the others. Called by `telford.plan.meaning`.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from telford.basics import units


class Way(StrEnum):
    """The new value beside the old one. OTHER: neither of the two is more."""

    MORE = "more"
    LESS = "less"
    SAME = "same"
    OTHER = "other"


Measure = Callable[[Any, Any], Way]


def number(old: Any, new: Any) -> Way:
    """Numbers, shares (``25%``), quantities (``500m``, ``2Gi``) and durations (``30s``)."""
    if old == new:
        return Way.SAME
    for parse in _SIZES:
        one, other = _size(parse, old), _size(parse, new)
        if one is not None and other is not None:
            return _of(other > one, one > other)
    return Way.OTHER


def boolean(old: Any, new: Any) -> Way:
    """True is more than false."""
    return _of(bool(new) and not old, bool(old) and not new)


def members(old: Any, new: Any) -> Way:
    """Lists as sets: more where nothing is gone and something has come."""
    one, other = _set(old), _set(new)
    return _covering(one >= other, other >= one)


def presence(old: Any, new: Any) -> Way:
    """Being there at all."""
    return _of(old is None and new is not None, new is None and old is not None)


def change(old: Any, new: Any) -> Way:
    """Another value is neither more nor less."""
    return Way.SAME if old == new else Way.OTHER


def limit(old: Any, new: Any) -> Way:
    """A number that holds something back; nothing is no limit."""
    if old is None or new is None:
        return _of(new is None and old is not None, old is None and new is not None)
    return number(old, new)


def limited(old: Any, new: Any) -> Way:
    """A list of those who may; an empty one lets everybody."""
    if bool(old) != bool(new):
        return _of(not new, not old)
    return members(old, new)


_ALL = "ALL"


def dropped(old: Any, new: Any) -> Way:
    """Dropped capabilities, ``ALL`` for every one."""
    one, other = set(old or ()), set(new or ())
    return _covering(_ALL in one or one >= other, _ALL in other or other >= one)


def root(old: Any, new: Any) -> Way:
    """A user's number: root is more than what the image says (None), and that than anybody else."""
    ranks = [2 if user == 0 else 1 if user is None else 0 for user in (old, new)]
    return _of(ranks[1] > ranks[0], ranks[0] > ranks[1])


def claims(old: Any, new: Any) -> Way:
    """Claim templates: less where one is gone, smaller, or of another class or way of access."""
    one, other = _by_claim(old), _by_claim(new)
    kept = all(name in other and _holds(other[name], claim) for name, claim in one.items())
    return Way.SAME if old == new else Way.MORE if kept else Way.LESS


def _by_claim(templates: Any) -> Mapping[str, Any]:
    return {(item.get("metadata") or {}).get("name", ""): item for item in templates or ()}


def _holds(claim: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether a claim can hold what was in another."""
    new, old = claim.get("spec") or {}, before.get("spec") or {}
    sizes = [
        ((spec.get("resources") or {}).get("requests") or {}).get("storage") for spec in (old, new)
    ]
    alike = all(old.get(key) == new.get(key) for key in ("storageClassName", "accessModes"))
    return alike and number(*sizes) in (Way.SAME, Way.MORE)


def alerts(old: Any, new: Any) -> Way:
    """Rules of Prometheus, or groups of them: the alerts among them."""
    return members(list(_alerts(old)), list(_alerts(new)))


def _alerts(value: Any) -> Iterator[str]:
    """The names of all alerts in a rule, a group, or lists of them."""
    if isinstance(value, list):
        for item in value:
            yield from _alerts(item)
    elif isinstance(value, dict):
        if "alert" in value:
            yield str(value["alert"])
        yield from _alerts(value.get("rules"))


def openings(old: Any, new: Any) -> Way:
    """The ``ingress`` or ``egress`` of a NetworkPolicy: an empty rule opens everything, an empty
    list nothing.
    """
    return _covering(_all_open(new, old), _all_open(old, new))


def _all_open(rules: Any, by: Any) -> bool:
    """Whether everything that `rules` lets through, `by` lets through."""
    return all(_is_open(rule, by) for rule in rules or ())


def _is_open(rule: Mapping[str, Any], by: Any) -> bool:
    """Whether all of one rule is let through by several, peer by peer and port by port."""
    peers = _peers(rule) or [None]
    ports = rule.get("ports") or [None]
    return all(
        any(_has(_peers(o), peer) and _has(o.get("ports"), port) for o in by or ())
        for peer in peers
        for port in ports
    )


def _peers(rule: Mapping[str, Any]) -> list[Any]:
    return list(rule.get("from") or rule.get("to") or [])


def _has(known: Any, wanted: Any) -> bool:
    """Whether a list, empty for everything, has an item (None: everything)."""
    return not known or (wanted is not None and wanted in known)


def grants(old: Any, new: Any) -> Way:
    """The ``rules`` of a Role: verbs on resources, ``*`` for all."""
    return _covering(_all_granted(new, old), _all_granted(old, new))


_GRANT = ("apiGroups", "resources", "verbs", "nonResourceURLs")


def _all_granted(rules: Any, by: Any) -> bool:
    return all(any(_grants(other, rule) for other in by or ()) for rule in rules or ())


def _grants(wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
    for key in _GRANT:
        held, asked = set(wide.get(key) or ()), set(narrow.get(key) or ())
        if "*" not in held and not held >= asked:
            return False
    names, asked = (set(rule.get("resourceNames") or ()) for rule in (wide, narrow))
    return not names or (bool(asked) and names >= asked)


def callers(old: Any, new: Any) -> Way:
    """The ``rules`` of an ALLOW policy of a mesh: more rules, or rules with fewer conditions, let
    more in.
    """
    return _covering(_all_allowed(new, old), _all_allowed(old, new))


def _all_allowed(rules: Any, by: Any) -> bool:
    return all(any(_allows(other, rule) for other in by or ()) for rule in rules or ())


def _allows(wide: Any, narrow: Any) -> bool:
    """Whether conditions hold wherever others do: all keys of a mapping, any item of a list."""
    if isinstance(wide, dict):
        return all(_part_allows(key, part, _at(narrow, key)) for key, part in wide.items() if part)
    return bool(wide == narrow)


def _at(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _part_allows(key: str, wide: Any, narrow: Any) -> bool:
    if not narrow:
        return False
    if not isinstance(wide, list):
        return _allows(wide, narrow)
    if key.startswith("not"):
        return _set(narrow) >= _set(wide)
    if key == "when":
        return all(any(_allows(one, other) for other in narrow) for one in wide)
    return all(any(_allows(one, other) for one in wide) for other in narrow)


def permissions(old: Any, new: Any) -> Way:
    """The ``permissions`` of a workflow: ``read-all``, ``write-all``, or a level for each scope."""
    return _covering(_within(new, old), _within(old, new))


_LEVELS = {"none": 0, "read": 1, "write": 2}


def _within(narrow: Any, wide: Any) -> bool:
    if isinstance(narrow, str) or narrow is None:
        return _floor(narrow) <= _floor(wide) or narrow == wide
    return all(_LEVELS.get(level, 2) <= _level(wide, scope) for scope, level in narrow.items())


def _level(permitted: Any, scope: str) -> int:
    if isinstance(permitted, Mapping):
        return _LEVELS.get(str(permitted.get(scope, "none")), 2)
    return _floor(permitted)


def _floor(permitted: Any) -> int:
    """What every scope has. Without a word the token may have all that the repository gives."""
    if isinstance(permitted, Mapping):
        return -1
    return _LEVELS.get(str(permitted or "write-all").removesuffix("-all"), 2)


# A comparison with a number, as alerts end in: `... > 0.05`, `... < bool 3`.
_THRESHOLD = re.compile(r"(==|!=|>=|<=|>|<)(\s*(?:bool\s*)?)(-?\d+(?:\.\d+)?(?:e-?\d+)?)")


def threshold(old: Any, new: Any) -> Way:
    """An alert's expression: more where it speaks more often, as far as one number with its
    comparison tells; a change of anything else is OTHER.
    """
    one, other = str(old), str(new)
    if one == other:
        return Way.SAME
    if _THRESHOLD.sub(r"\1\2#", one) != _THRESHOLD.sub(r"\1\2#", other):
        return Way.OTHER
    ways = {
        _speaks(before.group(1), Decimal(before.group(3)), Decimal(after.group(3)))
        for before, after in zip(_THRESHOLD.finditer(one), _THRESHOLD.finditer(other), strict=True)
    } - {Way.SAME}
    return ways.pop() if len(ways) == 1 else Way.OTHER if ways else Way.SAME


def _speaks(comparison: str, old: Decimal, new: Decimal) -> Way:
    if comparison in ("==", "!=") and old != new:
        return Way.OTHER
    return _of(new < old, new > old) if ">" in comparison else _of(new > old, new < old)


def ranked(order: Iterable[str]) -> Measure:
    """A measure of words in an order, the least first; others are OTHER."""
    ranks = {word: index for index, word in enumerate(order)}

    def measure(old: Any, new: Any) -> Way:
        one, other = ranks.get(str(old)), ranks.get(str(new))
        if one is None or other is None:
            return Way.SAME if old == new else Way.OTHER
        return _of(other > one, one > other)

    return measure


MEASURES: Mapping[str, Measure] = {
    "number": number,
    "boolean": boolean,
    "members": members,
    "presence": presence,
    "change": change,
    "limit": limit,
    "limited": limited,
    "dropped": dropped,
    "root": root,
    "claims": claims,
    "alerts": alerts,
    "openings": openings,
    "grants": grants,
    "callers": callers,
    "permissions": permissions,
    "threshold": threshold,
}


def _of(more: bool, less: bool) -> Way:
    return Way.MORE if more else Way.LESS if less else Way.SAME


def _covering(new_within_old: bool, old_within_new: bool) -> Way:
    """The way from two answers: whether each side has all of the other."""
    if new_within_old and old_within_new:
        return Way.SAME
    return Way.MORE if old_within_new else Way.LESS if new_within_old else Way.OTHER


def _set(value: Any) -> frozenset[str]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return frozenset(json.dumps(item, sort_keys=True, default=str) for item in items)


_SIZES = (units.quantity, units.ratio, units.seconds)


def _size(parse: Callable[[str], Decimal], value: Any) -> Decimal | None:
    """The value by one way of writing sizes; None where it is not written so."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return parse(str(value))
    except units.UnitError:
        return None
