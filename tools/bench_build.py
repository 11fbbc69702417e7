"""`make bench-build`: check and build of a generated estate, and its peers for the same objects.

Beside us, in one run: helm (one chart ranging over all services, and a process a service),
kustomize (a base and three overlays), jsonnet and cdk8s. Every figure is of whole processes, from
start to exit: wall and CPU seconds (median of the runs) and the peak of memory; only the row of the
running server is of one plan inside of it. Rendered objects are compared: the same kinds, names and
fields on all sides, or there is no table. Says what machine and which load it ran on.

Usage: python tools/bench_build.py [--services 1000] [--runs 5] [--each 100] [--json FILE]
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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import bench_estate
import yaml

from telford.render import registry

ROOT = pathlib.Path(__file__).resolve().parent.parent
TELFORD = str(pathlib.Path(sys.executable).with_name("telford"))
PEERS = ROOT / ".tools" / "peers"
IGNORED = "telford.dev/digest"
# So many edits are planned by the running server, each of another service.
EDITS = 11


@dataclass(frozen=True)
class Figure:
    """Medians over `runs` whole processes (or groups of processes)."""

    name: str
    wall_seconds: float
    cpu_seconds: float
    peak_mebibytes: float
    runs: int
    note: str = ""


@dataclass(frozen=True)
class Sample:
    """One process: seconds of wall and CPU, peak memory in MiB."""

    wall: float
    cpu: float
    peak: float


def run(command: list[str], environment: dict[str, str], out: pathlib.Path | None = None) -> Sample:
    """Run a command to its end; it must succeed."""
    target = out if out is not None else pathlib.Path(os.devnull)
    with target.open("wb") as stream, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=stream, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{command[:3]} failed: {errors.read().decode()[-2000:]}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def figure(name: str, samples: list[list[Sample]], note: str = "", scale: float = 1) -> Figure:
    """The medians of runs, each the sum of its processes times `scale`."""
    return Figure(
        name,
        statistics.median(sum(s.wall for s in one) for one in samples) * scale,
        statistics.median(sum(s.cpu for s in one) for one in samples) * scale,
        max(s.peak for one in samples for s in one),
        len(samples),
        note,
    )


def write(folder: pathlib.Path, files: dict[str, str]) -> pathlib.Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


class Bench:
    """One generated estate, its charts, and what is measured on them."""

    def __init__(self, folder: pathlib.Path, services: int, runs: int, each: int) -> None:
        self.folder = folder
        self.services = services
        self.runs = runs
        self.each = min(each, services)
        self.estate = write(folder / "estate", bench_estate.estate(services))
        self.environment = os.environ | {"TELFORD_CACHE": str(folder / "cache")}

    def _fresh(self) -> pathlib.Path:
        """Nothing cached, nothing built."""
        for name in ("cache", "out"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        return self.folder / "out"

    def _telford(self, *arguments: str) -> Sample:
        return run([TELFORD, *arguments, "--estate", str(self.estate)], self.environment)

    def _build(self, *targets: str) -> Sample:
        chosen = [word for target in targets for word in ("--target", target)]
        return self._telford("build", *chosen, "--out", str(self.folder / "out"))

    def check_cold(self) -> Figure:
        """Nothing kept from before."""
        samples = []
        for _ in range(self.runs):
            self._fresh()
            samples.append([self._telford("check")])
        return figure("telford check, cold", samples)

    def check_warm(self) -> Figure:
        """The same texts again."""
        self._telford("check")
        return figure("telford check, warm", [[self._telford("check")] for _ in range(self.runs)])

    def build_cold(self, name: str, targets: Sequence[str]) -> Figure:
        """Nothing kept, an empty folder."""
        samples = []
        for _ in range(self.runs):
            self._fresh()
            samples.append([self._build(*targets)])
        made = [path for path in (self.folder / "out").rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in made) / 1e6
        note = f"three environments, {len(made):,} files, {size:.0f} MB"
        return figure(f"telford build, {name}, cold", samples, note)

    def build_warm(self, name: str, targets: Sequence[str]) -> Figure:
        """The same texts again, into the same folder."""
        samples = [[self._build(*targets)] for _ in range(self.runs)]
        note = "nothing changed; every file looked at"
        return figure(f"telford build, {name}, warm", samples, note)

    def build_one(self, name: str, targets: Sequence[str]) -> Figure:
        """One service's image changes before each run."""
        path = next(p for p in sorted(self.estate.rglob("service-*.yaml")))
        text = path.read_text()
        samples = []
        for number in range(self.runs):
            path.write_text(text.replace(":1.0.0", f":2.{number}.0"))
            samples.append([self._build(*targets)])
        path.write_text(text)
        self._build(*targets)
        return figure(f"telford build, {name}, one service changed", samples, "a new process")

    def server(self, name: str, targets: Sequence[str]) -> Figure:
        """One edit planned by a process that runs on: the median of edits over the estate."""
        command = [sys.executable, str(ROOT / "tools" / "bench_planner.py"), str(self.estate)]
        answer = subprocess.run(
            [*command, str(self.folder / "out"), str(EDITS), *targets],
            env=self.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found = json.loads(answer.stdout)
        walls, cpus = zip(*found["edits"], strict=True)
        return Figure(
            f"telford server, {name}, one service changed",
            statistics.median(walls),
            statistics.median(cpus),
            found["peak"],
            EDITS,
            f"worst {max(walls):.2f} s; the first plan of all {found['first'][1]:.1f} CPU s",
        )

    def kustomize(self, kubectl: str) -> Figure:
        """Our own base and overlays, by kustomize."""
        self._telford(
            "build", "--target", "kustomize", "--out", str(self.folder / "layers")
        )  # fmt: skip
        overlays = self.folder / "layers" / "kustomize" / "overlays"
        samples = [
            [
                run(
                    [kubectl, "kustomize", str(overlays / name)],
                    self.environment,
                    self._peer("kustomize") / f"{name}.yaml",
                )
                for name in bench_estate.ENVIRONMENTS
            ]
        ]
        return figure("kubectl kustomize, three overlays", samples, "three processes, one a place")

    def jsonnet(self, python: str) -> Figure:
        """The same objects as a jsonnet program (go-jsonnet), started from Python."""
        program = str(PEERS / "jsonnet.py")
        samples = [
            [
                run(
                    [python, program, self._values(name)],
                    self.environment,
                    self._peer("jsonnet") / f"{name}.yaml",
                )
                for name in bench_estate.ENVIRONMENTS
            ]
            for _ in range(self.runs)
        ]
        return figure("jsonnet", samples, "three processes, one a place")

    def cdk8s(self, node: str) -> Figure:
        """The same objects as a cdk8s program."""
        program = str(PEERS / "services.mjs")
        samples = [
            [
                run(
                    [node, program, self._values(name), str(self._peer("cdk8s") / name)],
                    self.environment,
                )
                for name in bench_estate.ENVIRONMENTS
            ]
            for _ in range(self.runs)
        ]
        return figure("cdk8s", samples, "three processes, one a place")

    def _peer(self, name: str) -> pathlib.Path:
        folder = self.folder / "peers" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def helm_range(self, helm: str) -> Figure:
        """All services in one chart."""
        chart = write(self.folder / "chart", bench_estate.chart())
        samples = [
            [self._helm(helm, chart, name) for name in bench_estate.ENVIRONMENTS]
            for _ in range(self.runs)
        ]
        return figure(
            "helm template, one chart ranging over all", samples, "three processes, one a place"
        )

    def _helm(self, helm: str, chart: pathlib.Path, name: str) -> Sample:
        """One process; values and output lie beside the chart, which would swallow them."""
        arguments = [helm, "template", "estate", str(chart), "-f", self._values(name)]
        return run(arguments, self.environment, self._helm_folder() / f"{name}.yaml")

    def _helm_folder(self) -> pathlib.Path:
        folder = self.folder / "helm"
        folder.mkdir(exist_ok=True)
        return folder

    def _values(self, name: str) -> str:
        """The values of a place, or of one service in a place (`prod-17`)."""
        environment, _, index = name.partition("-")
        indices = range(int(index), int(index) + 1) if index else range(self.services)
        path = self.folder / f"{name}.values.json"
        if not path.exists():
            path.write_text(bench_estate.values(indices, environment, self.services))
        return str(path)

    def helm_each(self, helm: str) -> Figure:
        """A process a service and place, of a sample of services spread over all; scaled."""
        chart = write(self.folder / "each", bench_estate.chart())
        step = self.services // self.each
        names = [
            f"{environment}-{index}"
            for environment in bench_estate.ENVIRONMENTS
            for index in range(0, self.each * step, step)
        ]
        samples = [[self._helm(helm, chart, name) for name in names]]
        scale = self.services / self.each
        note = f"{len(names):,} processes measured, times {scale:g}"
        return figure("helm template, one process a service", samples, note, scale)

    def differences(self) -> list[str]:
        """Objects that some side does not render as we do; [] where all are alike."""
        ours = dict(self._ours())
        found = []
        for name, paths in self._theirs():
            theirs = {key: value for path in paths for key, value in objects(path)}
            theirs = {key: value for key, value in theirs.items() if key[2].startswith("service-")}
            found += [f"only telford: {name} {key}" for key in sorted(ours.keys() - theirs.keys())]
            found += [f"only {name}: {key}" for key in sorted(theirs.keys() - ours.keys())]
            both = sorted(ours.keys() & theirs.keys())
            found += [f"{name} differs: {key}" for key in both if ours[key] != theirs[key]]
        return found

    def _ours(self) -> Iterator[tuple[tuple[str, str, str], dict]]:
        for path in sorted((self.folder / "out" / "kubernetes").rglob("service-*.yaml")):
            yield from objects(path)

    def _theirs(self) -> Iterator[tuple[str, list[pathlib.Path]]]:
        """Each peer that was measured, and what it wrote."""
        helm = sorted(self.folder.glob("helm/[a-z]*[a-z].yaml"))
        if helm:
            yield "helm", helm
        for folder in sorted(self.folder.glob("peers/*")):
            yield folder.name, sorted(folder.rglob("*.yaml"))


def objects(path: pathlib.Path) -> Iterator[tuple[tuple[str, str, str], dict]]:
    """Every object of a file by (namespace, kind, name), as one would compare it in a cluster."""
    with path.open() as stream:
        for value in yaml.load_all(stream, yaml.CSafeLoader):
            if value is None:
                continue
            metadata = value["metadata"]
            metadata["annotations"].pop(IGNORED, None)
            yield (metadata.get("namespace", ""), value["kind"], metadata["name"]), normal(value)


def normal(value: dict) -> dict:
    """Without the order of environment variables and network peers, which mean nothing here."""
    if value["kind"] == "NetworkPolicy":
        for side in ("ingress", "egress"):
            value["spec"][side].sort(key=str)
    if value["kind"] == "Deployment":
        for container in value["spec"]["template"]["spec"]["containers"]:
            container["env"].sort(key=str)
    return value


def shown(figures: list[Figure], services: int) -> str:
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    lines = [
        f"{services:,} services, 3 environments; {machine}, load {os.getloadavg()[0]:.1f}",
        "",
        "| what | wall s | CPU s | peak MiB | runs | |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {f.name} | {f.wall_seconds:.2f} | {f.cpu_seconds:.2f} | {f.peak_mebibytes:.0f}"
        f" | {f.runs} | {f.note} |"
        for f in figures
    ]
    return "\n".join(lines)


def tool(name: str) -> str | None:
    return shutil.which(name, path=f"{ROOT / '.tools' / 'bin'}:{os.environ['PATH']}")


def measure(bench: Bench) -> list[Figure]:
    kubernetes, every = ("kubernetes", ["kubernetes"]), ("all targets", sorted(registry.BY_NAME))
    steps: list[Callable[[], Figure]] = [bench.check_cold, bench.check_warm]
    for name, targets in (every, kubernetes):
        steps += [
            partial(bench.build_cold, name, targets),
            partial(bench.build_warm, name, targets),
            partial(bench.build_one, name, targets),
            partial(bench.server, name, targets),
        ]
    steps += peers(bench)
    figures = []
    for step in steps:
        figures.append(step())
        print(f"{figures[-1].name}: {figures[-1].wall_seconds:.2f} s", file=sys.stderr)
    return figures


def peers(bench: Bench) -> list[Callable[[], Figure]]:
    """Those that are there; the others are named."""
    known = {
        "helm": tool("helm"),
        "kubectl": tool("kubectl"),
        "jsonnet": tool(str(PEERS / "jsonnet" / "bin" / "python")),
        "cdk8s": tool("node") if (PEERS / "node_modules").is_dir() else None,
    }
    for name in (name for name, path in known.items() if path is None):
        print(f"{name} is not there (make bench-build installs it): left out", file=sys.stderr)
    made: dict[str, list[Callable[[str], Figure]]] = {
        "helm": [bench.helm_range, bench.helm_each],
        "kubectl": [bench.kustomize],
        "jsonnet": [bench.jsonnet],
        "cdk8s": [bench.cdk8s],
    }
    return [
        partial(step, path)
        for name, path in known.items()
        if path is not None
        for step in made[name]
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--each", type=int, default=100)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(pathlib.Path(folder), options.services, options.runs, options.each)
        figures = measure(bench)
        wrong = bench.differences()
        if wrong:
            raise SystemExit("not the same objects:\n" + "\n".join(wrong[:10]))
        print("every object is the same on all sides", file=sys.stderr)
    print(shown(figures, options.services))
    if options.json:
        options.json.write_text(json.dumps([asdict(f) for f in figures], indent=1) + "\n")


if __name__ == "__main__":
    main()
