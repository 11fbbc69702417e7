"""The rules that a Prometheus runs, compared with those that the estate wants. Pure; called by
`telford.app.drift_rules`, which asks the server about expressions that are written differently.

Groups are found by their name and rules in them by theirs; a rule or a group that the estate does
not want is extra only where its labels say that it was made of this estate for this place.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telford.plan import promql
from telford.plan.drift import Cause, Field, Item, Owned, State

Rule = Mapping[str, Any]
# Found, wanted -> whether both are one expression.
Same = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Group:
    """A group that the estate wants, as it stands in a rule file, and whose it is."""

    body: Mapping[str, Any]
    owned: Owned

    @property
    def name(self) -> str:
        """Its name, which is one in the whole Prometheus."""
        return str(self.body.get("name"))

    @property
    def rules(self) -> Sequence[Rule]:
        """Its rules."""
        return tuple(self.body.get("rules") or ())

    def subject(self, rule: Rule) -> str:
        """What one of its rules is called: with its labels, where several have one name."""
        same = [one for one in self.rules if _name(one) == _name(rule)]
        kept = _texts(rule.get("labels")) if len(same) > 1 else {}
        marks = ", ".join(
            f"{name}={text}"
            for name, text in kept.items()
            if any(_texts(one.get("labels")).get(name) != text for one in same)
        )
        return _subject(rule, self.name, f"{{{marks}}}" if marks else "")


def compare(
    wanted: Iterable[Group],
    running: Iterable[Mapping[str, Any]],
    place: str,
    interval_seconds: float,
    same: Same,
) -> Iterator[Item | None]:
    """For each wanted rule what is wrong with it, or None; then what runs and is not wanted.

    `interval_seconds` is how often a group without an interval of its own is evaluated.
    """
    there: dict[str, Mapping[str, Any]] = {}
    for group in running:
        rules = [rule for rule in group.get("rules") or () if isinstance(rule, Mapping)]
        there.setdefault(str(group.get("name")), {**group, "rules": rules})
    names = set()
    for one in wanted:
        names.add(one.name)
        yield from _group(one, there.get(one.name), place, interval_seconds, same)
    for name, group in there.items():
        for rule in group.get("rules") or () if name not in names else ():
            yield _extra(rule, name, place)


def _group(
    wanted: Group, found: Mapping[str, Any] | None, place: str, every: float, same: Same
) -> Iterator[Item | None]:
    if found is None:
        for rule in wanted.rules:
            yield Item(State.MISSING, wanted.subject(rule), wanted.owned)
        return
    said = wanted.body.get("interval")
    interval = promql.duration_seconds(str(said)) if said else every
    if abs(_number(found.get("interval")) - interval) > _ROUNDING:
        field = Field(
            "interval", _seconds(found.get("interval")), _seconds(interval), Cause.CHANGED
        )
        yield Item(State.DIFFERENT, f"group {wanted.name}", wanted.owned, (field,))
    pairs, spare = _paired(wanted.rules, found.get("rules") or ())
    for rule, running in pairs:
        yield _rule(rule, running, wanted, same)
    for running in spare:
        yield _extra(running, wanted.name, place)


# Intervals come as floating-point seconds.
_ROUNDING = 1e-6


def _paired(
    wanted: Sequence[Rule], running: Sequence[Rule]
) -> tuple[list[tuple[Rule, Rule | None]], list[Rule]]:
    """Each wanted rule with the running one of its name, by equal labels first, then in order."""
    left = list(running)
    pairs: dict[int, Rule | None] = {}
    for closest in (True, False):
        for index, rule in enumerate(wanted):
            if pairs.get(index) is None:
                found = next((one for one in left if _alike(rule, one, closest=closest)), None)
                pairs[index] = found
                if found is not None:
                    left.remove(found)
    return [(rule, pairs[index]) for index, rule in enumerate(wanted)], left


def _alike(wanted: Rule, running: Rule, *, closest: bool) -> bool:
    if _name(wanted) != _name(running):
        return False
    return not closest or _texts(wanted.get("labels")) == _texts(running.get("labels"))


def _name(rule: Rule) -> tuple[str, str]:
    """Kind and name, of a rule in a file or of one that the server lists."""
    if "type" in rule:
        return str(rule["type"]), str(rule.get("name"))
    return (
        ("recording", str(rule["record"]))
        if "record" in rule
        else ("alerting", str(rule.get("alert")))
    )


def _subject(rule: Rule, group: str, marks: str = "") -> str:
    kind, name = _name(rule)
    return f"{kind} rule {name}{marks} of {group}"


def _texts(value: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}


def _rule(wanted: Rule, running: Rule | None, group: Group, same: Same) -> Item | None:
    subject = group.subject(wanted)
    if running is None:
        return Item(State.MISSING, subject, group.owned)
    fields = tuple(_fields(wanted, running, same))
    error = str(running.get("lastError") or "") if running.get("health") == "err" else ""
    if fields:
        return Item(State.DIFFERENT, subject, group.owned, fields, error)
    return Item(State.FAILING, subject, group.owned, detail=error) if error else None


def _fields(wanted: Rule, running: Rule, same: Same) -> Iterator[Field]:
    asked, runs = str(wanted.get("expr", "")), str(running.get("query", ""))
    if not promql.same(runs, asked) and not same(runs, asked):
        yield Field("expr", runs, asked, Cause.CHANGED)
    for name, theirs in (("for", "duration"), ("keep_firing_for", "keepFiringFor")):
        seconds = promql.duration_seconds(str(wanted.get(name) or "0"))
        if abs(_number(running.get(theirs)) - seconds) > _ROUNDING:
            yield Field(name, _seconds(running.get(theirs)), _seconds(seconds), Cause.CHANGED)
    for part in ("labels", "annotations"):
        yield from _by_name(part, _texts(wanted.get(part)), _texts(running.get(part)))


def _by_name(part: str, wanted: Mapping[str, str], running: Mapping[str, str]) -> Iterator[Field]:
    for name in sorted({*wanted, *running}):
        one, other = running.get(name), wanted.get(name)
        path = f"{part}.{name}"
        if one is None:
            yield Field(path, "(not there)", str(other), Cause.ABSENT)
        elif other is None:
            yield Field(path, one, "(not there)", Cause.ADDED)
        elif one.strip() != other.strip():
            yield Field(path, one, other, Cause.CHANGED)


def _seconds(value: Any) -> str:
    return f"{_number(value):g}s"


def _number(value: Any) -> float:
    """Seconds as the server says them; 0 for what is no number."""
    return float(value) if isinstance(value, int | float) else 0.0


def _extra(rule: Rule, group: str, place: str) -> Item | None:
    """A rule that nobody wants, where its labels say that it is ours and of this place."""
    labels = _texts(rule.get("labels"))
    address = labels.get("address", "")
    environment, _, region = place.partition("/")
    here = labels.get("environment") == environment and (
        labels.get("region", "") == region.partition("/")[0]
    )
    if not (here and address and labels.get("owner") and group.startswith(f"{address} in ")):
        return None
    detail = "the estate does not want it any more"
    owned = Owned(address, labels["owner"])
    return Item(State.EXTRA, _subject(rule, group), owned, detail=detail)
