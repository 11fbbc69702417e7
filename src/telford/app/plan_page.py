"""A plan as a page shows it: one sentence, then the causes with what each changes. Pure.

Grouped by the line of the estate behind a change, then by address, the gravest meaning first. What
is shown whole on one page is bounded: of a thousand services that change by one cause the page has
one line, a few names, and the way to the rest. Called by the portal's page and its API.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from telford.app import planning
from telford.app.building import Proposal
from telford.app.planning import Detail, Report
from telford.app.source_map import How, Origin
from telford.basics.diagnostics import Diagnostic, Severity
from telford.plan import grouping, meaning, table
from telford.plan.actions import Action, Verb
from telford.plan.meaning import Meaning, Meant

# Meanings that the sentence on top names; the others are counted.
NAMED = 3
# That of the envelope which every command prints its JSON in.
JSON_VERSION = 1
# A kind of thing whose name does not end as English has it: singular -> plural.
_PLURALS = {"policy": "policies", "pins": "pins"}


@dataclass(frozen=True, slots=True)
class Thing:
    """One address and its files that change by one cause."""

    address: str
    details: tuple[Detail, ...]

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What it means for this thing, the gravest first."""
        return planning.together(self.details)

    @property
    def alike(self) -> tuple[tuple[Detail, ...], ...]:
        """Its files, those together that change alike: one thing in four places is said once."""
        return alike(self.details)


@dataclass(frozen=True)
class Group:
    """One cause and the things that change by it; `cause` is None where nobody knows it. `key`
    names the group from one plan to the next.
    """

    key: str
    cause: Origin | None
    details: tuple[Detail, ...]

    @cached_property
    def things(self) -> tuple[Thing, ...]:
        """Whose files they are, those with the gravest meaning first."""
        by_owner: dict[str, list[Detail]] = {}
        for detail in self.details:
            by_owner.setdefault(detail.action.owner, []).append(detail)
        found = [Thing(owner, tuple(some)) for owner, some in by_owner.items()]
        return tuple(sorted(found, key=lambda one: (_gravity(one.meanings), one.address)))

    @cached_property
    def meanings(self) -> tuple[Meaning, ...]:
        """What it means for any of them, the gravest first."""
        return planning.together(self.details)

    @cached_property
    def alike(self) -> tuple[tuple[Detail, ...], ...]:
        """Its files, those together that change alike, whatever their things are called."""
        return alike(self.details)

    @property
    def many(self) -> bool:
        """Whether it is said once for all of them."""
        return len(self.things) > planning.SHARED_BY

    @property
    def count(self) -> str:
        """Of how many things it is: ``12 services``."""
        return counted([thing.address for thing in self.things])


@dataclass(frozen=True)
class Told:
    """A plan, what it means, and its groups, made once and shown to everybody who asks; without
    `causes` those are still being looked for.
    """

    proposal: Proposal
    report: Report
    # Epoch seconds.
    at: float
    causes: bool = True

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """By cause: the gravest meaning first, then the one of the most things."""
        by_cause: dict[Origin | None, list[Detail]] = {}
        for detail in self.report.details:
            cause = detail.cause
            # One line is one cause, however it is known of each file.
            known = None if cause is None else replace(cause, how=How.DERIVED)
            by_cause.setdefault(known, []).append(detail)
        found = [_group(cause, some) for cause, some in by_cause.items()]
        return tuple(sorted(_distinct(found), key=_order))

    @cached_property
    def by_key(self) -> dict[str, Group]:
        """The groups by their keys."""
        return {group.key: group for group in self.groups}

    @cached_property
    def sentence(self) -> str:
        """How many files of how many things change, and what that means, the gravest first."""
        details = self.report.details
        if not details:
            return f"Nothing would change: {self.proposal.out} is as the estate says."
        files = f"{len(details):,} file{'s' * (len(details) != 1)}"
        what = f"{files} of {counted(detail.action.owner for detail in details)}"
        verb = _verb(details)
        return f"{what} {verb}: {self._meanings()}."

    def _meanings(self) -> str:
        owners: dict[str, list[str]] = {}
        for owner, meanings in _by_owner(self.report.details):
            for one in meanings:
                owners.setdefault(one.name, []).append(owner)
        named = meaning.gravest_first(owners)
        said = [f"{table.names()[name]} ({counted(owners[name])})" for name in named[:NAMED]]
        rest = len(named) - NAMED
        if rest > 0:
            said.append(f"and {rest} lesser meaning{'s' * (rest != 1)}")
        return "; ".join(said)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """Why there is no plan; nothing where there is one."""
        return tuple(d for d in self.proposal.diagnostics if d.severity is Severity.ERROR)

    @property
    def edited(self) -> tuple[Action, ...]:
        """Files that a person has edited: they stay as they are."""
        return self.proposal.plan.of(Verb.EDITED)

    @cached_property
    def rows(self) -> dict[str, Action]:
        """Every action that changes a file, by the path of that file."""
        return {detail.action.path: detail.action for detail in self.report.details}

    @cached_property
    def json(self) -> dict[str, object]:
        """The stable JSON view: what `telford plan --json` prints."""
        return {"version": JSON_VERSION, **planning.as_json(self.proposal, self.report)}


