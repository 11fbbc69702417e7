"""`telford contracts`: what is offered to whom, and what a new version breaks."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from telford.app import contracts as use_case
from telford.basics.errors import UsageError
from telford.cli import options, output
from telford.rules.offered import Step


class Sense(StrEnum):
    """What a new version must be able to do with what was written for the one before."""

    BACKWARD = "backward"
    FORWARD = "forward"
    FULL = "full"


Old = Annotated[Path | None, typer.Argument(metavar="OLD", help="a document", show_default=False)]
New = Annotated[
    Path | None,
    typer.Argument(metavar="NEW", help="the document to compare it with", show_default=False),
]
Wanted = Annotated[
    Sense, typer.Option("--compatibility", help="of two documents: who must go on working")
]


def command(
    old: Old = None,
    new: New = None,
    compatibility: Wanted = Sense.BACKWARD,
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Show what is offered by contract, to whom, and what each version breaks; or compare two
    documents (OpenAPI, AsyncAPI, protobuf).

    Exit code 1: something breaks between the two documents.

    Example: telford contracts old.yaml new.yaml
    """
    if old is None:
        _estate(options.folder(estate), as_json=as_json)
        return
    if new is None:
        raise UsageError("compare it with what?", fix="name two documents, the older one first")
    found = use_case.compare(old, new, compatibility.value)
    if as_json:
        output.json(found.as_json())
    else:
        _difference(found, str(old), str(new))
    if not found.ok:
        raise typer.Exit(1)


def _estate(folder: Path, *, as_json: bool) -> None:
    found = use_case.agreements(folder)
    if as_json:
        output.json({"contracts": [one.as_json() for one in found]})
        return
    if not found:
        output.line("the estate has no contracts")
        return
    rows = [
        (
            one.address,
            one.type,
            ", ".join(one.keepers),
            ", ".join(version + (" (!)" if problem else "") for version, problem in one.versions),
            str(len(one.consumers)),
            "; ".join(_step(step) for step in one.steps if step.changes) or "nothing",
        )
        for one in found
    ]
    output.table(("contract", "type", "offered by", "versions", "consumers", "breaks"), rows)


def _step(step: Step) -> str:
    broken = len({consumer.address for consumer in step.broken})
    counted = f"{len(step.breaking)} breaking, {len(step.changes) - len(step.breaking)} risky"
    return f"{step.newer}: {counted}, {broken} consumer{'s' * (broken != 1)}"


def _difference(found: use_case.Difference, old: str, new: str) -> None:
    rows = []
    for change, line in zip(found.changes, found.lines, strict=True):
        file = new if change.newer else old
        where = f"{file}:{line}" if line else file
        rows.append((change.level, change.code, change.operation, change.summary, where))
    if rows:
        output.table(("level", "code", "operation", "what", "where"), rows)
    breaking = sum(change.level == "breaking" for change in found.changes)
    output.line(f"{found.type}: {breaking} breaking, {len(rows) - breaking} risky")
