"""The exact next state of a folder of artifacts: one action a file, decided from three sides.

- **last**: the inventory, what was written there before and is therefore ours;
- **desired**: what the estate says now;
- **observed**: what lies there.

A plan deletes only what the inventory owns, and overwrites nothing that a person has edited
(unless told to). It has a parent (the inventory it was made from) and a generation: whoever
carries it out refuses it once the inventory has moved on. Called by `telford.app.planning`.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Verb(StrEnum):
    """What is to be done with a file. EDITED: nothing, because a person changed it."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"
    UNCHANGED = "unchanged"
    EDITED = "edited"
    # Gone from the estate and from the folder: only the inventory still knows it.
    FORGET = "forget"


CHANGING = (Verb.CREATE, Verb.CHANGE, Verb.DELETE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of ours. `digest` is the SHA-256 of its text, `key` that of what it was made from;
    `owner` is the address that caused it. `estate` names the texts of the estate when it was last
    written: a file that stays the same keeps the name that it was written under.
    """

    path: str
    digest: str
    key: str
    owner: str
    target: str
    place: str
    estate: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was written to a folder, by path. `pending` is what a build had begun to write when it
    was killed: those texts are ours too.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    generation: int = 0
    pending: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Names this very state of the inventory."""
        rows = [[self.generation], *([e.path, e.digest, e.key] for e in self.entries.values())]
        return _digest([*rows, sorted(self.pending.items())])

    def ours(self, path: str, digest: str) -> bool:
        """Whether a text at a path is one that we wrote."""
        entry = self.entries.get(path)
        return (entry is not None and entry.digest == digest) or self.pending.get(path) == digest


@dataclass(frozen=True, slots=True)
class Action:
    """What is to be done with one file: from the text of digest `before` ("" for none) to that of
    `after`.
    """

    verb: Verb
    path: str
    owner: str
    target: str
    place: str
    before: str
    after: str

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "action": self.verb.value,
            "path": self.path,
            "address": self.owner,
            "target": self.target,
            "place": self.place,
            "before": self.before,
            "after": self.after,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """Every action, by address, then path. Nothing is left to decide for whoever executes it."""

    actions: tuple[Action, ...]
    parent: str
    generation: int

    @property
    def digest(self) -> str:
        """Names this very plan."""
        return _digest([self.parent, self.generation, [a.as_json() for a in self.actions]])

    def of(self, *verbs: Verb) -> tuple[Action, ...]:
        """The actions with one of the verbs."""
        return tuple(action for action in self.actions if action.verb in verbs)

    @property
    def changes(self) -> bool:
        """Whether carrying it out would change any file."""
        return any(action.verb in CHANGING for action in self.actions)

    def counts(self) -> dict[str, int]:
        """How many actions of each verb."""
        found = {verb.value: 0 for verb in Verb}
        for action in self.actions:
            found[action.verb.value] += 1
        return found

    def as_json(self) -> dict[str, object]:
        """The stable JSON view, unchanged files counted and not listed."""
        return {
            "plan": self.digest,
            "parent": self.parent,
            "generation": self.generation,
            "counts": self.counts(),
            "actions": [a.as_json() for a in self.actions if a.verb is not Verb.UNCHANGED],
        }


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def plan(
    last: Inventory,
    desired: Iterable[Entry],
    observed: Mapping[str, str],
    *,
    in_scope: Callable[[Entry], bool],
    force: bool = False,
) -> Plan:
    """The plan. `observed` is path -> digest of every file of `last` and `desired` that exists;
    entries of `last` that are not `in_scope` (another place, another target) stay as they are.
    """
    wanted = {entry.path: entry for entry in desired}
    actions = [_keep(last, entry, observed.get(entry.path, ""), force) for entry in wanted.values()]
    actions += [
        _drop(last, entry, observed.get(path, ""), force)
        for path, entry in last.entries.items()
        if path not in wanted and in_scope(entry)
    ]
    actions.sort(key=lambda action: (action.owner, action.path))
    return Plan(tuple(actions), last.digest, last.generation + 1)


def _keep(last: Inventory, entry: Entry, seen: str, force: bool) -> Action:
    """What is to be done for a file that the estate wants."""
    if not seen:
        return _action(Verb.CREATE, entry, "", entry.digest)
    if seen == entry.digest:
        return _action(Verb.UNCHANGED, entry, seen, seen)
    if force or last.ours(entry.path, seen):
        return _action(Verb.CHANGE, entry, seen, entry.digest)
    return _action(Verb.EDITED, entry, seen, seen)


def _drop(last: Inventory, entry: Entry, seen: str, force: bool) -> Action:
    """What is to be done for a file of ours that the estate wants no more."""
    if not seen:
        return _action(Verb.FORGET, entry, "", "")
    if force or last.ours(entry.path, seen):
        return _action(Verb.DELETE, entry, seen, "")
    return _action(Verb.EDITED, entry, seen, seen)


def _action(verb: Verb, entry: Entry, before: str, after: str) -> Action:
    return Action(verb, entry.path, entry.owner, entry.target, entry.place, before, after)


def after(
    last: Inventory, carried_out: Plan, desired: Iterable[Entry], estate: str = ""
) -> Inventory:
    """The inventory once a plan is carried out. An edited file stays known by what we last wrote,
    so that undoing the edit makes it ours again. `estate` names the texts that it was made of.
    """
    wanted = {entry.path: entry for entry in desired}
    entries = dict(last.entries)
    for action in carried_out.actions:
        if action.verb in (Verb.DELETE, Verb.FORGET):
            entries.pop(action.path, None)
        elif action.verb is not Verb.EDITED:
            known = last.entries.get(action.path) if action.verb is Verb.UNCHANGED else None
            since = known.estate if known is not None else estate
            entries[action.path] = replace(wanted[action.path], estate=since)
    return Inventory(dict(sorted(entries.items())), carried_out.generation)
