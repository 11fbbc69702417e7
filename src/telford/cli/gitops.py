"""`telford gitops`: keep the Git folder of a place as what is bound there."""

import threading
from pathlib import Path
from typing import Annotated

import typer

from telford.app import gitops as use_case
from telford.app import loading, places
from telford.backends import files
from telford.basics.clock import SystemClock
from telford.basics.errors import OutsideError, UsageError
from telford.cli import options, output, running
from telford.estate.place import Place

Once = Annotated[bool, typer.Option("--once", help="do what is due now and end")]


def command(
    place: options.In = "",
    once: Once = False,
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Keep Git as what is bound in a place: promotions and rollbacks as commits or change requests.

    For places that Argo CD or Flux applies. One process keeps a place; a second one stands down.
    With --once the exit code is 3 where Git is still behind.

    Example: telford gitops --in prod
    Example: telford gitops --in prod --once --json
    """
    folder = options.folder(estate)
    found = files.read([folder])
    described = loading.require(loading.of_texts(found))
    where = places.choose(described, place)
    kept = use_case.kept(folder, found, where)
    if kept is None:
        raise UsageError(
            f"neither Argo CD nor Flux is in charge of anything in {where}",
            fix="say it in the Architecture or a Recipe: choices: {delivery: argo-cd}",
        )
    _keep(kept, where, estate, once=once, as_json=as_json)


def _keep(
    kept: use_case.Kept, where: Place, estate: Path | None, *, once: bool, as_json: bool
) -> None:
    clock, state = SystemClock(), running.kept(estate).state
    with running.records(estate) as store, use_case.held(store, where) as lease:
        keeper = use_case.deliverer(kept, store, lease, clock, state)
        wait = threading.Event()
        while True:
            report = keeper.step()
            for sentence in (*report.said, *report.problems):
                output.note(sentence)
            if once:
                break
            use_case.beat(store, lease)
            wait.wait(use_case.STEP_SECONDS)
    if as_json:
        output.json({"place": str(where), "behind_since": report.behind_since})
    elif report.behind_since is None:
        output.line(f"Git says what is bound in {where}")
    if report.behind_since is not None:
        raise OutsideError(f"Git is behind {where}", fix="telford status says why")
