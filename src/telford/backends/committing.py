"""A commit of some files in the work tree that they lie in, and of nothing else.

What a person has staged stays staged. No hook runs: what an estate's folder holds is never executed
by editing it. Called by `telford.app.setting`.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from telford.basics.errors import PermanentError, RefusedError

LIMIT_SECONDS = 60.0
_NEUTRAL = ("--no-pager", "--literal-pathspecs", "-c", "core.hooksPath=/dev/null")


def commit(paths: Sequence[Path], message: str) -> str:
    """The new commit's id. Raises `RefusedError` where the files are in no work tree or nothing
    changed, `PermanentError` where Git gives up.
    """
    folder = paths[0].absolute().parent if paths else Path()
    if not paths or _call(folder, ["rev-parse", "--is-inside-work-tree"]).returncode:
        raise RefusedError(
            "there is nothing that Git could commit here",
            fix="run it in the estate's work tree; what was written stays",
        )
    names = [str(path.absolute()) for path in paths]
    _must(folder, ["add", "--", *names])
    _must(folder, ["commit", "--quiet", "--no-verify", "-m", message, "--", *names])
    return _must(folder, ["rev-parse", "HEAD"])


def _must(folder: Path, arguments: Sequence[str]) -> str:
    done = _call(folder, arguments)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise PermanentError(
            f"git {arguments[0]} failed: {said}", fix="what was written stays: commit it by hand"
        )
    return done.stdout.decode().strip()


def _call(folder: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_DIR")}
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *_NEUTRAL, *arguments],
            capture_output=True,
            env={**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise PermanentError("git is not installed", fix="install Git") from error
    except subprocess.TimeoutExpired as error:
        raise PermanentError(f"git did not answer within {LIMIT_SECONDS:g} s") from error
