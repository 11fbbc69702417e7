"""`telford up`: start the estate on this machine, with its controller and its portal."""

import contextlib
import importlib.metadata
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from telford.app import cluster_place, loading, places, serving, up, wiring, workloads
from telford.backends import process
from telford.backends.hooks import asking
from telford.basics.clock import SystemClock
from telford.basics.errors import RefusedError
from telford.cli import clusters, options, output, running
from telford.deliver.policy import FULL_WEIGHT
from telford.flows.controller import Pace, Report
from telford.portal import serve, wired

Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="the ingress port (0: a free one)")
]
PortalPort = Annotated[
    int, typer.Option("--portal-port", min=0, max=65535, help="the portal's port (0: a free one)")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", help="the folder you build into: the portal shows what would change"
    ),
]
Detach = Annotated[bool, typer.Option("--detach", help="leave it running and come back")]
# Readiness of every service, with room for a slow disk.
DETACH_SECONDS = 120.0
# Looking whether the controller ended by itself.
WAIT_SECONDS = 0.5


def command(  # noqa: PLR0917 - a command's signature is its options
    place: options.In = "",
    port: Port = 0,
    portal_port: PortalPort = 0,
    detach: Detach = False,
    estate: options.Estate = None,
    out: Out = None,
    on: clusters.On = clusters.MACHINE,
    context: clusters.Context = "",
    prometheus: clusters.Prometheus = "",
    exec_plugins: clusters.ExecPlugins = False,
    as_json: options.Json = False,
) -> None:
    """Start every service that has `run.local`, behind a real Envoy, with controller and portal.

    With --on kubernetes the services run in a cluster: what runs there already is adopted as it
    is, and stays when this ends.

    This runs commands that the estate names. Ctrl-C stops everything; with --detach it goes on
    until `telford down`. What already runs is adopted: no request is lost when the controller is
    started anew.

    Example: telford up
    Example: telford up --in dev --port 8080 --detach
    Example: telford up --out build
    Example: telford up --in prod --on kubernetes --context prod --prometheus http://127.0.0.1:9090
    """
    cluster = clusters.chosen(on, context, prometheus, exec_plugins=exec_plugins)
    folder = options.folder(estate)
    kept = wiring.files(options.settings(), folder)
    _refuse_second(kept)
    if detach:
        found = _leave_behind(kept, folder, place, _Ports(port, portal_port), out, cluster)
    else:
        ports = _Ports(port, portal_port)
        found = _stay(kept, folder, place, ports, out, as_json=as_json, cluster=cluster)
    if detach:
        _announce(found, as_json=as_json)


def _refuse_second(kept: wiring.Files) -> None:
    found = serving.read(kept)
    if found is not None:
        raise RefusedError(
            f"{found.place} is up already: {found.portal}",
            fix="use that one, or stop it: telford down",
        )


@dataclass(frozen=True, slots=True)
class _Ports:
    """Of the ingress and of the portal; 0 takes a free one."""

    ingress: int
    portal: int


def _leave_behind(
    kept: wiring.Files,
    folder: Path,
    place: str,
    ports: _Ports,
    out: Path | None,
    cluster: cluster_place.Cluster | None,
) -> serving.Serving:
    clock = SystemClock()
    loading.require(
        loading.load_folder(folder, options.estate_cache())
    )  # what is wrong is said here, not in a log
    wiring.open_store(kept, clock).close()
    kept.log.write_text("", encoding="utf-8")
    words = [sys.executable, "-m", "telford.cli.main", "up", "--estate", str(folder)]
    words += ["--port", str(ports.ingress), "--portal-port", str(ports.portal)]
    words += ["--in", place] if place else []
    words += ["--out", str(out)] if out is not None else []
    words += clusters.words(cluster) if cluster is not None else []
    pid = process.leave_behind(words, kept.log)
    return serving.wait(kept, clock, pid, DETACH_SECONDS)


def _stay(
    kept: wiring.Files,
    folder: Path,
    place: str,
    ports: _Ports,
    out: Path | None,
    *,
    as_json: bool,
    cluster: cluster_place.Cluster | None = None,
) -> serving.Serving:
    """Run until a signal: an interrupt stops everything, SIGTERM leaves the services to whoever
    sent it (`telford down` goes on with them).
    """
    clock = SystemClock()
    estate = loading.require(loading.load_folder(folder, options.estate_cache()))
    local = workloads.Local(str(folder.absolute()), sys.executable)
    pace = Pace(tick=options.settings().tick_seconds, keep=options.settings().keep_seconds)
    request = up.Request(
        estate,
        places.choose(estate, place),
        local,
        running.who(),
        ports.ingress,
        pace,
        asking.Hooks(folder.absolute(), options.environment(), clock),
        cluster,
    )
    what = "what runs in the cluster is adopted" if cluster else "every service that has run.local"
    output.note(f"starting {request.place}: {what}{'' if cluster else ', and Envoy'} ...")
    listening = serve.listen(ports.portal)
    started = up.raise_up(request, kept, clock, report)
    with _stopping(started, kept) as over:
        token = serving.token(kept)
        held = wired.Held(
            folder, local, started.store, clock, str(request.place), running.who(), out
        )
        context = wired.context(
            held,
            hosts=serve.hosts(listening),
            token=token,
            version=importlib.metadata.version("telford"),
        )
        portal = serve.start(context, listening)
        found = serving.Serving(
            process.identity(),
            str(request.place),
            started.place.ingress_url,
            serve.link(listening, token),
        )
        serving.write(kept, found)
        for note in started.notes:
            output.note(note)
        _announce(found, as_json=as_json)
        output.note("Ctrl-C stops everything")
        while not over.wait(WAIT_SECONDS):
            if started.ended.is_set():
                break
        portal.stop()
    if started.failed:
        raise started.failed[0]
    return found


@contextlib.contextmanager
def _stopping(started: up.Running, kept: wiring.Files) -> Iterator[threading.Event]:
    """The event that SIGTERM sets. At the end the controller is stopped; after an interrupt or a
    failure, the services too where this process started them.
    """
    over = threading.Event()

    def asked(_signal: int, _frame: FrameType | None) -> None:
        over.set()

    before = signal.signal(signal.SIGTERM, asked)
    try:
        yield over
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        output.news("stopping everything ..." if interrupted else "could not go on: stopping ...")
        started.stop_all()
        raise
    else:
        started.stop()
    finally:
        serving.forget(kept)
        signal.signal(signal.SIGTERM, before)


def _announce(found: serving.Serving, *, as_json: bool) -> None:
    if as_json:
        output.json({"place": found.place, "ingress": found.ingress, "portal": found.portal})
        return
    output.line(f"{found.place} is up")
    output.line(f"  services: {found.ingress}")
    output.line(f"  portal:   {found.portal}")


def report(tick: Report) -> None:
    """What the controller did, as it happens."""
    for change in tick.changes:
        after = change.after
        weight = 100 * after.desired_bp / FULL_WEIGHT
        output.news(f"{change.release.id}: {after.phase.value} at {weight:g}%: {after.reason}")
    for problem in tick.problems:
        output.news(f"controller: {problem}")
