"""What a change means where it is applied: a restart, a replacement, loss of data, a protection
loosened, nothing but a label.

Objects are compared by kind, namespace and name over all files of one target and place, so that
an object that only moved to another file is not one deleted and one created. What `meaning.toml`
has no rule for has an unknown effect: it is never said to be harmless. Called by
`telford.app.planning`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telford.plan import fields, subjects, table
from telford.plan.fields import Change
from telford.plan.measures import Way
from telford.plan.subjects import Document, Subject

UNKNOWN, TEXT, LABEL = "unknown", "text", "label"
_RESTARTS = "restarts"
_LOOSENS, _TIGHTENS = "loosens", "tightens"
# What a rule about a part of something may say of it where it comes, and where it goes.
_WORSE = frozenset({"loosens", "exposes"})
_BETTER = frozenset({"tightens", "hides"})


@dataclass(frozen=True, slots=True)
class Meaning:
    """One meaning (a name of `meaning.toml`), why it is one, and who says so."""

    name: str
    why: str = ""
    source: str = ""

    @property
    def words(self) -> str:
        """The meaning in words."""
        return table.names()[self.name]

    def as_json(self) -> dict[str, str]:
        """The stable JSON view."""
        return {"meaning": self.name, "words": self.words, "why": self.why, "source": self.source}


@dataclass(frozen=True, slots=True)
class Meant:
    """A changed field, or an object that comes or goes, and its meanings, the gravest first."""

    change: Change
    meanings: tuple[Meaning, ...]

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {**self.change.as_json(), "meanings": [m.as_json() for m in self.meanings]}


@dataclass(frozen=True, slots=True)
class Side:
    """One file before and after, "" where it is not there. `room` is what its objects are unique
    in: the target and the place.
    """

    path: str
    room: str
    old: str
    new: str


def of_files(sides: Iterable[Side]) -> list[tuple[Meant, ...]]:
    """What the change of each file means, field by field."""
    every = list(sides)
    split = [_split(side) for side in every]
    moved = _moved(every, split)
    return [tuple(_of_file(side, *pair, moved)) for side, pair in zip(every, split, strict=True)]


def of(path: str, old: str, new: str) -> tuple[Meant, ...]:
    """What the change of one file alone means."""
    return of_files([Side(path, "", old, new)])[0]


def gravest_first(names: Iterable[str]) -> tuple[str, ...]:
    """Names of meanings in the order of the table, each once."""
    found = set(names)
    return tuple(name for name in table.names() if name in found)


def summed(found: Iterable[Meant]) -> tuple[Meaning, ...]:
    """The meanings of several changes, each once, the gravest first; that nothing happens only where
    that is all.
    """
    known: dict[str, Meaning] = {}
    for meant in found:
        for one in meant.meanings:
            known.setdefault(one.name, one)
    names = gravest_first(known)
    return tuple(known[name] for name in names if name != LABEL or len(names) == 1)


_Named = Mapping[Subject, Document]
# Room and object -> where it was, and what it said there.
_Moved = Mapping[tuple[str, Subject], tuple[str, Document]]


def _split(side: Side) -> tuple[_Named, _Named]:
    """The objects of each side that differ; none of a text that is not data."""
    if not subjects.structured(side.path):
        return {}, {}
    before, after = subjects.different(side.path, side.old, side.new)
    return subjects.by_subject(before), subjects.by_subject(after)


def _moved(sides: Sequence[Side], split: Sequence[tuple[_Named, _Named]]) -> _Moved:
    """Named objects that leave one file and come into another of the same room."""
    gone = {
        (side.room, subject): (side.path, document)
        for side, (old, new) in zip(sides, split, strict=True)
        for subject, document in old.items()
        if subject.name and subject not in new
    }
    come = {
        (side.room, subject)
        for side, (old, new) in zip(sides, split, strict=True)
        for subject in new
        if subject not in old
    }
    return {key: value for key, value in gone.items() if key in come}


def _of_file(side: Side, old: _Named, new: _Named, moved: _Moved) -> Iterator[Meant]:
    if not subjects.structured(side.path):
        yield _of_text(side)
        return
    found = 0
    for change in fields.between(old, new, parts=subjects.partial(side.path)):
        found += 1
        before = moved.get((side.room, change.subject)) if change.whole else None
        if before is None:
            yield Meant(change, _of_change(side, change, old, new))
        else:
            yield from _of_moved(side, change, before, new)
    if not found:
        why = "both texts say the same"
        yield Meant(Change("", "", ""), (Meaning(LABEL, why),))


def _of_text(side: Side) -> Meant:
    change = Change("", side.old and "(a text)", side.new and "(a text)")
    return Meant(change, (Meaning(TEXT, "its language is not read", "own"),))


def _of_moved(
    side: Side, change: Change, before: tuple[str, Document], new: _Named
) -> Iterator[Meant]:
    """An object in another file than before: what changes in it is said where it is now."""
    path, document = before
    subject = change.subject
    if subject not in new:
        yield Meant(change, (Meaning(LABEL, "it is in another file now"),))
        return
    one, other = {subject: document}, {subject: new[subject]}
    where = Change(subject.title, path, side.path, subject, (), document.value, new[subject].value)
    yield Meant(where, (Meaning(LABEL, "it was in another file before"),))
    for inner in fields.between(one, other):
        yield Meant(inner, _of_change(side, inner, one, other))


def _of_change(side: Side, change: Change, old: _Named, new: _Named) -> tuple[Meaning, ...]:
    found = list(
        _of_whole(side, change) if change.whole else _of_field(change, _value(new, old, change))
    )
    known = {one.name: one for one in reversed(found)}
    return tuple(known[name] for name in gravest_first(known))


def _value(new: _Named, old: _Named, change: Change) -> Any:
    document = new.get(change.subject) or old.get(change.subject)
    return document.value if document is not None else None


def _of_whole(side: Side, change: Change) -> Iterator[Meaning]:
    """What an object's coming or going means: its own row, and what is dangerous inside."""
    created = change.old is None
    value = change.after if created else change.before
    row = table.whole(change.subject.kind)
    if row is None:
        what = change.subject.kind.partition(".")[0] or "this file"
        yield Meaning(UNKNOWN, f"nothing is known of {what}")
    else:
        names = row.created if created else row.deleted
        if row.has and table.at(value, row.has) and not created:
            names = row.has_deleted
        elif row.beside is not None and _beside(row.beside, side, change, value):
            opens = any(table.at(value, path) for path in row.beside.opens)
            names = (LABEL,) if not opens else (_LOOSENS if created else _TIGHTENS,)
        yield from (Meaning(name, row.why, row.source) for name in names)
    inside = row is not None and row.inside
    for leaf in fields.leaves(change):
        if row is None or not row.inside:
            yield from _in_new(leaf, value)
        elif inside:
            yield from _answers(leaf, value, frozenset({"effect", "content"}))


