"""`telford plan`: what a build would change in a folder, what that means, and why, writing nothing.

Also what build and plan share: read the folder, recall or render what the estate wants, compare.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from telford.app import building, desires, loading, rendering
from telford.app.building import Proposal
from telford.app.causes import Causes
from telford.app.desires import Scope
from telford.app.source_map import How, Origin
from telford.backends import files, output
from telford.basics.clock import Clock, SystemClock
from telford.plan import fields, grouping, meaning, texts
from telford.plan.actions import CHANGING, Action, Verb
from telford.plan.meaning import Meaning, Meant, Side
from telford.ports.cache import Cache

# A cause that more things than this share is said once for all of them.
SHARED_BY = 3


@dataclass(frozen=True, slots=True)
class Detail:
    """What one action does to its file: the changed fields with their meanings and origins (one for
    each, None where nobody knows), the cause of the whole, and the text diff.
    """

    action: Action
    meant: tuple[Meant, ...]
    origins: tuple[Origin | None, ...]
    cause: Origin | None
    diff: str

    @property
    def fields(self) -> tuple[fields.Change, ...]:
        """The changed fields of a file that is there before and after."""
        changed = self.action.verb is Verb.CHANGE
        return tuple(meant.change for meant in self.meant) if changed else ()

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What the change of the file means, the gravest first."""
        return meaning.summed(self.meant)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view, the diff only where there is one."""
        rows = [
            {**meant.as_json(), "cause": origin.as_json() if origin else None}
            for meant, origin in zip(self.meant, self.origins, strict=True)
        ]
        cause = self.cause.as_json() if self.cause else None
        found = {
            **self.action.as_json(),
            "meanings": [one.name for one in self.meanings],
            "fields": rows,
            "cause": cause,
        }
        return {**found, "diff": self.diff} if self.diff else found


@dataclass(frozen=True, slots=True)
class Shared:
    """Files that change by one cause, those of more than `SHARED_BY` things."""

    cause: Origin
    details: tuple[Detail, ...]

    @property
    def addresses(self) -> tuple[str, ...]:
        """Whose files they are."""
        return tuple(dict.fromkeys(detail.action.owner for detail in self.details))

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What it means for any of them, the gravest first."""
        return together(self.details)

    @property
    def kinds(self) -> tuple[tuple[Detail, int], ...]:
        """One of those that change alike, and how many do, most first."""
        alike: dict[object, list[Detail]] = {}
        for one in self.details:
            changed = grouping.of_file(grouping.telling(one.meant), one.action.owner)
            alike.setdefault((one.action.verb, one.action.target, changed), []).append(one)
        ordered = sorted(alike.values(), key=len, reverse=True)
        return tuple((found[0], len(found)) for found in ordered)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "cause": self.cause.as_json(),
            "meanings": [one.name for one in self.meanings],
            "addresses": list(self.addresses),
            "files": [detail.action.path for detail in self.details],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A plan in words: every action with its meanings and cause, and the causes that many share."""

    details: tuple[Detail, ...]
    shared: tuple[Shared, ...]
    # Whether looking for causes was ended by the clock: some are named by their document alone.
    hurried: bool = False

    @property
    def summary(self) -> dict[str, int]:
        """Meaning -> how many things have a file of it, the gravest first."""
        by_owner: dict[str, list[Detail]] = {}
        for detail in self.details:
            by_owner.setdefault(detail.action.owner, []).append(detail)
        counts = Counter(one.name for some in by_owner.values() for one in together(some))
        return {name: counts[name] for name in meaning.gravest_first(counts)}

    @property
    def alone(self) -> tuple[Detail, ...]:
        """Those whose cause is not one that many share."""
        among = {detail.action.path for shared in self.shared for detail in shared.details}
        return tuple(detail for detail in self.details if detail.action.path not in among)

    def means(self, names: Sequence[str]) -> bool:
        """Whether anything has one of these meanings."""
        return not self.summary.keys().isdisjoint(names)


def together(found: Sequence[Detail]) -> tuple[Meaning, ...]:
    """What several changes mean, the gravest first."""
    return meaning.summed(meant for detail in found for meant in detail.meant)


def plan(
    folder: Path,
    out: Path,
    scope: Scope | None = None,
    *,
    force: bool = False,
    cache: Cache | None = None,
) -> Proposal:
    """The plan for building the estate of `folder` into `out`.

    Raises `UsageError` for a folder, place or target that there is not.
    """
    return of_texts(files.read([folder]), out, scope or Scope(), force=force, cache=cache)


def of_texts(
    found: files.Texts, out: Path, scope: Scope, *, force: bool, cache: Cache | None
) -> Proposal:
    """The plan for texts that were read; recalled where the same texts were rendered before."""
    recalled = building.recalled(found, out, scope, force=force, cache=cache)
    return recalled or fresh(found, out, scope, force=force, cache=cache)


def fresh(
    found: files.Texts, out: Path, scope: Scope, *, force: bool, cache: Cache | None
) -> Proposal:
    """The plan from rendering anew; what is wanted is kept for the next time."""
    code = desires.code_version()
    last = output.inventory(out)
    wanted = rendering.desires(found, scope, last, code)
    if cache is not None:
        desires.keep(desires.cache_key(found, scope, code), found, wanted, cache)
    name = building.estate_name(found)
    return building.propose(out, last, wanted, scope, force=force, estate=name)


def report(
    proposal: Proposal,
    folder: Path,
    scope: Scope,
    *,
    diff: bool = False,
    cache: Cache | None = None,
    clock: Clock | None = None,
) -> Report:
    """The plan in words; `cache` keeps what is known of the estate in `folder` from one time to the
    next. The text diffs are made only where they are asked for. `clock` limits how long causes are
    looked for; the machine's own where there is none.
    """
    actions = proposal.plan.of(*CHANGING)
    if not actions:
        return Report((), ())
    sides = [_side(proposal, action) for action in actions]
    found = list(_details(actions, sides, diff=diff))
    estate = loading.estate_of([folder], cache).estate
    with loading.undisturbed():
        causes = Causes(estate, scope, clock or SystemClock())
        first = [_with_cause(*pair, causes) for pair in zip(found, sides, strict=True)]
        causes.suspect()
        known = tuple(
            detail if _clear(detail) else _with_cause(detail, side, causes)
            for detail, side in zip(first, sides, strict=True)
        )
    return Report(known, tuple(_shared(known)), causes.tired)


def _clear(detail: Detail) -> bool:
    """Whether the cause of every field that tells one is known for sure."""
    telling = set(map(id, grouping.telling(detail.meant)))
    return all(
        meant.change.whole or id(meant) not in telling or (one and one.how is How.EXACT)
        for meant, one in zip(detail.meant, detail.origins, strict=True)
    )


def as_json(proposal: Proposal, report: Report) -> dict[str, object]:
    """The stable JSON view of a plan with its meanings and causes."""
    found = {detail.action.path: detail for detail in report.details}
    rows = [
        found[action.path].as_json() if action.path in found else action.as_json()
        for action in proposal.plan.of(Verb.CREATE, Verb.CHANGE, Verb.DELETE, Verb.EDITED)
    ]
    return {
        **proposal.as_json(),
        "summary": report.summary,
        "hurried": report.hurried,
        "causes": [shared.as_json() for shared in report.shared],
        "actions": rows,
    }


def details(proposal: Proposal, *, diff: bool = False) -> Iterator[Detail]:
    """What each creating, changing or deleting action does and means, in the order of the plan,
    without causes.
    """
    actions = proposal.plan.of(*CHANGING)
    return _details(actions, [_side(proposal, action) for action in actions], diff=diff)


def _details(actions: Sequence[Action], sides: Sequence[Side], *, diff: bool) -> Iterator[Detail]:
    for action, side, meant in zip(actions, sides, meaning.of_files(sides), strict=True):
        text = texts.diff(action.path, side.old, side.new) if diff else ""
        yield Detail(action, meant, (None,) * len(meant), None, text)


def _side(proposal: Proposal, action: Action) -> Side:
    """The text of a file before and after."""
    old = output.text(proposal.out, action.path) if action.before else ""
    text = proposal.wanted.text
    assert action.verb is Verb.DELETE or text is not None, "the texts were rendered"
    new = text(action.path) if text is not None and action.after else ""
    return Side(action.path, f"{action.target} {action.place}", old, new)


def _with_cause(detail: Detail, side: Side, causes: Causes) -> Detail:
    origins, cause = causes.of_file(detail.action, detail.meant, side.old, side.new)
    return replace(detail, origins=origins, cause=cause)


def _shared(found: Sequence[Detail]) -> Iterator[Shared]:
    """The causes of files of many things, those of the most first. A document that many files are
    of is no cause of theirs.
    """
    by_cause: dict[Origin, list[Detail]] = {}
    for detail in found:
        if detail.cause is not None and detail.cause.how is not How.ENTITY:
            whole = replace(detail.cause, how=How.DERIVED)
            by_cause.setdefault(whole, []).append(detail)
    every = [Shared(some[0].cause or cause, tuple(some)) for cause, some in by_cause.items()]
    many = [shared for shared in every if len(shared.addresses) > SHARED_BY]
    yield from sorted(many, key=lambda shared: -len(shared.addresses))
