"""`make bench-scale`: a generated estate of 10,000 services and 60,000 dependencies.

Loads it cold (nothing kept), warm (nothing changed), with one changed file in a fresh process, and
with one changed file in a running server; then asks the graph. Each figure is of processes of its
own, min and median of the runs, wall and CPU seconds; `load` is without interpreter and imports,
`process` is the whole of it. Rules are timed apart. Says on which machine and under which load.

Usage: python tools/bench_scale.py [--services 10000] [--runs 5] [--json FILE]
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import scale_estate

from telford.analysis import chains, contexts, cycles, orphans, paths, shared
from telford.app import loading
from telford.backends import cache
from telford.estate import overlays
from telford.estate.graph import Graph
from telford.estate.model import Loaded
from telford.rules import registry

CHANGED = "system-001/service-00030.yaml"
# How many things each graph question is asked about, spread over the estate.
ASKED = 200


@dataclass(frozen=True)
class Sample:
    """One process: what it reports of its load, and what it cost as a whole."""

    load_wall: float
    load_cpu: float
    wall: float
    cpu: float
    mebibytes: float
    entities: int
    digest: str


@dataclass(frozen=True)
class Figure:
    """The samples of one way to load."""

    name: str
    aim: str
    samples: tuple[Sample, ...]


def clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def once(folder: pathlib.Path, kept: pathlib.Path) -> None:
    """One load, in this process: what a child of the bench does. Prints its figures."""
    store = cache.FileCache(kept)
    wall, cpu = clocks()
    loaded = loading.estate_of([folder], store)
    now = clocks()
    said = [now[0] - wall, now[1] - cpu, len(loaded.estate.entities), loaded.estate.digest]
    assert not loaded.diagnostics, loaded.diagnostics[0]
    print(json.dumps(said))


def sample(folder: pathlib.Path, kept: pathlib.Path) -> Sample:
    """One load in a process of its own."""
    command = [sys.executable, __file__, "--once", str(folder), str(kept)]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    assert process.returncode == 0, "the load failed"
    load_wall, load_cpu, entities, digest = json.loads(said)
    whole = usage.ru_utime + usage.ru_stime
    return Sample(load_wall, load_cpu, wall, whole, usage.ru_maxrss / 1024, entities, digest)


class Bench:
    """The estate on disk, and the ways to load it."""

    def __init__(self, folder: pathlib.Path, services: int, runs: int) -> None:
        self.estate = folder / "estate"
        self.kept = folder / "cache"
        self.runs = runs
        for name, text in scale_estate.estate(services).items():
            path = self.estate / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def figures(self) -> Iterator[Figure]:
        """All ways, in the order in which they need one another."""
        yield self._figure("cold: nothing kept", "10 s", self._forget)
        yield self._figure("warm: nothing changed", "1 s", lambda: None)
        yield self._figure("one changed file, fresh process", "0.5 s", self._change)
        yield Figure("one changed file, running server", "0.5 s", tuple(self._running()))

    def _figure(self, name: str, aim: str, before: Callable[[], None]) -> Figure:
        samples = []
        for _ in range(self.runs):
            before()
            samples.append(sample(self.estate, self.kept))
        return Figure(name, aim, tuple(samples))

    def _forget(self) -> None:
        shutil.rmtree(self.kept, ignore_errors=True)

    def _change(self) -> None:
        """Another image and another comment in one file, as a person would save it."""
        path = self.estate / CHANGED
        path.write_text(path.read_text().replace(":1.", ":1.1", 1) + "# changed\n")

    def _running(self) -> Iterator[Sample]:
        server = loading.Reloader([self.estate])
        server.estate()
        for _ in range(self.runs):
            self._change()
            began = clocks()
            loaded = server.estate()
            now = clocks()
            wall, cpu = now[0] - began[0], now[1] - began[1]
            count = len(loaded.estate.entities)
            yield Sample(wall, cpu, wall, cpu, 0.0, count, loaded.estate.digest)

    def loaded(self) -> Loaded:
        """The estate in this process."""
        return loading.estate_of([self.estate])


@dataclass(frozen=True)
class Answer:
    """How long one question took, in milliseconds: CPU, and wall, over all times it was asked."""

    question: str
    median_cpu: float
    worst_cpu: float
    median_wall: float


# How often a question about the whole estate is asked: it has no several things to ask about.
RUNS_OF_ALL = 5


def questions(loaded: Loaded) -> Iterator[Answer]:
    """Every question that a graph answers, about things spread over the whole estate."""
    with loading.undisturbed():
        yield _timed("build the graph, once an estate", [lambda: Graph(loaded.estate).prepared()])
        graph = Graph(loaded.estate).prepared()
    some = graph.things[:: max(1, len(graph.things) // ASKED)]
    pairs = list(zip(some, reversed(some), strict=True))
    for question, asks in (
        ("dependencies to any depth", [lambda a=a: graph.dependencies(a) for a in some]),
        ("dependents to any depth", [lambda a=a: graph.dependents(a) for a in some]),
        ("blast radius", [lambda a=a: graph.blast_radius(a) for a in some]),
        ("direct edges", [lambda a=a: (graph.outgoing(a), graph.incoming(a)) for a in some]),
        ("picture of 200 things", [lambda: graph.picture(some)]),
        ("critical cycles", [graph.critical_cycles] * RUNS_OF_ALL),
        ("cycles", [lambda: cycles.cycles(graph)] * RUNS_OF_ALL),
        ("orphans", [lambda: orphans.orphans(graph)] * RUNS_OF_ALL),
        ("critical path", [lambda: chains.critical_path(graph)] * RUNS_OF_ALL),
        ("paths between two", [lambda a=a, b=b: paths.paths(graph, a, b) for a, b in pairs]),
        ("shared by two", [lambda a=a, b=b: shared.common(graph, (a, b)) for a, b in pairs]),
        ("most shared", [lambda: shared.most_shared(graph)] * RUNS_OF_ALL),
        ("map of contexts", [lambda: contexts.contexts(graph)] * RUNS_OF_ALL),
    ):
        yield _timed(question, asks)
    everywhere = overlays.places(loaded.estate)
    yield _timed("bind a place", [lambda p=p: overlays.bind(loaded.estate, p) for p in everywhere])
    services = [e for e in loaded.estate.of_kind("Service") if e.reaches][:ASKED]
    yield _timed(
        "explain a field in a place",
        [
            lambda e=e: overlays.chain(loaded.estate, str(e.address), everywhere[-1], "run.env")
            for e in services
        ],
    )


def _timed(question: str, asks: list[Callable[[], object]]) -> Answer:
    wall, cpu = [], []
    for ask in asks:
        began = clocks()
        ask()
        now = clocks()
        wall.append((now[0] - began[0]) * 1000)
        cpu.append((now[1] - began[1]) * 1000)
    return Answer(question, statistics.median(cpu), max(cpu), statistics.median(wall))


def rules(loaded: Loaded) -> float:
    """CPU seconds that all rules take on the whole estate."""
    began = time.process_time()
    registry.check(loaded)
    return time.process_time() - began


def shown(figures: list[Figure], answers: list[Answer], judged: float, services: int) -> str:
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    size = f"{services:,} services, {scale_estate.dependencies(services):,} dependencies"
    head = ("load", "aim", "wall s", "CPU s", "whole process, wall s", "CPU s", "peak MiB")
    rows = [head, ("---",) * len(head)]
    for figure in figures:
        one = figure.samples
        process = bool(one[0].mebibytes)
        rows.append(
            (
                figure.name,
                figure.aim,
                _two([s.load_wall for s in one]),
                _two([s.load_cpu for s in one]),
                _two([s.wall for s in one]) if process else "-",
                _two([s.cpu for s in one]) if process else "-",
                f"{max(s.mebibytes for s in one):.0f}" if process else "-",
            )
        )
    entities = figures[0].samples[0].entities
    lines = [f"{size}, {entities:,} entities; {machine}, load {os.getloadavg()[0]:.1f}."]
    lines += [f"Minimum and median of {len(figures[0].samples)} runs.", ""]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    lines += [
        "",
        "| question | median CPU ms | worst CPU ms | median wall ms |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {a.question} | {a.median_cpu:.2f} | {a.worst_cpu:.2f} | {a.median_wall:.2f} |"
        for a in answers
    ]
    lines += ["", f"All rules on the whole estate, nothing remembered: {judged:.1f} CPU s."]
    return "\n".join(lines)


def _two(values: list[float]) -> str:
    return f"{min(values):.2f}, {statistics.median(values):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--once", type=pathlib.Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        once(*options.once)
        return
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(pathlib.Path(folder), options.services, options.runs)
        figures = []
        for figure in bench.figures():
            figures.append(figure)
            print(f"{figure.name}: {_two([s.load_wall for s in figure.samples])}", file=sys.stderr)
        loaded = bench.loaded()
        answers = list(questions(loaded))
        judged = rules(loaded)
    print(shown(figures, answers, judged, options.services))
    if options.json:
        data = {"figures": [asdict(f) for f in figures], "answers": [asdict(a) for a in answers]}
        options.json.write_text(json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    main()
