"""What changes in a text that is data, field by field: paths with their old and new value.

Objects are told apart by kind, namespace and name, items of lists by their names, so that one more
container is one addition and not a shifted list. Called by `telford.plan.meaning` and
`telford.app.planning`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telford.plan import subjects
from telford.plan.subjects import Document, Subject

# Keys by which items of a list are told apart, the first that every item has.
_NAMES = ("name", "mountPath", "containerPort", "port", "topologyKey", "record", "host", "path")
# Longer values are cut: the text diff has all of it.
_SHOWN = 60
# A step into an item of a list, whatever its name.
ITEM = "[]"
# Where people write what others should not read.
_SECRET_VALUES = frozenset({"data", "stringData"})


Trail = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One changed field. `old` or `new` is None where it was not or will not be there.

    `subject` is the object; `steps` are the path in it, ``[]`` for an item of a list; `before` and
    `after` are the values as data. `item` says that an item of a list comes or goes as a whole.
    `trail` are the keys and list indices that lead there in the new object, as far as they go.
    """

    path: str
    old: str | None
    new: str | None
    subject: Subject = field(default=Subject(), compare=False)
    steps: tuple[str, ...] = field(default=(), compare=False)
    before: Any = field(default=None, compare=False)
    after: Any = field(default=None, compare=False)
    item: bool = field(default=False, compare=False)
    trail: Trail = field(default=(), compare=False)

    @property
    def whole(self) -> bool:
        """Whether a whole object comes or goes."""
        return (
            not self.steps
            and self.path == self.subject.title
            and (self.old is None or self.new is None)
        )

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {"path": self.path, "old": self.old, "new": self.new}


def changes(old: str, new: str, path: str = "") -> tuple[Change, ...]:
    """Every changed field between two texts of one file, in the order of the new one."""
    before, after = subjects.different(path, old, new)
    return tuple(between(subjects.by_subject(before), subjects.by_subject(after)))


def between(
    old: Mapping[Subject, Document], new: Mapping[Subject, Document], *, parts: bool = False
) -> Iterator[Change]:
    """Every changed field between objects of the same names; of `parts` of objects, one that comes or
    goes is no object that does, but its fields.
    """
    for subject in dict.fromkeys([*new, *old]):
        before = old[subject].value if subject in old else {} if parts else None
        after = new[subject].value if subject in new else {} if parts else None
        if before is None:
            yield Change(subject.title, None, "(a new object)", subject, (), None, after)
        elif after is None:
            yield Change(subject.title, "(the whole object)", None, subject, (), before, None)
        else:
            prefix = f"{subject.title} " if subject.title else ""
            yield from _Walk(subject).values(_Where(prefix, (), ()), before, after)


@dataclass(frozen=True, slots=True)
class _Where:
    """A place in an object: as text for people, as a pattern, and as a way in the new object."""

    path: str
    steps: tuple[str, ...]
    trail: Trail

    def key(self, key: str, *, there: bool) -> "_Where":
        """The place of a key; `there` says whether the new object has it."""
        dot = "." if self.path and not self.path.endswith(" ") else ""
        trail = (*self.trail, key) if there else self.trail
        return _Where(f"{self.path}{dot}{key}", (*self.steps, key), trail)

    def item(self, name: str, index: int | None) -> "_Where":
        """The place of an item of a list; `index` is None where the new list has it not."""
        trail = self.trail if index is None else (*self.trail, index)
        return _Where(f"{self.path}[{name}]", (*self.steps, ITEM), trail)


