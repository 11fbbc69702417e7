"""Ten releases of the shop's failing version and ten of its good one, live: how long, at what cost.

What the issue asks for: ticks of 1 s, a first weight of 10%, 100 requests a second in all, an
objective of 99.5%. One place serves all runs, through the use cases of the demo; each run has
customers of its own, with its own seed. After a good run the old version is brought back by a
release that is promoted by hand, outside of what is measured. The slow version 1.3.0 is released
as well, without a target.

    python tools/bench_demo.py [--runs 10] [--rate 100] [--seed 1] [--out docs/benchmarks/demo.md]

Prints each run as it ends and whether the targets were met; writes the page in docs/benchmarks.
"""

import argparse
import contextlib
import datetime as dt
import os
import platform
import signal
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from telford.app import control, demo, demo_folder, demo_story, up, wiring
from telford.app import release as releasing
from telford.app.demo_customers import Crowd, Seen
from telford.app.settings import Settings
from telford.basics.clock import SystemClock
from telford.deliver.state import Decision
from telford.flows.controller import Pace

TARGET_SECONDS = 20.0
OLD, GOOD, BAD, SLOW = "1.0.0", "1.1.0", "1.2.0", "1.3.0"
LEAD_SECONDS = 3.0
WHO = "bench"


@dataclass(frozen=True)
class Run:
    """One release, and what its customers saw. Seconds count from the tick that ordered the first
    weight, so from no later than the first request.
    """

    number: int
    seed: int
    version: str
    phase: str
    decided: float
    confirmed: float
    certificate: str
    by_evidence: bool
    requests: int
    bad: int
    excess: float
    failed_there: int
    failed_elsewhere: tuple[str, ...]
    agrees: bool
    reason: str


class Silence:
    """A voice that tells nothing: the table does."""

    def say(self, text: str, tone: str = "") -> None:
        """Only trouble."""
        if tone == demo_story.BAD and text.startswith("controller:"):
            print(text, file=sys.stderr)

    def live(self, lines: Sequence[str]) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Bench:
    """What all runs share."""

    stage: demo.Stage
    running: up.Running
    rate: float

    def run(self, number: int, seed: int, version: str) -> Run:
        """Customers come, a version is released, customers go."""
        customers = demo.invite(self.stage, self.running, Crowd(self.rate, seed))
        try:
            self.stage.clock.sleep(LEAD_SECONDS)
            played = demo.play(self.stage, self.running, demo.Act(version, "benchmark", ""))
        finally:
            seen = customers.leave(self.stage.clock)
        return measured(number, seed, played, seen)

    def bring_back(self, version: str) -> None:
        """The old version again, by hand: not measured."""
        store, clock = self.running.store, self.stage.clock
        prepared = demo.prepare(self.stage, self.running, version)
        row = releasing.start(store, prepared, who=WHO, now=clock.now())
        asked = False
        deadline = clock.monotonic() + 120.0
        while row.active:
            if clock.monotonic() > deadline:
                sys.exit(f"{row.id} does not end: {row.phase}")
            if row.phase == "stepping" and not asked:
                control.ask(store, row.id, "promote", who=WHO, reason="back to the start")
                asked = True
            clock.sleep(0.2)
            row = store.releases.get(row.id) or row


def measured(number: int, seed: int, played: demo.Played, seen: Seen) -> Run:
    """One run in numbers."""
    entries, state, row = played.entries, played.state, played.row
    first = demo_story.first_traffic_at(entries)
    moved = Decision.PROMOTE if row.phase == "promoted" else Decision.ROLLBACK
    decided = demo_story.decided_at(entries, moved)
    if first is None or decided is None or state.clocks.confirmed_at is None:
        sys.exit(f"{row.id} has no traffic or no decision: {row.phase}: {state.reason}")
    certificates = [one.certificate for one in entries if one.certificate]
    harm = demo_story.harmed(state, "slowness" if row.to_version == SLOW else "errors")
    assert harm is not None
    check = demo_story.by_evidence
    return Run(
        number=number,
        seed=seed,
        version=row.to_version,
        phase=row.phase,
        decided=decided - first,
        confirmed=state.clocks.confirmed_at - first,
        certificate=", ".join(dict.fromkeys(certificates)),
        by_evidence=(check if row.phase == "promoted" else demo_story.rolled_back_by_evidence)(
            entries
        ),
        requests=harm.canary[0],
        bad=harm.canary[1],
        excess=harm.excess_bad,
        failed_there=seen.failed_of(f"{row.name}/{row.to_version}"),
        failed_elsewhere=seen.unexplained(f"{row.name}/{row.to_version}"),
        agrees=played.agrees,
        reason=state.reason,
    )


