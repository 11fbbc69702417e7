"""What is, compared with what the estate wants: objects that are missing, different or extra, and
of every difference whose it is.

Only the differences that `telford.road.sameness` does not explain count. Of those, what belongs to
other managers is left to them: a field that the estate does not speak of, or one that a controller
is there to change. Pure; called by `telford.app.drift`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from telford.basics.diagnostics import Diagnostic, Position
from telford.plan import ownership
from telford.plan.ownership import Kind, Owners, Writer
from telford.road import conventions, sameness
from telford.road.sameness import Difference, Key

Object = Mapping[str, Any]
# Keys that name an item of a list for people, in order of preference.
_NAMES = ("name", "containerPort", "port", "mountPath", "topologyKey", "host", "ip", "path", "type")


class State(StrEnum):
    """What an object, a file or a rule is beside the estate. UNKNOWN: nobody may look."""

    MISSING = "missing"
    DIFFERENT = "different"
    EXTRA = "extra"
    FAILING = "failing"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """How a field came to differ."""

    # Somebody wrote another value than the estate's.
    CHANGED = "changed"
    # It is as it was applied, and the estate wants something else by now.
    BEHIND = "behind"
    # The estate wants it, and it is not there.
    ABSENT = "absent"
    # Somebody added it by hand.
    ADDED = "added"
    # The estate wanted it once, and what applied it still owns it.
    UNWANTED = "unwanted"


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose a thing is in the estate: its address, the team, and where the document begins."""

    address: str = ""
    team: str = ""
    position: Position | None = None


NOBODY = Owned()


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object that the estate wants in a place."""

    item: Object
    owned: Owned


@dataclass(frozen=True, slots=True)
class Field:
    """One field that is not as the estate wants it. `by` is who wrote it, "" where nobody says;
    `at` when (RFC 3339).
    """

    path: str
    found: str
    wanted: str
    cause: Cause
    by: str = ""
    at: str = ""

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "path": self.path,
            "found": self.found,
            "wanted": self.wanted,
            "cause": self.cause.value,
            "by": self.by,
            "at": self.at,
        }


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is not as the estate wants it. `subject` names it (``Deployment/shop/orders``,
    a file, a rule); `by` and `at` say who last wrote it as a whole, where that is known.
    """

    state: State
    subject: str
    owned: Owned = NOBODY
    fields: tuple[Field, ...] = ()
    detail: str = ""
    by: str = ""
    at: str = ""

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        position = self.owned.position
        return {
            "state": self.state.value,
            "subject": self.subject,
            "address": self.owned.address,
            "owner": self.owned.team,
            "file": position.file if position else None,
            "line": position.line if position else None,
            "fields": [one.as_json() for one in self.fields],
            "detail": self.detail,
            "by": self.by,
            "at": self.at,
        }