@dataclass(frozen=True, slots=True)
class Slice:
    """Things of a group from `offset` on, each with whether all its files are shown here."""

    rows: tuple[tuple[Thing, bool], ...]
    offset: int
    total: int

    @property
    def last(self) -> int:
        """The index after the last one."""
        return self.offset + len(self.rows)


def alike(details: Sequence[Detail]) -> tuple[tuple[Detail, ...], ...]:
    """Files together that change alike, the gravest meaning first, then the most; a digest that is
    another one counts as alike.
    """
    found: dict[object, list[Detail]] = {}
    for one in details:
        changed = grouping.of_file(grouping.telling(one.meant), one.action.owner)
        found.setdefault((one.action.verb, one.action.target, changed), []).append(one)
    ordered = sorted(found.values(), key=lambda some: (_gravity(some[0].meanings), -len(some)))
    return tuple(map(tuple, ordered))


def rows(detail: Detail) -> list[tuple[Meant, Origin | None]]:
    """The changed fields with their origins, the gravest meaning first; digests only where nothing
    else changes.
    """
    telling = set(map(id, grouping.telling(detail.meant)))
    origins = detail.origins or (None,) * len(detail.meant)
    found = [pair for pair in zip(detail.meant, origins, strict=True) if id(pair[0]) in telling]
    return sorted(found, key=lambda pair: _gravity(pair[0].meanings))


def cut(group: Group, offset: int, limit: int, files: int) -> Slice:
    """So many things of a group, whole as long as not more than so many files come together."""
    rows = []
    left = files
    for thing in group.things[offset : offset + limit]:
        whole = len(thing.details) <= left
        left -= len(thing.details) if whole else 0
        rows.append((thing, whole))
    return Slice(tuple(rows), offset, len(group.things))


def complete(proposal: Proposal) -> Proposal:
    """The proposal of a planner, which looks only at what differs, with the files that stay: the
    very plan that `telford plan` makes of the same estate and folder.
    """
    known = {action.path for action in proposal.plan.actions}
    same = [
        Action(
            Verb.UNCHANGED,
            path,
            entry.owner,
            entry.target,
            entry.place,
            entry.digest,
            entry.digest,
        )
        for path, entry in proposal.wanted.entries.items()
        if path not in known
    ]
    every = sorted([*proposal.plan.actions, *same], key=lambda one: (one.owner, one.path))
    return replace(proposal, plan=replace(proposal.plan, actions=tuple(every)))


def counted(addresses: Iterable[str]) -> str:
    """``3 services``, or ``12 things`` where they are of several kinds."""
    kinds = Counter(address.partition("/")[0] for address in set(addresses))
    count = kinds.total()
    (name,) = kinds if len(kinds) == 1 else ("thing",)
    plural = _PLURALS.get(name, f"{name}s")
    return f"{count:,} {name if count == 1 else plural}"


def _verb(details: Sequence[Detail]) -> str:
    """What becomes of the files, where that is one and the same."""
    verbs = {detail.action.verb for detail in details}
    one = len(details) == 1
    if verbs == {Verb.CREATE}:
        return "is created" if one else "are created"
    if verbs == {Verb.DELETE}:
        return "is deleted" if one else "are deleted"
    return "changes" if one else "change"


def _by_owner(details: Sequence[Detail]) -> Iterator[tuple[str, tuple[Meaning, ...]]]:
    found: dict[str, list[Detail]] = {}
    for detail in details:
        found.setdefault(detail.action.owner, []).append(detail)
    for owner, some in found.items():
        yield owner, planning.together(some)


def _gravity(meanings: Sequence[Meaning]) -> int:
    """How far down the list of meanings the gravest one stands."""
    return list(table.names()).index(meanings[0].name) if meanings else len(table.names())


def _group(cause: Origin | None, details: Sequence[Detail]) -> Group:
    named = "" if cause is None else f"{cause.position.file} {cause.address} {cause.field}"
    key = hashlib.sha256(named.encode()).hexdigest()[:12]
    return Group(key, cause, tuple(details))


def _distinct(groups: Sequence[Group]) -> Iterator[Group]:
    """Each with a key of its own: the line is no part of it, so that it stays when lines move."""
    seen: Counter[str] = Counter()
    for group in sorted(groups, key=_line):
        seen[group.key] += 1
        more = f"-{seen[group.key]}" if seen[group.key] > 1 else ""
        yield replace(group, key=group.key + more)


def _line(group: Group) -> tuple[str, int]:
    if group.cause is None:
        return "", 0
    return group.cause.position.file, group.cause.position.line


def _order(group: Group) -> tuple[int, int, str, int, str]:
    return _gravity(group.meanings), -len(group.things), *_line(group), group.key
