"""`telford plan`: what a build would change in a folder, by address and field, writing nothing.

Also what build and plan share: read the folder, recall or render what the estate wants, compare.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from telford.app import building, desires, rendering
from telford.app.building import Proposal
from telford.app.desires import Scope
from telford.backends import files, output
from telford.plan import fields, texts
from telford.plan.actions import Action, Verb
from telford.ports.cache import Cache


@dataclass(frozen=True, slots=True)
class Detail:
    """What one action does to its file: the changed fields, and the text diff."""

    action: Action
    fields: tuple[fields.Change, ...]
    diff: str


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
    return building.propose(out, last, wanted, scope, force=force)


def details(proposal: Proposal, *, diff: bool = False) -> Iterator[Detail]:
    """What each creating, changing or deleting action does, in the order of the plan; the text
    diff only where it is asked for.
    """
    for action in proposal.plan.of(Verb.CREATE, Verb.CHANGE, Verb.DELETE):
        old = output.text(proposal.out, action.path) if action.before else ""
        text = proposal.wanted.text
        assert action.verb is Verb.DELETE or text is not None, "the texts were rendered"
        new = text(action.path) if text is not None and action.after else ""
        changed = fields.changes(old, new) if action.verb is Verb.CHANGE else ()
        yield Detail(action, changed, texts.diff(action.path, old, new) if diff else "")
