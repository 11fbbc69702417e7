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
import verdict_design
import verdict_latency
from scipy.stats import beta as beta_distribution
from verdict_cells import ALPHA, BETA, ORACLE, OURS, Cell, Result
from verdict_latency import Slowness

REPORT = pathlib.Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "verdicts.md"
SEED = 20_240_607
CONFIDENCE = 0.95
ENGINES = ("E0", "E1", "E2", "E3", "E4")
FALSE = (
    ("False rollbacks, independent errors", "independent", ALPHA),
    ("False rollbacks, clustered errors", "clustered", ALPHA),
    ("False rollbacks, replicas that differ", "persistent", ALPHA),
    ("False promotions", "promotion", BETA),
    ("The placebo test among stable replicas", "guards", ALPHA),
)
TARGET = 1.5
"""Time to decision over max(N*, one tick) for E2 with independent errors."""


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
    """Markdown lines, the list of what failed, and the cells where we lose."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.failed: list[str] = []
        self.lost: list[str] = []

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
        "Mean time to the decision over max(time until N* errors, one tick); ticks of 15 s unless "
        f"said, alpha {ALPHA:g}. The target, at most {TARGET:g}, is for E2 with effects of x2 to "
        "x10; where it is missed that is said here and among the losses, every other number is a "
        "price. An undecided release counts with its full length. Times are in minutes.",
        "",
        f"*{ORACLE.capitalize()}* is Wald's test on the same counts at the same ticks, told how much "
        "worse the version is (E2's factor for that one ratio, no mixture). Its ratio is what waiting "
        "for the end of a tick and overshooting the bound cost where there is nothing to learn; "
        "what E2 takes beyond that is the price of not knowing the effect.",
    )
    report.table(
        "cell", "N*", "E2", "target", ORACLE, "E1", "E4", "E2 median", "E2 p90",
        "undecided E2/E1/E4",
    )  # fmt: skip
    by_cell: dict[str, dict[str, Result]] = {}
    for one in results:
        by_cell.setdefault(one.cell.name, {})[one.engine] = one
    for name, found in by_cell.items():
        traffic = found["E2"].cell.traffic
        least = verdict_cells.limit_minutes(traffic)
        floor = max(least, traffic.tick / 60)
        whole = traffic.length * traffic.tick / 60
        ratio = {k: float(np.minimum(r.times, whole).mean()) / floor for k, r in found.items()}
        undecided = (found[one] for one in ("E2", "E1", "E4"))
        open_ = [f"{1 - one.hits / len(one.times):.1%}" for one in undecided]
        report.add(
            f"| {name} | {least:.2f} | {ratio['E2']:.2f} | {_target(report, found, ratio)} | "
            f"{ratio[ORACLE]:.2f} | {ratio['E1']:.2f} | {ratio['E4']:.2f} | {quantile(found['E2'].times, 0.5)} | "
            f"{quantile(found['E2'].times, 0.9)} | {' / '.join(open_)} |"
        )


def _target(report: Report, found: dict[str, Result], ratio: dict[str, float]) -> str:
    """Whether E2 is within the target, where there is one; must cells fail the run."""
    cell, taken = found["E2"].cell, ratio["E2"]
    what = f"{cell.name}: E2 takes {taken:.2f} times the limit"
    if "E2" in cell.must:
        return report.verdict(taken <= TARGET, what)
    if not 2 <= cell.traffic.effect <= 10:
        return "-"
    if taken > TARGET:
        report.lost.append(
            f"{what}, where {TARGET:g} is the target (a test that {ORACLE} takes "
            f"{ratio[ORACLE]:.2f} times the limit on the same counts)"
        )
    return "met" if taken <= TARGET else "**missed**"


def latency_section(report: Report, results: Sequence[Result]) -> None:
    """E3 beside a threshold."""
    report.add(
        "",
        "## Latency: the whole histogram beside a threshold",
        "",
        "Stable answers are lognormal (median 50 ms, sigma .6), counted in 15 buckets. E3 compares "
        "the histograms, E2 counts what is slower than 250 ms. The first tick of E3 is spent on "
        "learning. The limit is the time that a test needs on average which knows both "
        "distributions and sees every bucket.",
    )
    report.table(
        "cell", "engine", "rolled back", "95% interval", "median (min)", "p90", "limit", "declared"
    )
    for one in results:
        traffic, slow = one.cell.traffic, one.cell.slow or Slowness()
        least = verdict_latency.limit_minutes(slow, traffic.rps, traffic.weight, ALPHA)
        verdict = "-"
        if one.engine in one.cell.must:
            passed = within(one.hits, len(one.times), ALPHA, report_cells(results))
            verdict = report.verdict(passed, f"{one.cell.name} {one.engine}")
        limit_text = "-" if one.cell.must else f"{least:.1f}"
        report.add(
            f"| {one.cell.name} | {one.engine} | {rate_text(one)} | {quantile(one.times, 0.5)} | "
            f"{quantile(one.times, 0.9)} | {limit_text} | {verdict} |"
        )


def report_cells(results: Sequence[Result]) -> int:
    """How many results of a section have a bound to keep."""
    return max(sum(one.engine in one.cell.must for one in results), 1)


def watch_section(report: Report, results: Sequence[Result]) -> None:
    """E0 after the switch."""
    report.add(
        "",
        "## After the switch: against the objective",
        "",
        "All traffic is on the new version, whose objective allows 0.5%; E0 asks whether it keeps "
        "that. No stable version is beside it, so a shared outage counts against it.",
    )
    report.table("cell", "rolled back", "95% interval", "median (min)", "p90")
    for one in results:
        report.add(
            f"| {one.cell.name} | {rate_text(one)} | {quantile(one.times, 0.5)} | "
            f"{quantile(one.times, 0.9)} |"
        )


def good_section(report: Report, results: Sequence[Result]) -> None:
    """Time to promote a good version."""
    report.add(
        "",
        "## How long a good version waits",
        "",
        "One step at 10%, no soak, beta .05, four hours at most. E0 certifies the objective, E1 "
        "that the rate is less than twice the stable one's, *either* is both with half of beta "
        "each. The forecast is what `telford release` "
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
        found = [one for one in results if one.cell.name == name]
        equal = name.startswith("equal")
        report.add("", f"### {name[0].upper()}{name[1:]}")
        label = "false rollbacks" if equal else "rolled back"
        report.table("rule", label, "95% interval", "median (min)", "p90", "excess bad requests")
        for one in found:
            bold = "**" if one.engine in OURS else ""
            report.add(
                f"| {bold}{one.engine}{bold} | {rate_text(one)} | {quantile(one.times, 0.5)} | "
                f"{quantile(one.times, 0.9)} | {one.excess:,.1f} |"
            )
        report.lost += _losses(name, found, equal)


def _losses(name: str, found: Sequence[Result], equal: bool) -> Iterator[str]:
    """Where E2, the default, does worse than another tool's rule on the same counts."""
    ours = next(one for one in found if one.engine == OURS[0])
    rivals = [one for one in found if one.engine not in OURS]
    if equal:
        better = [one.engine for one in rivals if one.hits < ours.hits - 0.005 * len(ours.times)]
        if better:
            share = ours.hits / len(ours.times)
            yield f"{name}: E2 rolls back {share:.1%} falsely, fewer do {', '.join(better)}"
        return
    faster = [one.engine for one in rivals if one.excess < ours.excess]
    if faster:
        yield f"{name}: fewer excess bad requests than with E2 have {', '.join(faster)}"


