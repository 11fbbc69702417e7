"""`telford import`: turn Kubernetes YAML into an estate."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from telford.app import importing
from telford.cli import options, output
from telford.intake.imported import Options, Report, Status


def command(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="files and folders of manifests")
    ],
    *,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="the folder for the estate")
    ] = Path("estate"),
    system: Annotated[
        str,
        typer.Option(
            "--system",
            metavar="NAME",
            help="one system for everything; default: by label, namespace or folder",
            show_default=False,
        ),
    ] = "",
    owner: Annotated[
        str,
        typer.Option(
            "--owner",
            metavar="TEAM",
            help="the owner of what names none; default: unassigned",
            show_default=False,
        ),
    ] = "",
    environment: Annotated[
        str, typer.Option("--environment", metavar="NAME", help="the environment to write")
    ] = "imported",
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="write what became of every field, as JSON",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say it, write no estate")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="replace files that import did not write")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Turn Kubernetes YAML into an estate, with a report in which nothing is silently lost.

    What is imported is `road: as-found`: a build gives it back as it was, and nothing is added.
    Exit code 0: imported; 1: a file cannot be read, or is in the way.

    Example: telford import manifests/ --out estate --dry-run
    """
    chosen = Options(system=system, owner=owner, environment=environment)
    answer = importing.run(paths, out, chosen, force=force, dry_run=dry_run)
    if report is not None:
        importing.write_report(answer, report)
    if as_json:
        output.json(answer.as_json())
    else:
        show(answer, dry_run=dry_run)
    if not answer.ok:
        raise typer.Exit(1)


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
        yield "there is no Kubernetes object there: nothing to write"
    elif not answer.ok:
        yield "nothing was written" if not answer.written else "the estate has errors"
    elif dry_run:
        yield f"would write {len(answer.files)} files to {answer.out}"
    else:
        yield f"{len(answer.files)} files in {answer.out}, {len(answer.written)} of them changed"
        for name in answer.left:
            yield f"left from an earlier import, remove it if it is gone for good: {name}"
        yield f"next: telford check --estate {answer.out}"