@dataclass(frozen=True, slots=True)
class Drift:
    """The whole comparison. `compared` things were wanted, `equal` of them are as wanted; `left`
    counts by rule what was not taken for drift.
    """

    what: str
    place: str
    compared: int = 0
    equal: int = 0
    items: tuple[Item, ...] = ()
    left: Mapping[str, int] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether anything is known not to be as the estate wants it."""
        return any(item.state is not State.UNKNOWN for item in self.items)

    @property
    def whole(self) -> bool:
        """Whether everything could be looked at."""
        return not any(item.state is State.UNKNOWN for item in self.items)

    def counts(self) -> dict[str, int]:
        """How many items of each state."""
        found = Counter(item.state.value for item in self.items)
        return {state.value: found[state.value] for state in State}

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "drift": self.drifted,
            "whole": self.whole,
            "compared_with": self.what,
            "place": self.place,
            "compared": self.compared,
            "equal": self.equal,
            "counts": self.counts(),
            "items": [item.as_json() for item in self.items],
            "left": dict(self.left),
            "diagnostics": [d.as_json() for d in self.diagnostics],
        }


# What is left to others, beside the rules of sameness: name -> why.
LEFT = {
    "nobodys": "the API server filled it in: no manager owns it",
    "others": "another manager owns it, and the estate does not speak of it",
    "controller": "a controller is there to change it",
    "filled-in": "it was filled in when the object was applied: it was not in what was applied",
}


@dataclass(slots=True)
class Judge:
    """Compares objects one by one, and counts what it leaves to others."""

    view: sameness.View = sameness.LIVE
    left: Counter[str] = field(default_factory=Counter)

    def fields(self, live: Object, wanted: Object) -> tuple[Field, ...]:
        """The fields of a live object that are not as the estate wants them."""
        who = ownership.owners(live)
        return tuple(self._judged(live, wanted, who))

    def _judged(self, live: Object, wanted: Object, who: Owners) -> Iterator[Field]:
        for difference in sameness.differences_of(live, wanted, self.view):
            rule, found = difference.rule, None
            if not rule:
                rule, found = _cause(difference, live, who)
            if found is None:
                self.left[rule] += 1
            else:
                cause, writer = found
                path = path_text(difference.steps, live, wanted)
                by, at = (writer.manager, writer.at) if writer else ("", "")
                yield Field(path, difference.found, difference.built, cause, by, at)


_Found = tuple[Cause, Writer | None] | None


def _cause(difference: Difference, live: Object, who: Owners) -> tuple[str, _Found]:
    """Why a field differs and who wrote it; or by what name it is left to others."""
    if difference.lacking == "found":
        # Who took a field away is not written anywhere: the last one to write by hand may be it.
        return "", (Cause.ABSENT, who.latest(Kind.PERSON))
    writers = who.of(live, difference.steps)
    if difference.lacking == "built":
        return _unspoken(difference, live, who, writers)
    return _spoken(difference, writers)


def _spoken(difference: Difference, writers: Sequence[Writer]) -> tuple[str, _Found]:
    """Of a field that the estate wants with another value."""
    last = writers[0] if writers else None
    if last is None:
        return "", (Cause.CHANGED, None)
    if ownership.may(last, difference.steps):
        return "controller", None
    return "", (Cause.BEHIND if last.kind is Kind.APPLIER else Cause.CHANGED, last)


def _unspoken(
    difference: Difference, live: Object, who: Owners, writers: Sequence[Writer]
) -> tuple[str, _Found]:
    """Of a field that the estate does not speak of."""
    if not who.known:
        return "", (Cause.ADDED, None)
    if not writers:
        # In another version of the kind the field may have another name: a hand there may be it.
        elsewhere = next((w for w in who.elsewhere if w.kind is Kind.PERSON), None)
        return ("", (Cause.ADDED, elsewhere)) if elsewhere else ("nobodys", None)
    by_hand = next((w for w in writers if w.kind is Kind.PERSON), None)
    if by_hand is not None:
        return "", (Cause.ADDED, by_hand)
    applier = next((w for w in writers if w.kind is Kind.APPLIER), None)
    if applier is None:
        return "others", None
    if applier.exact or who.was_applied(live, difference.steps):
        return "", (Cause.UNWANTED, applier)
    # By an update, defaults become the writer's own: only what was applied last could tell.
    return "filled-in", None


def path_text(steps: Sequence[str | int], live: Any, wanted: Any) -> str:
    """A path for people, items of lists by their names: ``containers[web].image``."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            one = _at(live, step) if _at(live, step) is not None else _at(wanted, step)
            text += f"[{_named(one, step)}]"
            live, wanted = _at(live, step), _same(wanted, _at(live, step), step)
        else:
            text += f"[{step}]" if "." in step or "/" in step else f".{step}" if text else step
            live, wanted = _of(live, step), _of(wanted, step)
    return text


def _at(items: Any, index: int) -> Any:
    return items[index] if isinstance(items, list) and index < len(items) else None


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _same(items: Any, one: Any, index: int) -> Any:
    """The item of another list with the same name, else the one in the same place."""
    if isinstance(items, list) and isinstance(one, Mapping):
        title = _named(one, index)
        return next((item for item in items if _named(item, -1) == title), _at(items, index))
    return _at(items, index)


