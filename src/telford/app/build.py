"""`telford build`: render an estate into a folder, writing only what changed."""

from pathlib import Path

from telford.app import building, planning
from telford.app.building import Proposal
from telford.app.desires import Scope
from telford.ports.cache import Cache


def build(
    folder: Path,
    out: Path,
    scope: Scope | None = None,
    *,
    force: bool = False,
    cache: Cache | None = None,
) -> Proposal:
    """Plan and, where the estate has no errors, carry the plan out. The plan that was carried out.

    Raises as `planning.plan` and `building.carry_out` do.
    """
    proposal = planning.plan(folder, out, scope, force=force, cache=cache)
    if proposal.ok:
        building.carry_out(proposal)
    return proposal