def _in_new(leaf: Change, value: Any) -> Iterator[Meaning]:
    """What is worse for a setting of something that comes, or was worse in what goes."""
    for rule in table.rules_for(leaf.subject.kind, leaf.steps, whole=False):
        if rule.part:
            yield from _answer(rule, leaf, value, item=True)


def _beside(beside: table.Beside, side: Side, change: Change, value: Any) -> bool:
    """Whether another object that adds to this one is there before and after."""
    if beside.but is not None and beside.but.holds(value):
        return False
    wanted = table.at(value, beside.field)
    return all(
        any(
            document.subject.kind == change.subject.kind
            and document.subject.namespace == change.subject.namespace
            and document.subject != change.subject
            and table.at(document.value, beside.field) == wanted
            and not (beside.but is not None and beside.but.holds(document.value))
            for document in subjects.documents(side.path, text)
        )
        for text in (side.old, side.new)
    )


def _of_field(change: Change, value: Any) -> Iterator[Meaning]:
    """What a changed field means: each question is answered by its first rule."""
    answered = set()
    for rule in table.rules_for(change.subject.kind, change.steps, whole=True):
        answered.add(rule.about)
        yield from _answer(rule, change, value, item=change.item)
    if answered and change.item:
        return
    for leaf in fields.leaves(change):
        yield from _answers(leaf, value, frozenset(answered))


def _answers(leaf: Change, value: Any, answered: frozenset[str]) -> Iterator[Meaning]:
    """What each question that is not answered has for an answer, the parts of lists included."""
    kind = leaf.subject.kind
    found = [r for r in table.rules_for(kind, leaf.steps, whole=False) if r.about not in answered]
    for rule in found:
        yield from _answer(rule, leaf, value, item=leaf.item)
    parts = list(fields.parts(leaf))
    known = answered | {rule.about for rule in found}
    for part in parts:
        yield from _answers(part, value, known)
    ours = any(rule.about == "content" for rule in found)
    if not (known or parts) or (kind not in table.known_kinds() and not ours and not answered):
        where = ".".join(leaf.steps).replace(".[]", "[]")
        what = kind.partition(".")[0] or "this file"
        yield Meaning(UNKNOWN, f"nothing is known of {where or 'the text'} of {what}")


def _answer(rule: table.Rule, leaf: Change, value: Any, *, item: bool) -> Iterator[Meaning]:
    """What a rule says of a value that changes."""
    names = rule.meanings[Way.SAME]
    if rule.measure is not None:
        old = rule.absent if leaf.before is None else leaf.before
        new = rule.absent if leaf.after is None else leaf.after
        way = rule.measure(old, new)
        if rule.turned is not None and rule.turned.holds(value):
            way = _TURNED[way]
        names = rule.meanings[way]
        if way is Way.SAME and not names and rule.about == "content":
            names = (LABEL,)
    if rule.part and item:
        fits = _WORSE if leaf.before is None else _BETTER
        names = tuple(name for name in names if name in fits)
    for name in names:
        yield Meaning(_rolled(name, leaf.subject.kind, value), rule.why, rule.source)


_TURNED = {Way.MORE: Way.LESS, Way.LESS: Way.MORE, Way.SAME: Way.SAME, Way.OTHER: Way.OTHER}


def _rolled(name: str, kind: str, value: Any) -> str:
    """How the replicas of a workload are replaced, where it says so itself."""
    known = table.rollout(kind) if name == _RESTARTS else None
    return name if known is None else known.meanings.get(str(table.at(value, known.field)), name)
