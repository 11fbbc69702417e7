"""From what is wanted to what is done: propose a plan for a folder, and carry it out.

Light on purpose, as `telford.app.desires` is. Called by `telford.app.build`, by
`telford.app.planning` and by the CLI.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from telford.app import desires, remembered
from telford.app.desires import Desires, Scope
from telford.backends import files, output
from telford.basics.diagnostics import Diagnostic, Position, Severity, ordered
from telford.basics.errors import RefusedError
from telford.plan import actions
from telford.plan.actions import Inventory, Plan, Verb
from telford.ports.cache import Cache


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan for a folder, the inventory it stands on, and what is wanted there."""

    out: Path
    last: Inventory
    wanted: Desires
    plan: Plan
    diagnostics: tuple[Diagnostic, ...]
    # Names the texts of the estate that it was made from.
    estate: str = ""

    @property
    def ok(self) -> bool:
        """Whether it may be carried out: the estate has no errors."""
        return self.wanted.ok

    @property
    def needs_texts(self) -> bool:
        """Whether a text is needed that nobody has rendered."""
        return self.wanted.text is None and bool(self.plan.of(Verb.CREATE, Verb.CHANGE))

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "ok": self.ok,
            "out": str(self.out),
            "estate": self.estate,
            **self.plan.as_json(),
            "diagnostics": [d.as_json() for d in self.diagnostics],
        }


def recalled(
    found: files.Texts, out: Path, scope: Scope, *, force: bool, cache: Cache | None
) -> Proposal | None:
    """The plan for texts that were rendered before; None where they were not, or where a text must
    be written that only rendering gives.
    """
    if cache is None:
        return None
    wanted = desires.recall(desires.cache_key(found, scope, desires.code_version()), found, cache)
    if wanted is None:
        return None
    last = output.inventory(out)
    proposal = propose(out, last, wanted, scope, force=force, estate=estate_name(found))
    return None if proposal.needs_texts else proposal


def estate_name(found: files.Texts) -> str:
    """Names these very texts of an estate: what each artifact was made of at last."""
    return remembered.key("estate", found.hashes())[:_NAME]


# So much of a hash is enough to tell two states of one estate apart, and short to read.
_NAME = 16


def propose(
    out: Path,
    last: Inventory,
    wanted: Desires,
    scope: Scope,
    *,
    force: bool = False,
    estate: str = "",
) -> Proposal:
    """Compare what is wanted with the inventory and with what lies in the folder; `estate` names the
    texts that it is wanted by.

    An estate with errors wants nothing: its plan is empty, so that nothing is half-applied.
    """
    if not wanted.ok:
        return Proposal(
            out, last, wanted, Plan((), last.digest, last.generation), wanted.diagnostics, estate
        )
    entries = wanted.entries.values()
    observed = output.observe(out, dict.fromkeys([*wanted.entries, *last.entries]))
    plan = actions.plan(last, entries, observed, in_scope=scope.covers, force=force)
    said = with_edited(wanted.diagnostics, plan, out)
    return Proposal(out, last, wanted, plan, said, estate)


def with_edited(said: Iterable[Diagnostic], plan: Plan, out: Path) -> tuple[Diagnostic, ...]:
    """What is said of an estate, and of the files that a person has edited."""
    return ordered([*said, *_edited(plan, out)])


def _edited(plan: Plan, out: Path) -> Iterator[Diagnostic]:
    for action in plan.of(Verb.EDITED):
        yield Diagnostic(
            "TEL520",
            Severity.WARNING,
            f"{action.path} was edited by hand, so it is left as it is",
            address=action.owner,
            position=Position(str(out / action.path)),
            detail="Its text is neither what the last build wrote nor what this one would write.",
            fix="put the change into the estate, or build with --force to overwrite it",
        )


def carry_out(proposal: Proposal) -> None:
    """Write, then remove, then record. A plan without changes only refreshes the inventory.

    Raises `RefusedError` where the estate has errors or the inventory has moved on since the plan
    was made, `TemporaryError` while another build writes there, `PermanentError` where the disk
    says no.
    """
    if not proposal.ok:
        raise RefusedError("the estate has errors; nothing was written", fix="run `telford check`")
    wanted = proposal.wanted.entries.values()
    kept = actions.after(proposal.last, proposal.plan, wanted, proposal.estate)
    if not proposal.plan.changes and kept.entries == dict(proposal.last.entries):
        return
    with output.locked(proposal.out):
        if output.inventory(proposal.out).digest != proposal.plan.parent:
            raise RefusedError(
                f"{proposal.out} has been built since this plan was made", fix="make the plan again"
            )
        _write(proposal)
        output.keep_inventory(proposal.out, kept)


def _write(proposal: Proposal) -> None:
    written = proposal.plan.of(Verb.CREATE, Verb.CHANGE)
    if written:
        last = proposal.last
        pending = {**last.pending, **{action.path: action.after for action in written}}
        output.keep_inventory(proposal.out, Inventory(last.entries, last.generation, pending))
    assert not proposal.needs_texts, "texts are rendered before a plan is carried out"
    text = proposal.wanted.text
    if text is not None:
        output.write(proposal.out, {a.path: text(a.path).encode() for a in written})
    output.remove(proposal.out, [action.path for action in proposal.plan.of(Verb.DELETE)])