@contextlib.contextmanager
def place(rate: float) -> Iterator[Bench]:
    """The shop in a folder of its own, stopped at the end."""
    clock = SystemClock()
    example = demo_folder.example(Path.cwd())
    with tempfile.TemporaryDirectory(prefix="telford-bench-") as folder:
        kept = wiring.files(Settings(state=folder), example.estate)
        stage = demo.Stage(example, kept, clock, Silence(), WHO)
        estate = demo.check(stage)
        running = demo.start(stage, estate, 0, Pace())
        try:
            yield Bench(stage, running, rate)
        finally:
            running.stop_all()


def interrupted(_number: int, _frame: types.FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    options = arguments()
    signal.signal(signal.SIGTERM, interrupted)  # an unfinished run stops what it started as well
    began = time.monotonic()
    load = os.getloadavg()[0]
    runs: list[Run] = []
    with place(options.rate) as bench:
        for version, count in ((BAD, options.runs), (SLOW, options.slow), (GOOD, options.runs)):
            print(f"\n{version}: {count} runs\n{HEADER}", flush=True)
            for number in range(1, count + 1):
                seed = options.seed + len(runs)
                runs.append(bench.run(number, seed, version))
                print(line(runs[-1]), flush=True)
                if runs[-1].phase == "promoted":
                    bench.bring_back(OLD)
    print()
    found = summary(runs)
    print("\n".join(found))
    if options.out:
        page = document(options, runs, found, (load, time.monotonic() - began))
        Path(options.out).write_text(page, encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10, help="releases of each version")
    parser.add_argument("--slow", type=int, default=3, help="releases of the slow version")
    parser.add_argument("--rate", type=float, default=100.0, help="requests a second in all")
    parser.add_argument("--seed", type=int, default=1, help="the first run's; then one more each")
    parser.add_argument("--out", default="docs/benchmarks/demo.md", help='"" writes no page')
    return parser.parse_args()


COLUMNS = (
    "run", "seed", "ended", "decided after", "confirmed after", "rests on",
    "requests to it", "bad", "excess bad", "customers saw fail", "others fail", "recount agrees",
)  # fmt: skip
HEADER = " | ".join(COLUMNS)


def cells(run: Run) -> tuple[str, ...]:
    ground = run.certificate if run.phase == "promoted" else "evidence"
    return (
        str(run.number),
        str(run.seed),
        demo_story.said(run.phase),
        f"{run.decided:.1f} s",
        f"{run.confirmed:.1f} s",
        ground if run.by_evidence else f"NOT evidence: {run.reason}",
        f"{run.requests:,}",
        f"{run.bad:,}",
        f"{run.excess:.1f}",
        f"{run.failed_there:,}",
        "; ".join(run.failed_elsewhere) or "0",
        "yes" if run.agrees else "NO",
    )


def line(run: Run) -> str:
    return " | ".join(cells(run))


def of(runs: Sequence[Run], version: str) -> list[Run]:
    return [one for one in runs if one.version == version]


def spread(values: Sequence[float], unit: str = " s") -> str:
    return (
        f"median {statistics.median(values):.1f}{unit}, "
        f"min {min(values):.1f}{unit}, max {max(values):.1f}{unit}"
    )


def summary(runs: Sequence[Run]) -> list[str]:
    """The figures and whether the targets are met, one sentence each."""
    found: list[str] = []
    bad, good, slow = of(runs, BAD), of(runs, GOOD), of(runs, SLOW)
    if bad:
        undone = [one for one in bad if one.phase == "rolled-back" and one.by_evidence]
        middle = statistics.median(one.confirmed for one in bad)
        met = len(undone) == len(bad) and middle <= TARGET_SECONDS
        found += [
            f"{BAD} rolled back by evidence in {len(undone)} of {len(bad)} runs",
            f"decided after {spread([one.decided for one in bad])}",
            f"no traffic any more (Envoy confirms) after {spread([one.confirmed for one in bad])}",
            f"excess bad requests: {spread([one.excess for one in bad], '')}",
            f"target, at most {TARGET_SECONDS:g} s at the median: {'met' if met else 'MISSED'}",
        ]
    if good:
        certified = [one for one in good if one.phase == "promoted" and one.by_evidence]
        found += [
            f"{GOOD} promoted by its evidence in {len(certified)} of {len(good)} runs",
            f"decided after {spread([one.decided for one in good])}",
            "target, all promoted by evidence and none by time-out: "
            + ("met" if len(certified) == len(good) else "MISSED"),
        ]
    if slow:
        ends = sorted({demo_story.said(one.phase) for one in slow})
        found.append(
            f"{SLOW} (every 20th request 700 ms late): {' or '.join(ends)} in {len(slow)} runs, "
            f"decided after {spread([one.decided for one in slow])}"
        )
    strange = [text for one in runs for text in one.failed_elsewhere]
    found.append(f"failures that were not the new version's: {'; '.join(strange) or 'none'}")
    return found


def document(
    options: argparse.Namespace,
    runs: Sequence[Run],
    found: Sequence[str],
    measured_on: tuple[float, float],
) -> str:
    """The page, in Markdown."""
    load, took = measured_on
    today = dt.datetime.now(dt.UTC).date()
    parts = [
        "# The demo's releases, ten times each",
        "",
        "<!-- Made by tools/bench_demo.py (make bench-demo): run it again instead of editing. -->",
        "",
        (
            f"{today}, {os.cpu_count()} cores, {platform.machine()}, Python "
            f"{platform.python_version()}, {options.rate:g} requests a second in all, ticks of 1 s, "
            f"first weight 10%, objective 99.5%; load average {load:.1f} at the start, "
            f"niceness {os.nice(0)}; "
            f"{took / 60:.0f} minutes in all."
        ),
        "",
        *(f"- {sentence}" for sentence in found),
        "",
    ]
    abouts = (
        (BAD, "fails one `POST /orders` in ten, a third of the traffic"),
        (GOOD, "a good one"),
        (SLOW, "slow in its tail: every 20th request takes 700 ms more"),
    )
    for version, about in abouts:
        if of(runs, version):
            parts += [f"## {version}: {about}", "", *table(of(runs, version)), ""]
    return "\n".join([*parts, NOTES])


def table(runs: Sequence[Run]) -> list[str]:
    rule = "|".join("---" for _ in COLUMNS)
    return [f"| {HEADER} |", f"|{rule}|", *(f"| {line(one)} |" for one in runs)]


NOTES = """## How to read it

- Times count from the tick that ordered the first weight. Envoy follows within milliseconds, so
  the first request is no earlier. "Confirmed" is the tick that saw Envoy's own configuration
  without the new version; it looks once a second, so the truth is up to a second earlier.
- "Bad" are failed requests, of 1.3.0 the slow ones (500 ms and more); "excess bad" is what is
  beyond the stable version's rate at the same time, signed. "Customers saw fail" is the load generator's
  count of the same releases, a second witness that knows nothing of Envoy or of the records.
- One place served all runs, each with new customers and a seed of its own. After a promotion 1.0.0
  was brought back by a release that was promoted by hand; that is not measured.
- Seeds decide what customers ask for and when. Which request Envoy sends to which version is its
  own choice, so a run cannot be repeated to the request.
"""


if __name__ == "__main__":
    main()
