"""`telford adopt`: move something as-found onto the road, one capability after the other."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from telford.app import adopt as use_case
from telford.app.adopt import Adoption, ArtifactChange, Offer
from telford.cli import options, output

# Fields beyond these are counted in the list of offers; naming the capability shows all.
_MAX_FIELDS = 6


def command(
    address: Annotated[str, typer.Argument(help="something as-found, such as service/orders")],
    capability: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CAPABILITY]...", help="what to adopt, such as probes; default: list them"
        ),
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="write it without a question")] = False,
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Move something as-found onto the road, one capability after the other, by plan.

    Without a capability: what each would change. With one: the change of the estate, what a build
    would then change, and, with --yes or after a yes at a terminal, the change written.

    Example: telford adopt service/orders probes
    """
    known = use_case.candidate(options.folder(estate), address)
    if not capability:
        _list(known.address, use_case.offers(known), as_json=as_json)
        return
    plan = use_case.adopt(known, capability)
    if not as_json:
        _show(plan)
    wanted = bool(plan.names) and (yes or (not as_json and _agreed()))
    written = plan.rewrite.write() if wanted else ()
    if as_json:
        output.json({**plan.as_json(), "written": list(written)})
    elif plan.names:
        output.line(f"wrote {', '.join(written)}" if written else "nothing was written")


def _agreed() -> bool:
    if not sys.stdin.isatty():
        output.note("to write it, say --yes")
        return False
    return typer.confirm("write the change of the estate?", err=True)


def _list(address: str, offers: Iterable[Offer], *, as_json: bool) -> None:
    if as_json:
        output.json({"address": address, "capabilities": [offer.as_json() for offer in offers]})
        return
    output.line(address)
    for offer in offers:
        output.line(f"  {offer.capability.name}: {offer.capability.title}{_state(offer)}")
        for change in offer.changes:
            _fields(change, most=_MAX_FIELDS, indent="      ")
    output.line(
        "`telford adopt ADDRESS CAPABILITY` shows the whole change; all together: road: paved"
    )


def _state(offer: Offer) -> str:
    if offer.adopted:
        return " (adopted)"
    if offer.refused:
        return f"\n      cannot be adopted: {offer.refused}"
    if offer.hint:
        return f"\n      {offer.hint}"
    return "" if offer.changes else " (nothing to add)"


def _show(plan: Adoption) -> None:
    if not plan.names:
        output.line(f"{plan.address} has adopted that already")
        return
    sys.stdout.write(plan.rewrite.diff())
    output.line()
    output.line("a build would then change:" if plan.changes else "a build would change nothing")
    for change in plan.changes:
        _fields(change, most=None, indent="  ")
    if plan.paved:
        output.line(f"{plan.address} is then on the road: road: paved")


def _fields(change: ArtifactChange, *, most: int | None, indent: str) -> None:
    output.line(f"{indent}~ {change.path}")
    for item in change.fields[:most]:
        if item.old is None:
            output.line(f"{indent}    {item.path}: + {item.new}")
        elif item.new is None:
            output.line(f"{indent}    {item.path}: - {item.old}")
        else:
            output.line(f"{indent}    {item.path}: {item.old} -> {item.new}")
    if most is not None and len(change.fields) > most:
        output.line(f"{indent}    and {len(change.fields) - most} more")
