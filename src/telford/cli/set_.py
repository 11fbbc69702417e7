"""`telford set`: write values into the estate, and commit them or ask for them."""

import sys
from typing import Annotated

import typer

from telford.app import setting as use_case
from telford.basics.clock import SystemClock
from telford.basics.errors import UsageError
from telford.cli import options, output, running

Address = Annotated[str, typer.Argument(help="what is set, such as service/orders")]
Assignments = Annotated[
    list[str], typer.Argument(metavar="PATH=VALUE...", help="such as run.image=shop/orders:1.1.0")
]
Place = Annotated[
    str,
    typer.Option(
        "--in", metavar="ENV[/REGION]", help="only there; everywhere where nothing is said",
        show_default=False,
    ),
]  # fmt: skip
DryRun = Annotated[bool, typer.Option("--dry-run", help="show the change, write nothing")]
Commit = Annotated[bool, typer.Option("--commit", help="commit just this change")]
Request = Annotated[
    bool, typer.Option("--request", help="ask for it by a pull or merge request instead")
]


def command(  # noqa: PLR0917 - a command's signature is its options
    address: Address,
    assignments: Assignments,
    place: Place = "",
    dry_run: DryRun = False,
    commit: Commit = False,
    request: Request = False,
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Set values of one thing in the estate's own files; comments and order stay.

    Refused where the estate would have an error that it has not now: an image that is quarantined
    there, for one.

    Example: telford set service/orders run.image=shop/orders:1.1.0 --in prod --commit
    Example: telford set service/orders run.replicas=3 --dry-run
    """
    if commit and request:
        raise UsageError("say --commit or --request, not both")
    folder = options.folder(estate)
    made = use_case.setting(folder, address, assignments, place)
    done: dict[str, object] = {"title": made.title, "diff": made.rewrite.diff(), "written": []}
    if request and not dry_run:
        state, now = running.kept(estate).state, SystemClock().now()
        asked = use_case.ask(made, state, folder, reason=reason, now=now)
        done |= {"request": asked.url or asked.branch}
    elif made.rewrite.after and not dry_run:
        if commit:
            done |= {"commit": use_case.commit(made, reason)}
        else:
            made.rewrite.write()
        done |= {"written": sorted(made.rewrite.after)}
    if as_json:
        output.json(done)
        return
    sys.stdout.write(made.rewrite.diff())
    output.note(_said(done))


def _said(done: dict[str, object]) -> str:
    if "request" in done:
        return f"asked for: {done['request']}"
    if "commit" in done:
        return f"committed as {str(done['commit'])[:12]}"
    return "written" if done["written"] else "nothing was written"
