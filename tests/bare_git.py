"""Bare repositories of tests, and what somebody else pushes to them."""

import os
import pathlib
import subprocess


def bare(origin: pathlib.Path, files: dict[str, str]) -> None:
    """A bare repository with one commit on main."""
    git("init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    work = origin.parent / f"{origin.name}-begin"
    git("init", "--quiet", "--initial-branch=main", str(work))
    _write(work, files)
    git("-C", str(work), "add", ".")
    git("-C", str(work), "commit", "--quiet", "-m", "begin")
    git("-C", str(work), "push", "--quiet", str(origin), "main")


def push(origin: pathlib.Path, files: dict[str, str], message: str, branch: str = "main") -> str:
    work = origin.parent / f"{origin.name}-theirs"
    if not work.exists():
        git("clone", "--quiet", str(origin), str(work))
    git("-C", str(work), "fetch", "--quiet", "origin")
    git("-C", str(work), "checkout", "--quiet", "-B", branch, f"origin/{branch}")
    _write(work, files)
    git("-C", str(work), "add", ".")
    git("-C", str(work), "commit", "--quiet", "-m", message)
    git("-C", str(work), "push", "--quiet", "origin", branch)
    return git("-C", str(work), "rev-parse", "HEAD").strip()


def checkout(origin: pathlib.Path, branch: str = "main") -> dict[str, str]:
    names = git("-C", str(origin), "ls-tree", "-r", "--name-only", branch).split("\n")
    return {one: git("-C", str(origin), "show", f"{branch}:{one}") for one in names if one}


def log(origin: pathlib.Path, branch: str = "main") -> list[str]:
    """Whole messages, newest first."""
    said = git("-C", str(origin), "log", "--format=%B%x00", branch)
    return [one.strip() for one in said.split("\0") if one.strip()]


def git(*arguments: str) -> str:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    who = {f"GIT_{role}_{what}": "ann@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}  # fmt: skip
    done = subprocess.run(
        ["git", *arguments],
        capture_output=True,
        check=True,
        text=True,
        env={**kept, **who, "GIT_CONFIG_GLOBAL": "/dev/null"},
    )
    return done.stdout


def _write(work: pathlib.Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text)
