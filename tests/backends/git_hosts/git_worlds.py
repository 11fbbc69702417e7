"""The four Git hosts as tests drive them: one repository each, and what somebody else does to it."""

import pathlib
from dataclasses import dataclass, field

from bare_git import bare, checkout, push
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
