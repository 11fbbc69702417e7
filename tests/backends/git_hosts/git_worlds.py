"""The four Git hosts as tests drive them: one repository each, and what somebody else does to it."""

import os
import pathlib
import subprocess
from dataclasses import dataclass, field

from git_model import Model
from git_stand_ins import ORIGIN, STAND_INS, StandIn

from telford.backends.git_hosts import connecting
from telford.backends.git_hosts.wire import Limits
from telford.ports.git import GitHost

HOSTS = ("git", "github", "gitlab", "gitea")
FILES = {"deploy/prod/orders.yaml": "image: one\n", "deploy/prod/other.yaml": "keep: me\n"}


@dataclass
class GitWorld:
    """`host` is ours; `behind` the stand-in, None for bare Git."""

    host: GitHost
    behind: StandIn | None
    folder: pathlib.Path
    slept: list[float] = field(default_factory=list)

    def push(self, files: dict[str, str], message: str = "theirs", branch: str = "main") -> str:
        """Somebody else's commit."""
        if self.behind is not None:
            model = self.behind.model
            parent = model.branches[branch]
            made = model.add(parent, message, {**model.commits[parent].files, **files})
            model.branches[branch] = made
            return made
        return push(self.folder, files, message, branch)

    def files(self, branch: str = "main") -> dict[str, str]:
        """What lies there."""
        if self.behind is not None:
            return dict(self.behind.model.files(branch) or {})
        return checkout(self.folder, branch)


def world_of(kind: str, tmp_path: pathlib.Path) -> GitWorld:
    slept: list[float] = []
    if kind == "git":
        origin = tmp_path / "origin.git"
        bare(origin, FILES)
        remote = connecting.Remote("git", str(origin))
        host = connecting.connect(remote, tmp_path / "kept", {})
        return GitWorld(host, None, origin, slept)
    model = Model()
    model.begin(FILES)
    stand_in = STAND_INS[kind](model)
    remote = connecting.Remote(kind, f"{ORIGIN}/{model.repository}.git", "env:GIT_TOKEN")
    host = connecting.connect(
        remote,
        tmp_path,
        {"GIT_TOKEN": model.token},
        limits=Limits(longest_wait_seconds=30),
        transport=stand_in.transport(),
        sleep=slept.append,
    )
    return GitWorld(host, stand_in, tmp_path, slept)


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
