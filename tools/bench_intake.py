"""`make bench-intake`: import and check of a whole real organisation, plain parsing beside us.

Every figure is of a whole process, from start to exit: wall and CPU seconds (median of the runs)
and the peak of memory. The floor is what it costs merely to parse the same texts, in the same
Python, with the libraries that can. The organisation was rendered with helm; its charts are not
here, so `helm template` cannot run beside us, and the output says so. After the times come the
shares of fields that are understood, by estate and kind.

Usage: python tools/bench_intake.py [--estates FOLDER] [--runs 5] [--json FILE]
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict

from bench_build import TELFORD, Figure, Sample, figure, run

# Which folders of the real estates are imported, and how.
ESTATES = {
    "govuk": ("govuk", ["--environments", "yes"]),
    "online-boutique": ("online-boutique/release", []),
    "bank-of-anthos": ("bank-of-anthos/kubernetes-manifests", []),
    "sock-shop": ("sock-shop/deploy/kubernetes", []),
}
# The kinds of which nine leaves in ten must be fields.
UNDERSTOOD = (
    *("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Service", "Ingress"),
    *("HorizontalPodAutoscaler", "PodDisruptionBudget", "ConfigMap"),
)

# Real manifests have `=` as a value and `!=` as a tag, which PyYAML refuses: texts are made of both.
TOLERANT = """
import sys, yaml
class Tolerant(yaml.CSafeLoader):
    pass
text = lambda loader, *args: loader.construct_scalar(args[-1])
Tolerant.add_constructor("tag:yaml.org,2002:value", text)
Tolerant.add_multi_constructor("!", text)
for name in sys.argv[1:]:
    with open(name) as stream:
        for value in yaml.load_all(stream, Tolerant):
            pass
"""
EVENTS = """
import sys, yaml
for name in sys.argv[1:]:
    with open(name) as stream:
        loader = yaml.CBaseLoader(stream)
        while loader.get_event() is not None:
            pass
"""
# The import without the start of Python and without checking and writing what came of it.
ALONE = """
import pathlib, sys, time
from telford.app import importing
from telford.intake import emission
began = time.perf_counter()
order = importing.Order((pathlib.Path(sys.argv[1]),), recognised=True)
emission.files(importing.gather(order).imported.documents)
print(time.perf_counter() - began)
"""
# It has no streams, so each document is given alone; what it refuses is counted.
RUST = """
import sys, re, oryaml
refused = 0
for name in sys.argv[1:]:
    with open(name) as stream:
        for document in re.split(r"(?m)^---[ ]*$", stream.read()):
            try:
                oryaml.loads(document)
            except ValueError:
                refused += 1