def _named(item: Any, index: int) -> str:
    if isinstance(item, Mapping):
        for name in _NAMES:
            if isinstance(item.get(name), str | int):
                return str(item[name])
    return str(index)


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen: the objects by their key, and for each key that nobody may look at, why.
    `notes` says more of some that are missing.
    """

    objects: Mapping[Key, Object]
    unknown: Mapping[Key, str] = field(default_factory=dict)
    notes: Mapping[Key, str] = field(default_factory=dict)


def compare(
    wanted: Iterable[Wanted],
    observed: Observed,
    place: str,
    judge: Judge,
    owned: Callable[[str], Owned],
    remembered: Mapping[Key, Owned] | None = None,
) -> Iterator[Item | None]:
    """For each wanted object what is wrong with it, or None; then what is there and not wanted.

    `owned` says whose an address is in the estate, for what is extra; `remembered` are objects that
    an earlier build is known to have made, whatever their labels say.
    """
    known = remembered or {}
    keys = set()
    for one in wanted:
        key = sameness.key(one.item)
        keys.add(key)
        yield _judged(one, key, observed, judge)
    for key, live in observed.objects.items():
        if key not in keys and (key in known or is_ours(live, place)):
            yield _extra(live, owned, known.get(key, NOBODY))


def _judged(one: Wanted, key: Key, observed: Observed, judge: Judge) -> Item | None:
    subject = sameness.label(one.item)
    if key in observed.unknown:
        return Item(State.UNKNOWN, subject, one.owned, detail=observed.unknown[key])
    live = observed.objects.get(key)
    if live is None:
        return Item(State.MISSING, subject, one.owned, detail=observed.notes.get(key, ""))
    if going := _mapping(live, "metadata").get("deletionTimestamp"):
        return Item(State.MISSING, subject, one.owned, detail=f"it is being deleted since {going}")
    if one.item.get("kind") == "Secret":
        # Nothing is known of it but that it is there.
        return None
    fields = judge.fields(live, one.item)
    return Item(State.DIFFERENT, subject, one.owned, fields) if fields else None


def _mapping(value: Object, name: str) -> Object:
    """A field that is a mapping; an empty one where it is anything else."""
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


def is_ours(live: Object, place: str) -> bool:
    """Whether a live object says that Telford made it for this place.

    What controllers make of an object of ours (ReplicaSets, Pods, Endpoints) has its labels too;
    but it has an owner, or lacks the address.
    """
    metadata = _mapping(live, "metadata")
    labels = _mapping(metadata, "labels")
    if labels.get(conventions.LABEL_MANAGED_BY) != conventions.MANAGER:
        return False
    addressed = conventions.ANNOTATION_ADDRESS in _mapping(metadata, "annotations")
    if not addressed or metadata.get("ownerReferences") or metadata.get("deletionTimestamp"):
        return False
    environment, _, region = place.partition("/")
    return labels.get(conventions.LABEL_ENVIRONMENT) == environment and labels.get(
        conventions.LABEL_REGION, ""
    ) in ("", region.partition("/")[0])


def _extra(live: Object, owned: Callable[[str], Owned], before: Owned) -> Item:
    """Whose it is is what the estate says; where the whole thing is gone, what the object says."""
    notes = _mapping(_mapping(live, "metadata"), "annotations")
    whose = owned(str(notes.get(conventions.ANNOTATION_ADDRESS, before.address)))
    team = whose.team or str(notes.get(conventions.ANNOTATION_OWNER, ""))
    writer = ownership.owners(live).latest(Kind.APPLIER)
    by, at = (writer.manager, writer.at) if writer else ("", "")
    detail = "the estate does not want it any more"
    return Item(State.EXTRA, sameness.label(live), replace(whose, team=team), (), detail, by, at)


def finished(found: Iterable[Item | None], judge: Judge, drift: Drift, compared: int) -> Drift:
    """The whole comparison: items by the estate's address, then by name."""
    items = [item for item in found if item is not None]
    amiss = sum(item.state is not State.EXTRA for item in items)
    items.sort(key=lambda item: (item.owned.address, item.subject, item.state))
    return Drift(
        drift.what, drift.place, compared, compared - amiss, tuple(items),
        dict(sorted(judge.left.items())), drift.diagnostics,
    )  # fmt: skip
