"""`telford import`: turn what describes a system already into an estate."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from telford.app import importing
from telford.app.importing import Order, UndecidedError
from telford.basics.errors import UsageError
from telford.cli import options, output, roundtrip
from telford.intake.environments.stages import Recognition
from telford.intake.imported import Options, Report, Status


class Tool(StrEnum):
    """What may be run to render manifests."""

    HELM = "helm"
    KUSTOMIZE = "kustomize"


class Several(StrEnum):
    """Whether names of folders and files tell environments."""

    YES = "yes"
    NO = "no"


Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PATH...", help="files and folders to read", show_default=False),
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="the folder for the estate")]
System = Annotated[
    str,
    typer.Option(
        "--system",
        metavar="NAME",
        help="one system for everything; default: by label, namespace or folder",
        show_default=False,
    ),
]
Owner = Annotated[
    str,
    typer.Option(
        "--owner",
        metavar="TEAM",
        help="the owner of what names none; default: unassigned",
        show_default=False,
    ),
]
Environment = Annotated[
    list[str] | None,
    typer.Option(
        "--environment",
        metavar="NAME[=PATH]",
        help="the environment of everything, or of one path; give it once for each",
        show_default=False,
    ),
]
Environments = Annotated[
    Several | None,
    typer.Option(
        "--environments",
        help="whether names of folders and files tell environments; default: ask",
        show_default=False,
    ),
]
Render = Annotated[
    list[Tool] | None,
    typer.Option(
        "--render",
        help="run this tool on the charts or kustomizations there; nothing is run without it",
        show_default=False,
    ),
]
Account = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="write what became of every field, as JSON",
        show_default=False,
    ),
]
Verify = Annotated[
    bool, typer.Option("--verify", help="build it and compare with the input, object by object")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say it, write no estate")]
Force = Annotated[bool, typer.Option("--force", help="replace files that import did not write")]


def command(
    paths: Paths = None,
    *,
    out: Out = Path("estate"),
    system: System = "",
    owner: Owner = "",
    environment: Environment = None,
    environments: Environments = None,
    render: Render = None,
    report: Account = None,
    verify: Verify = False,
    dry_run: DryRun = False,
    force: Force = False,
    as_json: options.Json = False,
) -> None:
    """Turn what describes a system already into an estate; nothing is silently lost.

    Reads Kubernetes objects, compose files, Terraform, CloudFormation, Argo CD and Flux, Backstage,
    Score, OpenSLO, Sloth, Pyrra, OpenAPI, AsyncAPI and CODEOWNERS. Several environments of one
    organisation become one estate. What is imported is `road: as-found`: a build gives it back as
    it was, and nothing is added. Exit code 0: imported; 1: a file cannot be read or is in the way,
    or --verify found a difference that no rule explains.

    Example: telford import manifests/ --out estate --dry-run
    """
    chosen = Options(system=system, owner=owner)
    order = _order(paths or [], environment or [], environments, chosen)
    order = replace(order, render=frozenset(render or ()), say=_running)
    answer = _run(order, out, force=force, dry_run=dry_run)
    if report is not None:
        importing.write_report(answer, report)
    verified = None
    if verify and answer.ok:
        with output.busy("building and comparing"):
            verified = importing.verify(answer)
    if as_json:
        more = {"verified": verified.as_json()} if verified is not None else {}
        output.json({**answer.as_json(), **more})
    else:
        show(answer, dry_run=dry_run)
        if verified is not None:
            roundtrip.show(verified)
    if not answer.ok or (verified is not None and not verified.ok):
        raise typer.Exit(1)


def _order(
    paths: Sequence[Path], named: Sequence[str], several: Several | None, chosen: Options
) -> Order:
    """What the person ordered. Raises `UsageError` where it contradicts itself."""
    assigned: dict[str, tuple[Path, ...]] = {}
    alone = [text for text in named if "=" not in text]
    for text in named:
        name, equals, path = text.partition("=")
        if equals:
            assigned[name] = (*assigned.get(name, ()), Path(path))
    if len(alone) > 1 or (alone and assigned):
        raise UsageError(
            "several environments are named, and not what belongs to each",
            fix="write `--environment NAME=PATH` for each of them",
        )
    if not paths and not assigned:
        raise UsageError("nothing is named to import", fix="name a file or a folder")
    environment = alone[0] if alone else chosen.environment
    recognised = None if several is None else several is Several.YES
    if alone or assigned:
        recognised = False
    return Order(
        tuple(paths),
        Options(system=chosen.system, owner=chosen.owner, environment=environment),
        assigned,
        recognised,
    )


def _run(order: Order, out: Path, *, force: bool, dry_run: bool) -> importing.Answer:
    """Import, asking about environments where that is not known and somebody can answer."""
    try:
        with output.busy("reading"):
            return importing.run(order, out, force=force, dry_run=dry_run)
    except UndecidedError as error:
        if not _somebody():
            raise
        show_environments(error.recognition)
        decided = agreed("Read them as the environments of one estate")
    order = replace(order, recognised=decided)
    with output.busy("reading"):
        return importing.run(order, out, force=force, dry_run=dry_run)


def _running(command: str) -> None:
    output.note(f"running: {command}")


def show_environments(recognition: Recognition) -> None:
    """Which paths seem to be which environment, and why."""
    rows = [
        (item.environment, item.stage, str(len(item.paths)), item.reason)
        for item in recognition.proposals
    ]
    output.table(("environment", "stage", "files", "because"), rows)


def agreed(what: str) -> bool:
    """Whether the person at the terminal says yes; no where there is nobody to ask."""
    return _somebody() and typer.confirm(f"{what}?", default=True, err=True)


def _somebody() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def show(answer: importing.Answer, *, dry_run: bool) -> None:
    """The view for people: problems, totals by kind, dependencies, and what to do next."""
    if answer.diagnostics:
        output.diagnostics(answer.diagnostics)
    if answer.report.objects:
        columns = ("kind", "objects", "fields", "mapped", "carried", "dropped")
        output.table(columns, _rows(answer.report))
    for line in _summary(answer, dry_run=dry_run):
        output.line(line)


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    totals = report.totals()
    for kind, counts in totals.items():
        yield _row(kind, report.objects.get(kind, 0), [counts[status] for status in Status])
    sums = [sum(counts[status] for counts in totals.values()) for status in Status]
    yield _row("all", sum(report.objects.values()), sums)


def _row(kind: str, objects: int, counts: list[int]) -> tuple[str, ...]:
    total = sum(counts)
    shares = [f"{count} ({count / total:.0%})" if count else "0" for count in counts]
    return (kind, str(objects), str(total), *shares)


def _summary(answer: importing.Answer, *, dry_run: bool) -> Iterator[str]:
    report = answer.report
    if answer.gathered.unknown:
        yield f"{len(answer.gathered.unknown)} files are of no format that import knows"
    for reason, count in sorted(report.reasons().items()):
        yield f"dropped {count}: {reason}"
    if report.comments:
        yield f"{sum(report.comments.values())} lines of comments are not taken over"
    external = {item.host for item in report.unresolved if item.external}
    yield (
        f"{len(report.edges)} dependencies inferred from addresses;"
        f" {len(external)} hosts are outside of the input"
    )
    if not answer.files:
        yield "there is nothing there that can be imported: nothing to write"
    elif not answer.ok:
        yield "nothing was written" if not answer.written else "the estate has errors"
    elif dry_run:
        yield f"would write {len(answer.files)} files to {answer.out}"
    else:
        yield f"{len(answer.files)} files in {answer.out}, {len(answer.written)} of them changed"
        for name in answer.left:
            yield f"left from an earlier import, remove it if it is gone for good: {name}"
        yield f"next: telford check --estate {answer.out}"
