"""`make test-rules`: every generated promtool test, slow windows included, for each SLI kind and
period and two targets. Says how long each took; ends with 1 where one fails.

Usage: python -m tools.test_rules [--kind availability] [--period 30d] [--jobs 2]
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "render"))

import objectives  # noqa: E402 - the tests' own estates, found through the path above
import rendered  # noqa: E402

# A slow file takes some ten seconds of processor time.
LIMIT_SECONDS = 900


def cases(kind: str, period: str, folder: pathlib.Path) -> list[pathlib.Path]:
    """The test files of the wanted kinds and periods, written with their rules."""
    found = []
    for one in objectives.KINDS:
        for length in objectives.PERIODS:
            if kind not in ("", one) or period not in ("", length):
                continue
            for target in objectives.TARGETS:
                where = folder / one / length / target.rstrip("%")
                text = objectives.text(one, length, target)
                written = rendered.write(rendered.rendering(text, "prometheus"), where)
                found += [path for path in written if path.name.endswith(".test.yaml")]
    return found


def proven(promtool: str, path: pathlib.Path, folder: pathlib.Path) -> bool:
    began = time.monotonic()
    done = subprocess.run(
        [promtool, "test", "rules", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    ok = done.returncode == 0
    took = time.monotonic() - began
    print(f"{'ok  ' if ok else 'FAIL'} {took:6.1f} s  {path.relative_to(folder)}", flush=True)
    if not ok:
        print(done.stdout + done.stderr, flush=True)
    return ok


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", default="", choices=["", *objectives.KINDS])
    parser.add_argument("--period", default="", choices=["", *objectives.PERIODS])
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    promtool = shutil.which("promtool") or shutil.which("promtool", path=str(ROOT / ".tools/bin"))
    if promtool is None:
        print("promtool is not there: make test-tools", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(options.jobs) as pool:
        folder = pathlib.Path(name)
        paths = cases(options.kind, options.period, folder)
        results = list(pool.map(lambda path: proven(promtool, path, folder), paths))
    print(f"{sum(results)} of {len(results)} files hold")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
