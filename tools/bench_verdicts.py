"""`make bench-verdicts`: error rates and price of the verdicts, other tools' rules beside them.

Simulates releases, counts wrong verdicts with exact intervals, compares the time to a decision with
the limit that no test can beat, and writes docs/benchmarks/verdicts.md. Nothing is tuned to pass:
a cell that fails is printed as failed, and the exit code says so.
"""

import argparse
import concurrent.futures
import math
import os
import pathlib
import platform
import sys
import time
from collections.abc import Iterator, Sequence

import numpy as np
import scipy
import verdict_cells
from scipy.stats import beta as beta_distribution
from verdict_cells import ALPHA, BETA, OURS, Cell, Result
from verdict_traffic import Traffic

REPORT = pathlib.Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "verdicts.md"
SEED = 20_240_607
CONFIDENCE = 0.95
TARGET = 1.5
"""Time to decision over max(N*, one tick) for E2 with independent errors."""


# --- the cells --------------------------------------------------------------------------------


def false_rollback_cells(releases: int) -> Iterator[Cell]:
    """A/A with independent errors: every engine must keep alpha."""
    worlds = (
        Traffic(0.001, 50, 0.1),
        Traffic(0.001, 50, 0.5),
        Traffic(0.001, 500, 0.05),
        Traffic(0.01, 50, 0.1),
        Traffic(0.01, 5, 0.5),
        Traffic(0.0001, 5000, 0.1),
        Traffic(0.0005, 500, 0.25),
        Traffic(0.001, 50, 0.1, noise="outage"),
        Traffic(0.001, 50, 0.1, noise="drift"),
        Traffic(0.001, 500, 0.1, noise="diurnal"),
        Traffic(0.001, 50, 0.1, noise="gaps"),
    )
    every = ("E1", "E2", "E4")
    for world in worlds:
        yield Cell("rollback", f"A/A {describe(world)}", world, releases, every, every)
    ramp = Traffic(0.001, 50, 0.0)
    both = ("E1", "E2")
    yield Cell("rollback", f"A/A {describe(ramp)}", ramp, releases, both, both)
    two = Traffic(0.001, 50, 0.1)
    name = f"A/A two indicators and fuses, {describe(two)}"
    yield Cell("whole policy", name, two, releases, ("E2",), ("E2",))


def clustered_cells(releases: int) -> Iterator[Cell]:
    """A/A with errors that hang together: E4 must keep alpha, E1 and E2 are shown."""
    every = ("E4", "E2", "E1")
    for rho in (0.01, 0.05, 0.2):
        for p0, rps, replicas in ((0.001, 50, 10), (0.01, 50, 10), (0.001, 500, 20)):
            world = Traffic(
                p0, rps, 2 / replicas, noise="clustered", rho=rho, canary=2, replicas=replicas
            )
            yield Cell("rollback", f"A/A {describe(world)}", world, releases, every, ("E4",))
    world = Traffic(0.001, 50, 0.2, noise="retries")
    yield Cell("rollback", f"A/A {describe(world)}", world, releases, every, ("E4",))


def persistent_cells(releases: int) -> Iterator[Cell]:
    """A/A on replicas that differ for good: no engine can keep alpha; the probe is shown."""
    for host in ("spread", "sick"):
        for p0, rps in ((0.001, 50), (0.001, 500), (0.01, 50)):
            world = Traffic(p0, rps, 0.2, canary=2, replicas=10)
            name = f"A/A hosts {host}, {describe(world)}"
            yield Cell("persistent", name, world, releases, ("E4", "E2"), host=host)


