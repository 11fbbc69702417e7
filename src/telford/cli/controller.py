"""`telford controller`: stand by for a place, and control it when nobody else does."""

import signal
import threading
from types import FrameType

from telford.app import (
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
from telford.basics.errors import RefusedError
from telford.cli import options, output, running, up
from telford.estate import overlays
from telford.flows.controller import Pace


def command(place: options.In = "", estate: options.Estate = None) -> None:
    """Control a place that runs; while another process does, stand by and take over when it dies.

    It starts and stops no services: `telford up` does. Several on one PostgreSQL
    (TELFORD_STORE=postgresql://...) keep releases moving whichever of them dies. One process is
    for one place; Ctrl-C ends it, and whoever stands by goes on at once.

    Example: telford controller --in prod
    """
    described = loading.require(loading.load_folder(options.folder(estate), options.estate_cache()))
    chosen = places.choose(described, place)
    binding = overlays.bind(described, chosen)
    services = workloads.runnable(binding)
    if not services:
        raise RefusedError(
            f"nothing in {chosen} can run on this machine",
            fix="say for at least one Service how it runs as a process: run.local.command",
        )
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
            standing_by.Voice(output.note, up.report),
            stop,
            hooks=asking.Hooks(None, options.environment(), SystemClock()),
        ).run()
    finally:
        store.close()
