"""`telford drift`: compare what the estate says with what is."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import rich.text
import typer

from telford.app import drift as clusters
from telford.app import drift_folder, drift_rules
from telford.app.desires import Scope
from telford.backends import files
from telford.backends.kubernetes.connecting import Choice
from telford.basics.errors import UsageError
from telford.cli import build, options, output
from telford.plan.drift import Cause, Drift, Field, Item, State

_MARKS = {
    State.MISSING: ("-", "red"),
    State.DIFFERENT: ("~", "yellow"),
    State.EXTRA: ("+", "cyan"),
    State.FAILING: ("!", "red"),
    State.UNKNOWN: ("?", "magenta"),
}
_UNSEEN = 3
# More than anybody scrolls through; the JSON view has all.
MAX_SHOWN = 200


Cluster = Annotated[
    bool, typer.Option("--cluster", help="compare with a running Kubernetes cluster")
]
Context = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="the context of the kubeconfig; default: the current one",
        show_default=False,
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="compare with a folder of artifacts or manifests"),
]
PrometheusUrl = Annotated[
    str, typer.Option(metavar="URL", help="compare with a running Prometheus", show_default=False)
]
Built = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="with --cluster: the folder of the last build; what it owns and the estate does"
        " not want any more is looked for, too",
    ),
]
ExecPlugins = Annotated[
    bool,
    typer.Option("--exec-plugins", help="run the program by which the kubeconfig gets credentials"),
]


def command(
    *,
    place: options.In = "",
    cluster: Cluster = False,
    context: Context = "",
    folder: Folder = None,
    prometheus: PrometheusUrl = "",
    built: Built = None,
    target: build.Targets = None,
    estate: options.Estate = None,
    exec_plugins: ExecPlugins = False,
    as_json: options.Json = False,
) -> None:
    """Compare one place of an estate with what is: a cluster, a folder, or a Prometheus.

    What only looks different (defaults, quantities, order) and what others own (managed fields) is
    no drift. Nothing is written, and of Secrets only the names are asked for. Exit code 0: all is
    as the estate wants it; 1: drift, or an error in the estate; 2: the question was wrong; 3: what
    was to be compared with cannot be reached, or parts of it may not be seen.

    Example: telford drift --estate examples/shop/estate --in prod/eu-west-1 --cluster
    """
    _require_one(cluster or bool(context), folder is not None, bool(prometheus))
    scope = Scope(tuple(dict.fromkeys(target or ())), place.rstrip("/"))
    found = files.read([options.folder(estate)])
    with _stages() as progress:
        if folder is not None:
            drift = drift_folder.of_folder(found, scope, folder, progress)
        elif prometheus:
            drift = drift_rules.of_prometheus(found, scope, prometheus, progress)
        else:
            choice = Choice(context, dict(os.environ), Path.home(), exec_plugins)
            drift = clusters.of_cluster(found, scope, choice, progress, built)
    if as_json:
        output.json(drift.as_json())
    else:
        _say(drift)
    if drift.drifted or not drift.whole:
        raise typer.Exit(1 if drift.drifted else _UNSEEN)


def _require_one(*chosen: bool) -> None:
    """Raise `UsageError` unless exactly one thing to compare with is named."""
    if sum(chosen) != 1:
        message = "one at a time" if any(chosen) else "what to compare with is not said"
        raise UsageError(message, fix="give one of --cluster, --folder DIR, --prometheus URL")


@contextlib.contextmanager
def _stages() -> Iterator[Callable[[str], None]]:
    """Says on stderr what is being done, where that is a terminal."""
    if not sys.stderr.isatty():
        yield _silent
        return
    with output.errors_console().status("") as status:
        yield lambda text: status.update(f"{text} ...")


def _silent(text: str) -> None:
    """Say nothing: a log needs no stages."""


def _say(drift: Drift) -> None:
    if drift.diagnostics:
        output.diagnostics(drift.diagnostics)
    screen = output.console()
    heading = None
    for item in drift.items[:MAX_SHOWN]:
        owner = _owner(item)
        if owner != heading:
            heading = owner
            screen.print(rich.text.Text(owner, style="bold"), soft_wrap=True)
        for line in _lines(item):
            screen.print(line, soft_wrap=True)
    if len(drift.items) > MAX_SHOWN:
        output.line(f"... and {len(drift.items) - MAX_SHOWN} more: --json has all of them")
    output.line(_summary(drift))


def _owner(item: Item) -> str:
    owned = item.owned
    team = f" ({owned.team})" if owned.team else ""
    where = f"  {owned.position}" if owned.position else ""
    return f"{owned.address or 'nobody in the estate'}{team}{where}"


def _lines(item: Item) -> Iterator[rich.text.Text]:
    mark, colour = _MARKS[item.state]
    said = f"  {mark} {item.subject}: {item.state.value}"
    # Why something may not be seen is said once, among the diagnostics.
    said += f" ({item.detail})" if item.detail and item.state is not State.UNKNOWN else ""
    by = f", last written by {item.by}" + (f" at {item.at}" if item.at else "")
    yield rich.text.Text(said + (by if item.by else ""), style=colour)
    for field in item.fields:
        yield rich.text.Text(f"      {_field(field)}")


def _field(field: Field) -> str:
    who = f" by {field.by}" if field.by else ""
    who += f" at {field.at}" if field.at and who else ""
    path = f"{field.path}: " if field.path else ""
    match field.cause:
        case Cause.ADDED:
            return f"{path}{field.found}, added{who}"
        case Cause.UNWANTED:
            return f"{path}{field.found}, not wanted any more; it is still held{who}"
        case Cause.ABSENT:
            last = f"; the last to write by hand was {field.by} at {field.at}" if field.by else ""
            return f"{path}not there, wanted {field.wanted}{last}"
        case Cause.BEHIND:
            return f"{path}{field.found}, the estate wants {field.wanted} by now; applied{who}"
        case Cause.CHANGED:
            return f"{path}{field.found}, wanted {field.wanted}" + (
                f"; changed{who}" if who else ""
            )


def _summary(drift: Drift) -> str:
    counts = ", ".join(f"{n:,} {state}" for state, n in drift.counts().items() if n)
    left = sum(drift.left.values())
    beside = f"; {left:,} differences explained or left to others" if left else ""
    what = f"{drift.what} beside {drift.place}"
    if not drift.items:
        return f"{what}: no drift in {drift.compared:,} things{beside}"
    return f"{what}: {counts}; {drift.equal:,} of {drift.compared:,} as wanted{beside}"