def losses(report: Report) -> None:
    """The cells where we lose, in one place."""
    report.add(
        "",
        "## Where we lose",
        "",
        "Every cell in which E2, the default, misses the target, or another tool's rule rolls back "
        "fewer equal versions or serves fewer excess bad requests of a worse one. Many of the rules "
        "that are faster here also roll back equal versions; the tables above say which.",
        "",
        *(f"- {one}" for one in report.lost),
    )


def head(report: Report, seed: int, releases: int, cells: int, must: int) -> None:
    """What was run."""
    gap = verdict_cells.twin_gap(seed)
    costs = {one: verdict_cells.decision_microseconds(one) for one in ENGINES}
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
        "random releases. One decision of `next_step` with two indicators takes, in microseconds "
        f"(median): {', '.join(f'{name} {cost:.0f}' for name, cost in costs.items())} "
        "(E3: a histogram besides; E4: ten replicas).",
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
        "price is that wait; shorter ticks lower it. The column of a test that "
        f"{ORACLE} says how much of the price that is.",
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
    sections = verdict_design.sections(releases)
    cells = [cell for section in sections.values() for cell in section]
    found = run(cells, options.seed, options.processes)
    results = {
        name: [one for cell in section for one in found[cell.name]]
        for name, section in sections.items()
    }
    must = sum(len(cell.must) for cell in cells if cell.kind != "price")
    report = Report()
    head(report, options.seed, releases, len(cells), must)
    for title, name, declared in FALSE:
        errors_section(report, title, results[name], declared, must)
    latency_section(report, results["latency"])
    price_section(report, results["price"])
    good_section(report, results["good"])
    watch_section(report, results["watch"])
    peers_section(report, results["peers"])
    losses(report)
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
