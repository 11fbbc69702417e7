"""A repository in memory, as the three stand-ins of Git hosts share it: commits, branches, requests."""

import hashlib
import json
from dataclasses import dataclass, field


@dataclass
class Commit:
    id: str
    parent: str
    message: str
    files: dict[str, str]


@dataclass
class Asked:
    number: int
    branch: str
    into: str
    title: str
    state: str = "open"
    merged: bool = False


@dataclass
class Model:
    """`repository` is ``owner/name``; `token` what is let in."""

    repository: str = "shop/delivery"
    token: str = "s3cr3t-token"
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    trees: dict[str, dict[str, str]] = field(default_factory=dict)

    def begin(self, files: dict[str, str], branch: str = "main") -> str:
        commit = self.add("", "begin", files)
        self.branches[branch] = commit
        return commit

    def add(self, parent: str, message: str, files: dict[str, str]) -> str:
        text = json.dumps([parent, message, sorted(files.items())])
        made = hashlib.sha1(text.encode()).hexdigest()
        self.commits[made] = Commit(made, parent, message, dict(files))
        return made

    def files(self, ref: str) -> dict[str, str] | None:
        commit = self.commits.get(self.branches.get(ref, ref))
        return None if commit is None else commit.files

    def log(self, ref: str) -> list[Commit]:
        found, at = [], self.branches.get(ref, ref)
        while at:
            found.append(self.commits[at])
            at = found[-1].parent
        return found

    def holds(self, ref: str, commit: str) -> bool:
        return any(one.id == commit for one in self.log(ref))

    def last_change(self, ref: str, path: str) -> str:
        log = self.log(ref)
        for one, before in zip(log, [*log[1:], None], strict=True):
            if before is None or before.files.get(path) != one.files.get(path):
                return one.id
        return ""

    def merge(self, one: Asked) -> str:
        """A merge commit where both moved, else a fast-forward."""
        head, target = self.branches[one.branch], self.branches[one.into]
        if self.holds(head, target):
            self.branches[one.into] = head
        else:
            merged = {**self.commits[target].files, **self.commits[head].files}
            made = self.add(target, f"Merge {one.branch}\n\n{self.commits[head].message}", merged)
            self.branches[one.into] = made
        one.merged, one.state = True, "closed"
        return self.branches[one.into]


def blob(text: str) -> str:
    data = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
