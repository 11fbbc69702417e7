"""`python tools/bench_source.py`: how well the lines of generated files are known, target by target.

Of each target a few files of each of our three estates are taken, spread over all that it makes, and
every line of them is looked up. Prints a Markdown table for docs/benchmarks/source-map.md.

Usage: python tools/bench_source.py [--files 3] [--estate NAME ...] [--target NAME ...]
"""

import argparse
import pathlib
import time
from collections import Counter

from telford.app import loading, rendering, source_map
from telford.estate import overlays
from telford.plan.actions import Entry
from telford.render import registry
from telford.render.artifacts import Unit
from telford.render.scene import World
from telford.render.target import Target

ROOT = pathlib.Path(__file__).resolve().parent.parent
ESTATES = ("shop", "boutique", "organisation")


def spread(units: list[Unit], count: int) -> list[Unit]:
    """So many of them, at equal distances."""
    step = max(len(units) // count, 1)
    return units[::step][:count]


def looked_up(world: World, unit: Unit) -> Counter[str]:
    """How the lines of a file are known: the best origin of each."""
    entry = Entry(unit.path, "", "", unit.owner, unit.target, unit.place)
    found = source_map.of_file(world, entry)
    assert found is not None, unit.path
    return Counter(origins[0].how.value for origins in found.every())


def measured(world: World, target: Target, files: int) -> tuple[Counter[str], float, int]:
    """Counts over some files of a target, the seconds that took, and how many files it were."""
    renderings = [target.everywhere(world), *map(target.in_place, world.scenes)]
    units = sorted((u for r in renderings for u in r.units), key=lambda unit: unit.path)
    chosen = spread(units, files)
    began = time.perf_counter()
    total: Counter[str] = Counter()
    for unit in chosen:
        total += looked_up(world, unit)
    return total, time.perf_counter() - began, len(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=3, help="files of each target and estate")
    parser.add_argument("--estate", action="append", choices=ESTATES, help="only this one")
    parser.add_argument("--target", action="append", help="only this one (more than once: these)")
    options = parser.parse_args()
    targets = [
        t for t in registry.BY_NAME.values() if t.name in (options.target or registry.BY_NAME)
    ]
    worlds = []
    for name in options.estate or ESTATES:
        estate = loading.load_folder(ROOT / "examples" / name / "estate").estate
        worlds.append(
            rendering.world(estate, overlays.places(estate), list(registry.BY_NAME.values()))
        )
    print("| target | files | lines | exact | derived | entity | seconds a file |", flush=True)
    print("|---|---:|---:|---:|---:|---:|---:|", flush=True)
    for target in targets:
        counts: Counter[str] = Counter()
        seconds, files = 0.0, 0
        for world in worlds:
            some, took, number = measured(world, target, options.files)
            counts += some
            seconds += took
            files += number
        lines = counts.total() or 1
        shares = " | ".join(f"{counts[how] / lines:.0%}" for how in ("exact", "derived", "entity"))
        row = f"| `{target.name}` | {files} | {counts.total():,} | {shares} | {seconds / max(files, 1):.1f} |"
        print(row, flush=True)


if __name__ == "__main__":
    main()
