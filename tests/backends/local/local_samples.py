"""Workloads of the stub service, and a place that routes to them."""

import pathlib
import sys

from telford.backends.local.settings import Settings
from telford.estate.workload import Ingress, Probe, Split, Workload

STUB = pathlib.Path(__file__).parent / "stub_service.py"

QUICK = Settings(backoff_first_seconds=0.05, backoff_cap_seconds=0.4)


def stub(version, generation=1, *arguments, service="orders", **fields):
    """A workload that runs the stub service and answers its version."""
    command = (sys.executable, str(STUB), "--port", "{port}", "--name", version, *arguments)
    fields.setdefault("probe", Probe(interval_seconds=0.05, deadline_seconds=20.0))
    return Workload(service, version, generation, command, **fields)


def program(text, version="v1", generation=1, service="orders", **fields):
    """A workload that runs a piece of Python."""
    return Workload(service, version, generation, (sys.executable, "-c", text), **fields)


def routed(place, *workloads, generation=1):
    """Bring up versions of one service; the first gets all traffic."""
    first = workloads[0]
    place.bring_up(
        workloads,
        [Split(first.service, generation, {first.version: 10_000})],
        [Ingress("/", first.service)],
    )
