"""What the HTTP hosts have in common: one repository behind a REST API.

A host says where things are and how its answers read; what follows from that is here: reading a file
as its API gives it, finding a commit by a line of its message, taking the change request of whoever
was faster, and telling "it has moved on" from "it is not allowed". Base of `github`, `gitlab` and
`gitea`.
"""

import base64
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from telford.backends.git_hosts.wire import Answer, Wire
from telford.basics.errors import PermanentError
from telford.ports.git import CLOSED, MERGED, OPEN, ChangeRequest, MovedError, Submission

AUTHOR, EMAIL = "Telford", "telford@users.noreply.invalid"
_NOT_THERE, _CONFLICT = 404, 409
# One is open already, or there is nothing to merge: GitLab says 409, GitHub 422, Gitea either.
_NOT_OPENED = frozenset({409, 422})


class Rest(ABC):
    """One repository at `root` of the API."""

    def __init__(self, wire: Wire, root: str) -> None:
        self._wire = wire
        self._root = root

    @property
    def name(self) -> str:
        """See `GitHost.name`."""
        return self._wire.name

    @abstractmethod
    def head(self, branch: str) -> str:
        """See `GitHost.head`."""

    @abstractmethod
    def request(self, branch: str, into: str) -> ChangeRequest | None:
        """See `GitHost.request`."""

    @abstractmethod
    def _where(self, path: str) -> str:
        """Where the API has a file, its content as base64."""

    @abstractmethod
    def _commits(self, branch: str) -> Iterator[tuple[str, str]]:
        """Each commit's id and message, newest first."""

    @abstractmethod
    def _propose(self, branch: str, into: str, title: str, body: str) -> Answer:
        """Ask for a new change request."""

    @abstractmethod
    def _seen(self, one: Mapping[str, Any]) -> ChangeRequest:
        """A change request as the API shows it."""

    def read(self, path: str, ref: str) -> str | None:
        """See `GitHost.read`."""
        found = self._file(path, ref)
        if found is None:
            return None
        return base64.b64decode(found["content"]).decode("utf-8", "replace")

    def find(self, branch: str, line: str) -> str:
        """See `GitHost.find`."""
        if not self.head(branch):
            return ""
        found = (one for one, message in self._commits(branch) if line in message.splitlines())
        return next(found, "")

    def open_request(self, branch: str, into: str, title: str, body: str) -> ChangeRequest:
        """See `GitHost.open_request`."""
        known = self.request(branch, into)
        if known is not None and known.state != CLOSED:
            return known
        answer = self._propose(branch, into, title, body)
        if answer.status in _NOT_OPENED:
            known = self.request(branch, into)
            if known is None or known.state == CLOSED:
                raise self._wire.unexpected(answer)
            return known
        return self._seen(self._well(answer))

    def _not_merged(self, asked: ChangeRequest, answer: Answer) -> ChangeRequest:
        """What somebody else has merged meanwhile. Raises `MovedError` or `PermanentError`."""
        now = self.request(asked.branch, asked.into)
        if now is not None and now.state == MERGED:
            return now
        if answer.status == _CONFLICT or answer.ok:
            raise MovedError(f"{self.name}: the change request has moved on: {answer.why}")
        raise PermanentError(
            f"{self.name} does not merge it ({answer.status}): {answer.why}",
            fix="let somebody review it there, or mend what keeps it from being merged",
        )

    def _expected(self, wanted: Submission) -> str:
        """The branch's head, "" where it is to be made. Raises `MovedError` where it is another."""
        now = self.head(wanted.branch)
        if now != wanted.expected and (now or not wanted.create):
            raise MovedError(f"the branch {wanted.branch} of {self.name} has moved on")
        return now

    def _changes(self, wanted: Submission) -> Iterator[tuple[str, Mapping[str, Any], str | None]]:
        """Each path that changes: the file as it is there ({} for none), and the text that it gets,
        as base64 (None: it goes).
        """
        for path, text in sorted(wanted.files.items()):
            known = self._file(path, wanted.expected) or {}
            if text is not None:
                yield path, known, base64.b64encode(text.encode()).decode()
            elif known:
                yield path, known, None

    def _file(self, path: str, ref: str) -> Mapping[str, Any] | None:
        answer = self._wire.get(self._where(path), {"ref": ref})
        if answer.status == _NOT_THERE:
            return None
        found: Mapping[str, Any] = self._well(answer)
        return found

    def _well(self, answer: Answer) -> Any:
        if not answer.ok or not isinstance(answer.body, dict):
            raise self._wire.unexpected(answer)
        return answer.body


def date(at: float) -> str:
    """Epoch seconds as GitHub and Gitea write them."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pull(one: Mapping[str, Any]) -> ChangeRequest:
    """A pull request as GitHub and Gitea show it; in lists GitHub says only when it was merged."""
    merged = one.get("merged_at") or one.get("merged")
    return ChangeRequest(
        branch=str(one["head"]["ref"]),
        into=str(one["base"]["ref"]),
        number=int(one["number"]),
        state=MERGED if merged else OPEN if one["state"] == "open" else CLOSED,
        url=str(one["html_url"]),
        head=str(one["head"]["sha"]),
    )
