"""`telford controller`: stand by for a place, and control it when nobody else does."""

import signal
import sys
import threading
from types import FrameType

from telford.app import (
    cluster_place,
    controlling,
    loading,
    objectives,
    places,
    standing_by,
    wiring,
    workloads,
)
from telford.backends.hooks import asking
from telford.basics.clock import SystemClock
from telford.cli import clusters, options, output, running, up
from telford.estate import overlays
from telford.flows.controller import Pace, Report


def command(
    place: options.In = "",
    estate: options.Estate = None,
    on: clusters.On = clusters.MACHINE,
    context: clusters.Context = "",
    prometheus: clusters.Prometheus = "",
    exec_plugins: clusters.ExecPlugins = False,
    as_json: options.Json = False,
) -> None:
    """Control a place that runs; while another process does, stand by and take over when it dies.

    It starts and stops no services: `telford up` does, on this machine or, with the same options as
    here, on a cluster. Promotions that go by themselves, Git and listeners go on as beside
    `telford up`. Several on one PostgreSQL
    (TELFORD_STORE=postgresql://...) keep releases moving whichever of them dies. One process is
    for one place; Ctrl-C ends it, and whoever stands by goes on at once. With --json each sentence and
    each tick with news is an object on a line of its own.

    Example: telford controller --in prod
    Example: telford controller --in prod --on kubernetes --prometheus http://127.0.0.1:9090
    """
    cluster = clusters.chosen(on, context, prometheus, exec_plugins=exec_plugins)
    folder = options.folder(estate)
    described = loading.require(loading.load_folder(folder, options.estate_cache()))
    chosen = places.choose(described, place)
    binding = overlays.bind(described, chosen)
    services = cluster_place.services(binding, on_cluster=cluster is not None)
    local = workloads.Local(str(folder.absolute()), sys.executable)
    kept = running.kept(estate)
    store = wiring.open_store(kept, SystemClock())
    stop = threading.Event()

    def over(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, over)
    signal.signal(signal.SIGINT, over)
    try:
        standing_by.StandBy(
            kept,
            store,
            str(chosen),
            controlling.watch(services, objectives.promises(binding)),
            Pace(tick=options.settings().tick_seconds, keep=options.settings().keep_seconds),
            _voice(as_json=as_json),
            stop,
            hooks=asking.Hooks(None, options.environment(), SystemClock()),
            described=standing_by.Described(described, chosen, local, cluster),
        ).run()
    finally:
        store.close()


def _voice(*, as_json: bool) -> standing_by.Voice:
    if not as_json:
        return standing_by.Voice(output.news, up.report)
    return standing_by.Voice(lambda said: output.news_line({"said": said}), _tell)


def _tell(tick: Report) -> None:
    """A tick's news, as an object; nothing where there is none."""
    if tick.changes or tick.problems:
        changes = [
            {
                "release": one.release.id,
                "phase": one.after.phase.value,
                "weight_bp": one.after.desired_bp,
                "reason": one.after.reason,
            }
            for one in tick.changes
        ]
        output.news_line({"at": tick.at, "changes": changes, "problems": list(tick.problems)})