def promotion_cells(releases: int) -> Iterator[Cell]:
    """A canary exactly at the border of what may be promoted."""
    for p_max, rps, weight in ((0.01, 50, 0.1), (0.005, 50, 0.5), (0.005, 500, 0.1)):
        world = Traffic(p_max, rps, weight)
        name = f"at p_max, {describe(world)}"
        yield Cell("promotion", name, world, releases, ("E0",), ("E0",), p_max=p_max)
    for p0, rps, weight in ((0.001, 500, 0.1), (0.01, 50, 0.1), (0.01, 50, 0.5)):
        world = Traffic(p0, rps, weight, effect=2.0)
        yield Cell("promotion", f"x2, {describe(world)}", world, releases, ("E1",), ("E1",))
    drift = Traffic(0.01, 50, 0.1, effect=2.0, noise="drift")
    yield Cell("promotion", f"x2, {describe(drift)}", drift, releases, ("E1",), ("E1",))
    bursts = Traffic(0.01, 50, 0.2, noise="clustered", rho=0.05, canary=2, replicas=10)
    yield Cell("promotion", f"at p_max, {describe(bursts)}", bursts, releases, ("E0",), p_max=0.01)


def good_cells(releases: int) -> Iterator[Cell]:
    """A canary as good as the stable version: how long until it is promoted."""
    for p0, p_max in ((1e-9, 0.01), (0.0001, 0.005), (0.001, 0.005), (0.002, 0.005)):
        world = Traffic(p0, 50, 0.1, length=960)
        name = f"good, budget {p_max:.1%}, {describe(world)}"
        yield Cell("promotion", name, world, releases, ("E0",), p_max=p_max)
    for p0, rps in ((0.001, 50), (0.01, 50), (0.001, 500)):
        world = Traffic(p0, rps, 0.1, length=960)
        yield Cell("promotion", f"good, {describe(world)}", world, releases, ("E1",))


def price_cells(releases: int) -> Iterator[Cell]:
    """A worse canary: how long until it is rolled back, over the limit."""
    every = ("E2", "E1", "E4")
    for effect in (2.0, 5.0, 10.0):
        for weight in (0.05, 0.1, 0.5):
            world = sized(Traffic(0.001, 50, weight, effect=effect))
            yield Cell("price", f"target, {describe(world)}", world, releases, every, ("E2",))
    for effect, rps, p0 in (
        (10.0, 5, 0.001), (2.0, 500, 0.001), (5.0, 500, 0.001), (10.0, 500, 0.001),
        (2.0, 5000, 0.001), (10.0, 5000, 0.001), (5.0, 50, 0.01), (5.0, 500, 0.0001),
    ):  # fmt: skip
        world = sized(Traffic(p0, rps, 0.1, effect=effect))
        yield Cell("price", f"price, {describe(world)}", world, releases, every)


def peer_cells(releases: int) -> Iterator[Cell]:
    """One hour at 10%, the same counts for every rule."""
    worlds = {
        "equal versions": Traffic(0.001, 50, 0.1),
        "equal versions, 500 requests a second": Traffic(0.001, 500, 0.1),
        "equal versions, 5 requests a second": Traffic(0.001, 5, 0.1),
        "equal versions, both 5% bad for 12 minutes": Traffic(0.001, 50, 0.1, noise="outage"),
        "equal versions, errors clustered (rho 0.2)": Traffic(
            0.001, 50, 0.1, noise="clustered", rho=0.2, canary=2, replicas=20
        ),
        "twice as bad": Traffic(0.001, 50, 0.1, effect=2),
        "twice as bad, 5 requests a second": Traffic(0.001, 5, 0.1, effect=2),
        "5 times as bad": Traffic(0.001, 50, 0.1, effect=5),
        "5 times as bad, 500 requests a second": Traffic(0.001, 500, 0.1, effect=5),
        "10 times as bad": Traffic(0.001, 50, 0.1, effect=10),
        "10 times as bad from minute 10 on": Traffic(0.001, 50, 0.1, effect=10, onset=40),
        "20 times as bad": Traffic(0.001, 50, 0.1, effect=20),
        "100 times as bad (10% fail)": Traffic(0.001, 50, 0.1, effect=100),
    }
    for name, world in worlds.items():
        yield Cell("peers", name, world, releases, ())


