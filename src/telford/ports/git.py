"""Where a Git repository is kept, as delivery asks of it: read, commit fast-forward, change requests.

One protocol for a bare repository and for the three hosts with an HTTP API. Everything is idempotent
and bounded in time; a commit names the head that it stands on, so that whoever was overtaken is
told (`MovedError`) instead of overwriting. Adapters: `telford.backends.git_hosts`. Called by
`telford.flows.gitops` and `telford.app.gitops`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from telford.basics.errors import TemporaryError

OPEN, MERGED, CLOSED = "open", "merged", "closed"


class MovedError(TemporaryError):
    """The branch, or a file on it, is not what the commit stood on: read again and decide again."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A commit to be made: `files` by path, None takes one away. `expected` is the commit that it
    stands on; where `create` is set the branch begins there, else it must be the branch's head.
    `at` (epoch seconds) is the commit's date, so that making it twice makes the same one.
    """

    branch: str
    expected: str
    message: str
    files: Mapping[str, str | None]
    at: float
    create: bool = False


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A pull or merge request: `number` is the host's own (0 where the host has none), `state` one
    of open, merged and closed, `head` the newest commit of its branch.
    """

    branch: str
    into: str
    number: int
    state: str
    url: str
    head: str


class GitHost(Protocol):
    """One repository.

    Raises `TemporaryError` where the host cannot be reached, is busy or answers nonsense,
    `PermanentError` where it does not know who asks or has no such repository.
    """

    @property
    def name(self) -> str:
        """What people call it; holds no secret."""
        ...

    def head(self, branch: str) -> str:
        """The newest commit of a branch, "" where there is no such branch."""
        ...

    def read(self, path: str, ref: str) -> str | None:
        """A file's text at a commit, None where there is none."""
        ...

    def commit(self, wanted: Submission) -> str:
        """Make a commit, fast-forward only; its id. Raises `MovedError` where it does not stand on the
        newest state.
        """
        ...

    def find(self, branch: str, line: str) -> str:
        """The newest commit of a branch whose message has this line, among the last few hundred;
        "" where there is none.
        """
        ...

    def request(self, branch: str, into: str) -> ChangeRequest | None:
        """The newest change request of a branch, None where it never had one."""
        ...

    def open_request(self, branch: str, into: str, title: str, body: str) -> ChangeRequest:
        """Ask for a branch to be merged; one that is open already is given back."""
        ...

    def merge(self, asked: ChangeRequest) -> ChangeRequest:
        """Merge it as it was seen. Raises `MovedError` where its head is another one by now,
        `PermanentError` where the host does not allow it.
        """
        ...