print(refused)
"""


class Bench:
    """One organisation in three environments, and what is measured on it."""

    def __init__(self, folder: pathlib.Path, estates: pathlib.Path, runs: int) -> None:
        self.folder = folder
        self.estates = estates
        self.runs = runs
        self.organisation = estates / "govuk"
        self.files = [str(path) for path in sorted(self.organisation.glob("*.yaml"))]
        self.out = folder / "estate"
        self.environment = _installed(folder)

    def _fresh(self, *names: str) -> None:
        for name in names:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def _telford(self, *arguments: str) -> Sample:
        return run([TELFORD, *arguments], self.environment)

    def _import(self, *more: str) -> Sample:
        self._fresh("cache", "estate")
        command = ("import", str(self.organisation), "--environments", "yes")
        return self._telford(*command, "--out", str(self.out), *more)

    def imports(self) -> Figure:
        """Nothing kept from before; the estate is checked and written."""
        samples = [[self._import()] for _ in range(self.runs)]
        return figure("telford import", samples, "three files, one estate, checked and written")

    def imports_dry(self) -> Figure:
        """The same without writing."""
        samples = [[self._import("--dry-run")] for _ in range(self.runs)]
        return figure("telford import --dry-run", samples)

    def verifies(self) -> Figure:
        """The same, built again and compared."""
        samples = [[self._import("--verify")] for _ in range(min(self.runs, 2))]
        return figure("telford import --verify", samples, "built and compared, object by object")

    def check_cold(self) -> Figure:
        """Nothing kept from before."""
        self._import()
        samples = []
        for _ in range(self.runs):
            self._fresh("cache")
            samples.append([self._telford("check", "--estate", str(self.out))])
        return figure("telford check, cold", samples, "of what was imported")

    def check_warm(self) -> Figure:
        """The same texts again."""
        self._telford("check", "--estate", str(self.out))
        samples = [[self._telford("check", "--estate", str(self.out))] for _ in range(self.runs)]
        return figure("telford check, warm", samples)

    def start(self) -> Figure:
        """What every command costs."""
        return figure("telford --version", [[self._telford("--version")] for _ in range(self.runs)])

    def floor(self, name: str, program: str, note: str = "") -> Figure:
        """Another way to parse the same files, in a Python of its own."""
        command = [sys.executable, "-c", program, *self.files]
        return figure(name, [[run(command, self.environment)] for _ in range(self.runs)], note)

    def alone(self) -> float:
        """Seconds that reading and joining takes, inside of a process; the least of all runs."""
        target = self.folder / "alone"
        command = [sys.executable, "-c", ALONE, str(self.organisation)]
        took = []
        for _ in range(self.runs):
            run(command, self.environment, target)
            took.append(float(target.read_text()))
        return min(took)

    def refused(self) -> int:
        """How many documents the parser in Rust refuses."""
        target = self.folder / "refused"
        run([sys.executable, "-c", RUST, *self.files], self.environment, target)
        return int(target.read_text())

    def measure(self) -> Iterator[Figure]:
        """Every figure, one after the other."""
        # Byte code is written once, when a package is installed.
        self._import()
        self._telford("check", "--estate", str(self.out))
        yield self.start()
        yield self.imports()
        yield self.imports_dry()
        yield self.verifies()
        yield self.check_cold()
        yield self.check_warm()
        yield self.floor("PyYAML, C loader", TOLERANT, "made tolerant; values, no positions")
        yield self.floor("libyaml events", EVENTS, "nothing made of them")
        refused = self.refused()
        note = f"refuses {refused} of the documents" if refused else "values, no positions"
        yield self.floor("oryaml", RUST, note)

    def understood(self) -> Iterator[tuple[str, str, int, int, int, int]]:
        """Estate, kind, objects, leaves, mapped, carried: of each kind that must be understood."""
        for name, (path, more) in ESTATES.items():
            report = self.folder / f"{name}.json"
            arguments = ["import", str(self.estates / path), "--dry-run", "--report", str(report)]
            self._telford(*arguments, "--out", str(self.folder / "none"), *more)
            said = json.loads(report.read_text("utf-8"))
            for kind in UNDERSTOOD:
                if kind in said["totals"]:
                    counts = said["totals"][kind]
                    total = sum(counts.values())
                    numbers = said["objects"][kind], total, counts["mapped"], counts["carried"]
                    yield (name, kind, *numbers)


def _installed(folder: pathlib.Path) -> dict[str, str]:
    """The environment of a user: a cache of Telford's own, and byte code that is kept."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return kept | {
        "TELFORD_CACHE": str(folder / "cache"),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }


def shown(figures: list[Figure]) -> str:
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    lines = [
        f"2,975 objects, 9.2 MB in three files; {machine}, load {os.getloadavg()[0]:.1f}",
        "",
        "| what | wall s | CPU s | peak MiB | runs | |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {f.name} | {f.wall_seconds:.2f} | {f.cpu_seconds:.2f} | {f.peak_mebibytes:.0f}"
        f" | {f.runs} | {f.note} |"
        for f in figures
    ]
    lines.append("")
    lines.append("`helm template` is not beside us: the charts of these objects are not here.")
    return "\n".join(lines)


def shares(rows: Iterator[tuple[str, str, int, int, int, int]]) -> str:
    lines = ["| estate | kind | objects | fields | mapped | carried |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {name} | {kind} | {objects} | {total} | {mapped / total:.1%} | {carried / total:.1%} |"
        for name, kind, objects, total, mapped, carried in rows
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--estates", default=os.environ.get("TELFORD_ESTATES", ""))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    estates = pathlib.Path(options.estates) if options.estates else None
    if estates is None or not (estates / "govuk").is_dir():
        raise SystemExit("set TELFORD_ESTATES to the folder of real estates")
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(pathlib.Path(folder), estates, options.runs)
        for one in bench.measure():
            figures.append(one)
            print(f"{one.name}: {one.wall_seconds:.2f} s", file=sys.stderr)
        print(shown(figures))
        print(f"reading and joining alone, inside of a process: {bench.alone():.2f} s (least)")
        print()
        print(shares(bench.understood()))
    if options.json:
        options.json.write_text(json.dumps([asdict(f) for f in figures], indent=1) + "\n")


if __name__ == "__main__":
    main()