def sized(world: Traffic) -> Traffic:
    """Long enough that all but the unluckiest decide: eight times the limit, and 40 ticks."""
    ticks = math.ceil(8 * verdict_cells.limit_minutes(world) * 60 / world.tick)
    return Traffic(world.p0, world.rps, world.weight, world.effect, length=max(ticks, 40))


def describe(world: Traffic) -> str:
    """A world in a few words; also the name that seeds its random numbers."""
    parts = [f"{world.p0:.3%}", f"{world.rps:g} rps", f"{world.weight:.0%}"]
    if not world.weight:
        parts[-1] = "ramp 10/25/50%"
    if world.effect != 1:
        parts.append(f"x{world.effect:g}")
    if world.noise == "clustered":
        parts.append(f"clustered rho {world.rho:g}, {world.canary} of {world.replicas}")
    elif world.noise != "independent":
        parts.append(world.noise)
    return ", ".join(parts)


# --- numbers ----------------------------------------------------------------------------------


def interval(hits: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Clopper-Pearson."""
    tail = (1 - confidence) / 2
    low = beta_distribution.ppf(tail, hits, of - hits + 1) if hits else 0.0
    high = beta_distribution.ppf(1 - tail, hits + 1, of - hits) if hits < of else 1.0
    return float(low), float(high)


def within(hits: int, of: int, declared: float, cells: int) -> bool:
    """The pass rule: the lower bound, corrected for the number of cells, is at most the declared."""
    return interval(hits, of, 1 - (1 - CONFIDENCE) / cells)[0] <= declared


def rate_text(result: Result) -> str:
    """A share with its interval."""
    of = len(result.times)
    low, high = interval(result.hits, of)
    return f"{result.hits / of:.2%} | {low:.2%} to {high:.2%}"


def quantile(times: np.ndarray, part: float) -> str:
    """A quantile in minutes, where the undecided count as infinite."""
    value = float(np.quantile(times, part, method="higher"))
    return f"{value:.1f}" if math.isfinite(value) else "never"


# --- the report -------------------------------------------------------------------------------


class Report:
    """Markdown lines and the list of what failed."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.failed: list[str] = []

    def add(self, *lines: str) -> None:
        """More lines."""
        self.lines += lines

    def table(self, *columns: str) -> None:
        """The head of a table; the first column is text."""
        self.add("", f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}")

    def verdict(self, passed: bool, what: str) -> str:
        """Pass or **FAIL**, remembered."""
        if not passed:
            self.failed.append(what)
        return "pass" if passed else "**FAIL**"


def errors_section(
    report: Report, title: str, results: Sequence[Result], declared: float, cells: int
) -> None:
    """False verdicts, with the pass rule where the engine's assumptions hold."""
    report.add("", f"## {title}")
    report.table("cell", "engine", "wrong", "95% interval", f"declared {declared:.0%}")
    for one in results:
        verdict = "shown, not promised"
        if one.engine in one.cell.must:
            passed = within(one.hits, len(one.times), declared, cells)
            verdict = report.verdict(passed, f"{one.cell.name} {one.engine}")
        report.add(f"| {one.cell.name} | {one.engine} | {rate_text(one)} | {verdict} |")


def price_section(report: Report, results: Sequence[Result]) -> None:
    """Time to decision over max(N*, one tick)."""
    report.add(
        "",
        "## What a rollback costs over the limit",
        "",
        "Mean time to the decision over max(time until N* errors, one tick); ticks of 15 s, alpha "
        f"{ALPHA:g}. The target, at most {TARGET:g}, is for E2 in the cells marked *target*; every "
        "other number is a price. An undecided release counts with its full length.",
    )
    report.table("cell", "N* (min)", "E2", "target", "E1", "E4", "undecided E2/E1/E4")
    by_cell: dict[str, dict[str, Result]] = {}
    for one in results:
        by_cell.setdefault(one.cell.name, {})[one.engine] = one
    for name, found in by_cell.items():
        traffic = found["E2"].cell.traffic
        least = verdict_cells.limit_minutes(traffic)
        floor = max(least, traffic.tick / 60)
        whole = traffic.length * traffic.tick / 60
        ratio = {k: float(np.minimum(r.times, whole).mean()) / floor for k, r in found.items()}
        open_ = [f"{1 - r.hits / len(r.times):.1%}" for r in found.values()]
        target = "-"
        if "E2" in found["E2"].cell.must:
            target = report.verdict(ratio["E2"] <= TARGET, f"{name} E2 {ratio['E2']:.2f}")
        report.add(
            f"| {name} | {least:.1f} | {ratio['E2']:.2f} | {target} | {ratio['E1']:.2f} "
            f"| {ratio['E4']:.2f} | {' / '.join(open_)} |"
        )


def good_section(report: Report, results: Sequence[Result]) -> None:
    """Time to promote a good version."""
    report.add(
        "",
        "## How long a good version waits",
        "",
        "One step at 10%, no soak, beta .05, four hours at most. E0 certifies the objective, E1 "
        "that the rate is less than twice the stable one's. The forecast is what `telford release` "
        "says before the start; the limit bounds the mean of any test, which is above its median.",
    )
    report.table("cell", "engine", "promoted", "median (min)", "p90", "forecast", "limit")
    for one in results:
        said, least = verdict_cells.forecast_minutes(one.cell)
        report.add(
            f"| {one.cell.name} | {one.engine} | {one.hits / len(one.times):.1%} | "
            f"{quantile(one.times, 0.5)} | {quantile(one.times, 0.9)} | {said:.1f} | {least:.1f} |"
        )


def peers_section(report: Report, results: Sequence[Result]) -> None:
    """Ours and others' on the same counts."""
    report.add(
        "",
        "## Beside other tools' rules",
        "",
        "One hour at a fixed weight of 10% of 50 requests a second (unless said), stable error rate "
        "0.1%, the same counts for every rule. Each rule watches the whole hour: early promotion, "
        "which would end the watch of Flagger and others, is left out in their favour. Time is in "
        "minutes from the start; excess is the mean number of bad requests served beyond the stable "
        "rate, until the rollback or the hour's end. E4 has one canary replica group with that "
        "share of all replicas. Ours: alpha .01 in all, fuse at 14.4 times a 0.5% budget included.",
    )
    names = list(dict.fromkeys(one.cell.name for one in results))
    for name in names:
        equal = name.startswith("equal")
        report.add("", f"### {name[0].upper()}{name[1:]}")
        label = "false rollbacks" if equal else "rolled back"
        report.table("rule", label, "95% interval", "median (min)", "p90", "excess bad requests")
        for one in results:
            if one.cell.name == name:
                bold = "**" if one.engine in OURS else ""
                report.add(
                    f"| {bold}{one.engine}{bold} | {rate_text(one)} | {quantile(one.times, 0.5)} | "
                    f"{quantile(one.times, 0.9)} | {one.excess:,.1f} |"
                )


def head(report: Report, seed: int, releases: int, cells: int, must: int) -> None:
    """What was run."""
    gap = verdict_cells.twin_gap(seed)
    cost = verdict_cells.decision_microseconds()
    report.add(
        "# Benchmark: verdicts",
        "",
        "Written by `make bench-verdicts`; do not edit. What the engines are and why their bounds "
        "hold: [verdicts](../concepts/verdicts.md).",
        "",
        f"Seed {seed}; {releases:,} releases in a cell of false verdicts and of rules, a fifth in a "
        f"cell of times; {cells} cells; one hour of 15 s ticks unless said. Python "
        f"{platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, "
        f"{os.cpu_count()} cores.",
        "",
        f"The arrays used here and the online engines differ by at most {gap:.1e} in log e on 40 "
        f"random releases; one decision of `next_step` with two indicators takes {cost:.0f} "
        "microseconds (median).",
        "",
        "A cell passes when the lower Clopper-Pearson bound of its false rate, at 95% corrected for "
        f"{must} cells, is at most the declared one. Every release is looked at after every tick.",
    )


def notes(report: Report) -> None:
    """What the numbers mean, also where they are bad."""
    report.add(
        "",
        "## Read this before quoting a number",
        "",
        "- E1 and E2 assume that requests fail independently given the past. Where errors cluster "
        "within a tick, or each failure is retried and counted three times, their false rollbacks "
        "are far above alpha; the tables show it. Use E4 there.",
        "- Where replicas differ for good, no engine keeps alpha, and none can: with m canaries "
        "among M replicas the limit is 1/C(M, m). The probe (move the one replica that carries the "
        "evidence, look again) helps against one sick host, and less where all hosts differ somewhat.",
        "- E0 is fooled by bursts: at the border it promotes too often where errors cluster. Hence "
        "the soak of at least one recurrence period.",
        "- E4 needs some ticks whatever the traffic, and errors in them: its price over the limit "
        "is the highest wherever one tick holds many errors.",
        "- Where N* is one to three ticks, a decision waits for the end of a tick, and part of the "
        "price is that wait; shorter ticks lower it.",
        "- Rules without an error bound look fast. The z-test looked at each minute, or one failed "
        "check, also fires on equal versions: read the two tables of a world together.",
        "- Small effects at little traffic take longer than an hour (twice as bad at 5 requests a "
        "second); the limit says that they must.",
        "- A fixed threshold that happens to lie between the two rates matches these verdicts on a "
        "large effect and needs no baseline; what it cannot do is tell a shared outage from a bad "
        "version, or see an effect below the threshold.",
    )


# --- running ----------------------------------------------------------------------------------


def run(cells: Sequence[Cell], seed: int, processes: int) -> dict[str, list[Result]]:
    """The results of each cell by name, in the order of the cells."""
    found: dict[str, list[Result]] = {}
    with concurrent.futures.ProcessPoolExecutor(processes) as pool:
        jobs = {cell.name: pool.submit(verdict_cells.measure, cell, seed) for cell in cells}
        for place, (name, job) in enumerate(jobs.items(), start=1):
            found[name] = job.result()
            print(f"[{place}/{len(cells)}] {found[name][0].seconds:5.1f} s  {name}", flush=True)
    return found


def main() -> int:
    """Run all cells, write the report, and say what failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=pathlib.Path, default=REPORT)
    options = parser.parse_args()
    began, releases = time.perf_counter(), options.releases
    few = max(releases // 5, 20)
    sections = {
        "independent": list(false_rollback_cells(releases)),
        "clustered": list(clustered_cells(releases)),
        "persistent": list(persistent_cells(releases)),
        "promotion": list(promotion_cells(releases)),
        "good": list(good_cells(few)),
        "price": list(price_cells(few)),
        "peers": list(peer_cells(releases)),
    }
    cells = [cell for section in sections.values() for cell in section]
    found = run(cells, options.seed, options.processes)
    results = {
        name: [one for cell in section for one in found[cell.name]]
        for name, section in sections.items()
    }
    must = sum(len(cell.must) for cell in cells if cell.kind != "price")
    report = Report()
    head(report, options.seed, releases, len(cells), must)
    errors_section(
        report, "False rollbacks, independent errors", results["independent"], ALPHA, must
    )
    errors_section(report, "False rollbacks, clustered errors", results["clustered"], ALPHA, must)
    errors_section(
        report, "False rollbacks, replicas that differ", results["persistent"], ALPHA, must
    )
    errors_section(report, "False promotions", results["promotion"], BETA, must)
    price_section(report, results["price"])
    good_section(report, results["good"])
    peers_section(report, results["peers"])
    notes(report)
    took = time.perf_counter() - began
    outcome = "everything promised was kept" if not report.failed else "NOT KEPT:"
    report.add("", f"The run took {took / 60:.1f} minutes; {outcome}")
    report.add(*(f"- {one}" for one in report.failed))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("\n".join(report.lines) + "\n", encoding="utf-8")
    print(
        f"{outcome} {'; '.join(report.failed)}\nwritten in {took / 60:.1f} min: {options.out.name}"
    )
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