@dataclass(frozen=True, slots=True)
class _Walk:
    """Goes through two versions of one object."""

    subject: Subject

    def values(self, where: _Where, old: Any, new: Any) -> Iterator[Change]:
        # Most of two versions is equal, and found so at once; 1 and True are equal but not alike.
        if old == new and repr(old) == repr(new):
            return
        if isinstance(old, dict) and isinstance(new, dict):
            for key in dict.fromkeys([*new, *old]):
                here = where.key(str(key), there=key in new)
                yield from self._pair(here, key, old, new, item=False)
        elif isinstance(old, list) and isinstance(new, list) and (name := _naming(old, new)):
            first = {name(item): item for item in old}
            second = {name(item): item for item in new}
            indices = {known: index for index, known in enumerate(second)}
            if _same_items(first, second):
                yield self._change(where, list(first), list(second))
            for known in dict.fromkeys([*second, *first]):
                here = where.item(known, indices.get(known))
                yield from self._pair(here, known, first, second, item=True)
        elif old != new or type(old) is not type(new):
            yield self._change(where, old, new)

    def _pair(
        self, where: _Where, key: Any, old: Mapping[Any, Any], new: Mapping[Any, Any], *, item: bool
    ) -> Iterator[Change]:
        if key in old and key in new:
            yield from self.values(where, old[key], new[key])
        else:
            yield self._change(where, old.get(key), new.get(key), item=item)

    def _change(self, where: _Where, old: Any, new: Any, *, item: bool = False) -> Change:
        one = None if old is None else self._shown(where.steps, old)
        other = None if new is None else self._shown(where.steps, new)
        return Change(
            where.path, one, other, self.subject, where.steps, old, new, item, where.trail
        )

    def _shown(self, steps: tuple[str, ...], value: Any) -> str:
        """A value for people; never what a Secret holds."""
        if self.subject.kind == "Secret.core" and steps and steps[0] in _SECRET_VALUES:
            return "(not shown)"
        return shown(value)


def _same_items(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether two lists have the same items in another order."""
    return old.keys() == new.keys() and list(old) != list(new)


def leaves(change: Change) -> Iterator[Change]:
    """A change as one of single values: what comes or goes with everything in it, value by value."""
    if isinstance(change.before, dict) or isinstance(change.after, dict):
        old, new = change.before or {}, change.after or {}
        if isinstance(old, dict) and isinstance(new, dict) and (old or new):
            for key in dict.fromkeys([*new, *old]):
                if key not in old or key not in new or old[key] != new[key]:
                    yield from leaves(_inside(change, str(key), old.get(key), new.get(key)))
            return
    old, new = change.before or [], change.after or []
    if isinstance(old, list) and isinstance(new, list) and not (old and new):
        found = [*old, *new]
        if found and _naming(old, new) is not None:
            for item in found:
                pair = (item, None) if old else (None, item)
                yield from leaves(_inside(change, ITEM, *pair))
            return
    yield change


def parts(change: Change) -> Iterator[Change]:
    """The leaves of a list whose items have no names: those that only one side has, in their
    order, each beside its like where there are as many on both.
    """
    old, new = change.before or [], change.after or []
    if not (isinstance(old, list) and isinstance(new, list)):
        return
    gone = [item for item in old if item not in new]
    come = [item for item in new if item not in old]
    if not all(isinstance(item, dict) for item in (*gone, *come)):
        return
    pairs = zip(gone, come, strict=True) if len(gone) == len(come) else _alone(gone, come)
    for one, other in pairs:
        yield from leaves(_inside(change, ITEM, one, other))


def _alone(gone: Sequence[Any], come: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    yield from ((item, None) for item in gone)
    yield from ((None, item) for item in come)


def _inside(change: Change, step: str, old: Any, new: Any) -> Change:
    steps = (*change.steps, step)
    return Change(change.path, change.old, change.new, change.subject, steps, old, new, change.item)


_Naming = Callable[[Any], str]


def _naming(old: Sequence[Any], new: Sequence[Any]) -> _Naming | None:
    """What tells all items of both lists apart; None where nothing does."""
    items = [*old, *new]
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    for name in _NAMINGS:
        named = [[name(item) for item in side] for side in (old, new)]
        if all(all(names) and len(set(names)) == len(names) for names in named):
            return name
    return None


def _by(key: str) -> _Naming:
    return lambda item: str(item[key]) if key in item else ""


def _rule(item: Any) -> str:
    """A rule of Prometheus by its name."""
    return str(item.get("alert") or item.get("record") or "")


def _rule_labels(item: Any) -> str:
    """The same by its labels too, which tell severities and windows apart."""
    name = _rule(item)
    if not name:
        return ""
    labels = item.get("labels") or {}
    return str(name) + "".join(f" {key}={labels[key]}" for key in sorted(labels))


def _rule_text(item: Any) -> str:
    """The same where labels do not tell them apart."""
    said = (_rule(item), item.get("labels"), item.get("expr"))
    return json.dumps(said, sort_keys=True, default=str) if said[0] else ""


_NAMINGS: tuple[_Naming, ...] = (_rule, _rule_labels, _rule_text, *map(_by, _NAMES))


def shown(value: Any) -> str:
    """A value for people, cut where it is long."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    text = (
        "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
