"""Gitea's (and Forgejo's) API v1 as a `GitHost`: https://docs.gitea.com/api/ (branches, contents,
commits, pulls), version 1.20 or newer.

Gitea makes commits on its own side; each changed file names the blob that it replaces (`sha`), which
is its optimistic lock. Every commit of ours changes the place's own record of releases, so two
controllers cannot both win.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from telford.backends.git_hosts.github import AUTHOR, EMAIL
from telford.backends.git_hosts.wire import Answer, Wire
from telford.basics.errors import PermanentError
from telford.ports.git import CLOSED, MERGED, OPEN, ChangeRequest, MovedError, Submission


def headers(token: Callable[[], str]) -> Callable[[], Mapping[str, str]]:
    """What every request carries."""
    return lambda: {"Authorization": f"token {token()}"}


class Gitea:
    """One repository (``owner/name``)."""

    def __init__(self, wire: Wire, repository: str) -> None:
        self._wire = wire
        self._root = f"/repos/{repository}"

    @property
    def name(self) -> str:
        """See `GitHost.name`."""
        return self._wire.name

    def head(self, branch: str) -> str:
        """See `GitHost.head`."""
        answer = self._wire.get(f"{self._root}/branches/{quote(branch, safe='')}")
        if answer.status == 404:
            self._well(self._wire.get(self._root))
            return ""
        return str(self._well(answer)["commit"]["id"])

    def read(self, path: str, ref: str) -> str | None:
        """See `GitHost.read`."""
        found = self._file(path, ref)
        if found is None:
            return None
        return base64.b64decode(found["content"]).decode("utf-8", "replace")

    def commit(self, wanted: Submission) -> str:
        """See `GitHost.commit`."""
        now = self.head(wanted.branch)
        if not now and wanted.create:
            self._branch_off(wanted)
        elif now != wanted.expected:
            raise MovedError(f"the branch {wanted.branch} of {self.name} has moved on")
        date = datetime.fromtimestamp(wanted.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        who = {"name": AUTHOR, "email": EMAIL}
        answer = self._wire.send(
            "POST",
            f"{self._root}/contents",
            {
                "branch": wanted.branch,
                "message": wanted.message,
                "files": list(self._files(wanted)),
                "author": who,
                "committer": who,
                "dates": {"author": date, "committer": date},
            },
        )
        if answer.status in (404, 409, 422):
            raise MovedError(f"{self.name} refused the commit: {answer.why}")
        return str(self._well(answer)["commit"]["sha"])

    def find(self, branch: str, line: str) -> str:
        """See `GitHost.find`."""
        if not self.head(branch):
            return ""
        asked = {"sha": branch, "limit": "50", "stat": "false", "files": "false"}
        for one in self._wire.pages(f"{self._root}/commits", asked):
            if line in one["commit"]["message"].splitlines():
                return str(one["sha"])
        return ""

    def request(self, branch: str, into: str) -> ChangeRequest | None:
        """See `GitHost.request`."""
        asked = {"state": "all", "sort": "newest", "limit": "50"}
        for one in self._wire.pages(f"{self._root}/pulls", asked):
            if one["head"]["ref"] == branch and one["base"]["ref"] == into:
                return _request(one)
        return None

    def open_request(self, branch: str, into: str, title: str, body: str) -> ChangeRequest:
        """See `GitHost.open_request`."""
        known = self.request(branch, into)
        if known is not None and known.state != CLOSED:
            return known
        asked = {"title": title, "body": body, "head": branch, "base": into}
        answer = self._wire.send("POST", f"{self._root}/pulls", asked)
        if answer.status in (409, 422):  # somebody else was faster
            known = self.request(branch, into)
            if known is None or known.state == CLOSED:
                raise self._wire.unexpected(answer)
            return known
        return _request(self._well(answer))

    def merge(self, asked: ChangeRequest) -> ChangeRequest:
        """See `GitHost.merge`."""
        answer = self._wire.send(
            "POST",
            f"{self._root}/pulls/{asked.number}/merge",
            {"Do": "merge", "head_commit_id": asked.head},
        )
        now = self.request(asked.branch, asked.into)
        if now is not None and now.state == MERGED:
            return now
        if answer.status == 409 or answer.ok:
            raise MovedError(f"{self.name}: the change request has moved on: {answer.why}")
        raise PermanentError(
            f"{self.name} does not merge it ({answer.status}): {answer.why}",
            fix="let somebody review it there, or mend what keeps it from being merged",
        )

    def _branch_off(self, wanted: Submission) -> None:
        asked = {"new_branch_name": wanted.branch, "old_ref_name": wanted.expected}
        answer = self._wire.send("POST", f"{self._root}/branches", asked)
        if answer.status == 409:
            raise MovedError(f"the branch {wanted.branch} of {self.name} has come to be meanwhile")
        self._well(answer)

    def _files(self, wanted: Submission) -> Iterator[dict[str, Any]]:
        for path, text in sorted(wanted.files.items()):
            known = self._file(path, wanted.expected)
            if text is None and known is None:
                continue
            file: dict[str, Any] = {"path": path}
            if known is not None:
                file["sha"] = known["sha"]
            if text is None:
                yield file | {"operation": "delete"}
                continue
            content = base64.b64encode(text.encode()).decode()
            yield file | {"operation": "create" if known is None else "update", "content": content}

    def _file(self, path: str, ref: str) -> Mapping[str, Any] | None:
        answer = self._wire.get(f"{self._root}/contents/{quote(path)}", {"ref": ref})
        if answer.status == 404:
            return None
        found: Mapping[str, Any] = self._well(answer)
        return found

    def _well(self, answer: Answer) -> Any:
        if not answer.ok or not isinstance(answer.body, dict):
            raise self._wire.unexpected(answer)
        return answer.body


def _request(one: Mapping[str, Any]) -> ChangeRequest:
    state = MERGED if one.get("merged") else OPEN if one["state"] == "open" else CLOSED
    return ChangeRequest(
        branch=str(one["head"]["ref"]),
        into=str(one["base"]["ref"]),
        number=int(one["number"]),
        state=state,
        url=str(one["html_url"]),
        head=str(one["head"]["sha"]),
    )
