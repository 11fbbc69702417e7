"""Runs helm or kustomize on a folder of the input, for `telford import --render`.

This is the one thing that an import executes, so it is kept on a short leash: no shell, no network,
no plugins, no program but the tool itself, a home of its own that is removed again, limits on time
and size, and no file outside of the input. Called by `telford.app.importing` through its renderer.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from telford.intake.format import Rendering

# A chart of a hundred objects renders in a second; one that takes longer hangs.
LIMIT_SECONDS = 60
# What `telford.basics.yamltext` reads at most.
MAX_OUTPUT_BYTES = 16_000_000
# The largest charts have a few thousand files.
MAX_FILES = 20_000
# How often it is looked whether the tool is done.
_POLL_SECONDS = 0.05
# What a tool says about its failure is quoted up to here, one line.
_MAX_WORDS = 300
# Nothing listens there: whatever wants the network is refused at once.
_NOWHERE = "http://127.0.0.1:9"

# The programs that each tool can be, in order of preference, with what they are told first.
_PROGRAMS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "helm": (("helm", "template"),),
    "kustomize": (("kustomize", "build"), ("kubectl", "kustomize")),
}
TOOLS = tuple(_PROGRAMS)


def render(
    rendering: Rendering,
    folder: Path,
    *,
    say: Callable[[str], None] = lambda command: None,
    search: str | None = None,
    within: Path | None = None,
    limit_seconds: float = LIMIT_SECONDS,
) -> tuple[str | None, str]:
    """The text that a tool makes of `folder`, or None and why there is none.

    `say` is told the command before it runs; `search` is where programs are looked for (the
    ``PATH`` of this process where it is None); no file outside of `within` is read (the folder that
    the rendering's path begins at, where it is None). Never raises for what a folder holds.
    """
    program = _program(rendering.tool, search)
    if program is None:
        names = " or ".join(words[0] for words in _PROGRAMS.get(rendering.tool, ()))
        return None, f"{names or rendering.tool} is not installed"
    root = _root(rendering, folder)
    strays = _outside(folder, within.resolve() if within is not None else root)
    if strays:
        return None, f"{strays} leaves the folder that is imported"
    try:
        command = [*program, *_arguments(rendering, folder, root)]
    except ValueError as error:
        return None, str(error)
    say(" ".join(command))
    with tempfile.TemporaryDirectory(prefix="telford-render-") as home:
        return _run(command, folder, Path(home), limit_seconds)


def _program(tool: str, search: str | None) -> list[str] | None:
    for words in _PROGRAMS.get(tool, ()):
        found = shutil.which(words[0], path=search)
        if found is not None:
            return [str(Path(found).resolve()), *words[1:]]
    return None


def _arguments(rendering: Rendering, folder: Path, root: Path) -> list[str]:
    """Behind the program: what is rendered and how. Raises ValueError for a path that leaves the
    input.
    """
    if rendering.tool == "kustomize":
        return [str(folder.resolve())]
    arguments = [rendering.name or folder.name or "release", str(folder.resolve())]
    arguments += ["--namespace", rendering.namespace] if rendering.namespace else []
    arguments += ["--include-crds", "--skip-tests"]
    for values in rendering.values:
        file = (root / values).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            raise ValueError(f"the values file {values} is not in the folder that is imported")
        arguments += ["--values", str(file)]
    for setting in rendering.settings:
        arguments += ["--set-json", setting]
    return arguments


def _root(rendering: Rendering, folder: Path) -> Path:
    """The folder that the paths of a rendering begin at."""
    root = folder.resolve()
    for part in reversed(PurePosixPath(rendering.path).parts):
        if part != root.name:
            break
        root = root.parent
    return root


def _outside(folder: Path, root: Path) -> str:
    """The first link below a folder that leads out of the input, or ""."""
    seen = 0
    for here, folders, names in os.walk(folder):
        for name in (*folders, *names):
            seen += 1
            path = Path(here) / name
            if seen > MAX_FILES:
                return f"a folder of more than {MAX_FILES:,} files"
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                return path.relative_to(folder).as_posix()
    return ""


def _environment(home: Path) -> dict[str, str]:
    """Nothing of the caller's: no credentials, no plugins, no other program to run."""
    empty = home / "nothing"
    empty.mkdir()
    return {
        "HOME": str(home),
        "TMPDIR": str(home),
        "PATH": str(empty),
        "KUBECONFIG": str(empty / "config"),
        "HELM_PLUGINS": str(empty),
        "HELM_CACHE_HOME": str(home / "cache"),
        "HELM_CONFIG_HOME": str(home / "config"),
        "HELM_DATA_HOME": str(home / "data"),
        "HTTP_PROXY": _NOWHERE,
        "HTTPS_PROXY": _NOWHERE,
        "http_proxy": _NOWHERE,
        "https_proxy": _NOWHERE,
        "NO_PROXY": "",
        "LANG": "C.UTF-8",
    }


def _run(
    command: list[str], folder: Path, home: Path, limit_seconds: float
) -> tuple[str | None, str]:
    with (home / "out").open("w+b") as out, (home / "words").open("w+b") as words:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=_environment(home),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=words,
                start_new_session=True,
            )
        except OSError as error:
            return None, f"{Path(command[0]).name} cannot be run: {error.strerror}"
        trouble = _wait(process, out, words, limit_seconds)
        if trouble:
            return None, trouble
        if process.returncode != 0:
            return None, _failed(Path(command[0]).name, words, folder)
        out.seek(0)
        return out.read().decode("utf-8", "replace"), ""


def _wait(
    process: subprocess.Popen[bytes], out: IO[bytes], words: IO[bytes], limit_seconds: float
) -> str:
    """Wait until the tool ends; why it was ended, where it had to be."""
    name = Path(str(process.args[0])).name if isinstance(process.args, list) else "the tool"
    deadline = time.monotonic() + limit_seconds
    trouble = ""
    while process.poll() is None and not trouble:
        size = os.fstat(out.fileno()).st_size + os.fstat(words.fileno()).st_size
        if size > MAX_OUTPUT_BYTES:
            trouble = f"{name} wrote more than {MAX_OUTPUT_BYTES:,} bytes"
        elif time.monotonic() > deadline:
            trouble = f"{name} was not done after {limit_seconds:g} seconds"
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_SECONDS)
    if trouble:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    elif os.fstat(out.fileno()).st_size > MAX_OUTPUT_BYTES:
        trouble = f"{name} wrote more than {MAX_OUTPUT_BYTES:,} bytes"
    return trouble


def _failed(name: str, words: IO[bytes], folder: Path) -> str:
    """What the tool said, on one line and without this machine's paths."""
    words.seek(0)
    text = words.read(64 * 1024).decode("utf-8", "replace")
    text = text.replace(f"{folder.resolve()}/", "").replace(str(folder.resolve()), folder.name)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = " ".join(lines).removeprefix("Error: ")[:_MAX_WORDS]
    if "missing in charts/" in said or "dependencies" in said:
        return f"the chart's dependencies are not in its folder (helm dependency build): {said}"
    return f"{name} says: {said}" if said else f"{name} failed and said nothing"
