"""GitLab's REST API v4 as a `GitHost`: https://docs.gitlab.com/api/ (branches, files, commits,
merge requests).

GitLab makes commits on its own side and knows no expected head of a whole branch. What it compares
is each file's `last_commit_id`; every commit of ours changes the place's own record of releases, so
two controllers cannot both win. A commit is always a fast-forward there.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from telford.backends.git_hosts.github import AUTHOR, EMAIL
from telford.backends.git_hosts.wire import Answer, Wire
from telford.basics.errors import PermanentError
from telford.ports.git import CLOSED, MERGED, OPEN, ChangeRequest, MovedError, Submission

_STATES = {"opened": OPEN, "locked": OPEN, "merged": MERGED, "closed": CLOSED}
_STALE = ("has changed since", "already exists", "doesn't exist", "does not exist")


def headers(token: Callable[[], str]) -> Callable[[], Mapping[str, str]]:
    """What every request carries."""
    return lambda: {"PRIVATE-TOKEN": token()}


class GitLab:
    """One project (``group/name``, any depth)."""

    def __init__(self, wire: Wire, repository: str) -> None:
        self._wire = wire
        self._root = f"/projects/{quote(repository, safe='')}"

    @property
    def name(self) -> str:
        """See `GitHost.name`."""
        return self._wire.name

    def head(self, branch: str) -> str:
        """See `GitHost.head`."""
        answer = self._wire.get(f"{self._root}/repository/branches/{quote(branch, safe='')}")
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
        if now != wanted.expected and (now or not wanted.create):
            raise MovedError(f"the branch {wanted.branch} of {self.name} has moved on")
        body: dict[str, Any] = {
            "branch": wanted.branch,
            "commit_message": wanted.message,
            "author_name": AUTHOR,
            "author_email": EMAIL,
            "actions": list(self._actions(wanted)),
        }
        if not now:
            body["start_sha"] = wanted.expected
        answer = self._wire.send("POST", f"{self._root}/repository/commits", body)
        if answer.status in (400, 409) and (now == "" or any(s in answer.why for s in _STALE)):
            raise MovedError(f"{self.name} refused the commit: {answer.why}")
        return str(self._well(answer)["id"])

    def find(self, branch: str, line: str) -> str:
        """See `GitHost.find`."""
        if not self.head(branch):
            return ""
        asked = {"ref_name": branch, "per_page": "100"}
        for one in self._wire.pages(f"{self._root}/repository/commits", asked):
            if line in one["message"].splitlines():
                return str(one["id"])
        return ""

    def request(self, branch: str, into: str) -> ChangeRequest | None:
        """See `GitHost.request`."""
        asked = {"source_branch": branch, "target_branch": into, "state": "all"}
        found = list(self._wire.pages(f"{self._root}/merge_requests", asked))
        newest = max(found, key=lambda one: int(one["iid"]), default=None)
        return None if newest is None else _request(newest)

    def open_request(self, branch: str, into: str, title: str, body: str) -> ChangeRequest:
        """See `GitHost.open_request`."""
        known = self.request(branch, into)
        if known is not None and known.state != CLOSED:
            return known
        answer = self._wire.send(
            "POST",
            f"{self._root}/merge_requests",
            {
                "source_branch": branch,
                "target_branch": into,
                "title": title,
                "description": body,
                "remove_source_branch": True,
            },
        )
        if answer.status == 409:  # somebody else was faster
            known = self.request(branch, into)
            if known is None or known.state == CLOSED:
                raise self._wire.unexpected(answer)
            return known
        return _request(self._well(answer))

    def merge(self, asked: ChangeRequest) -> ChangeRequest:
        """See `GitHost.merge`."""
        answer = self._wire.send(
            "PUT", f"{self._root}/merge_requests/{asked.number}/merge", {"sha": asked.head}
        )
        if answer.ok:
            return _request(self._well(answer))
        now = self.request(asked.branch, asked.into)
        if now is not None and now.state == MERGED:
            return now
        if answer.status == 409:
            raise MovedError(f"{self.name}: the merge request has moved on: {answer.why}")
        raise PermanentError(
            f"{self.name} does not merge it ({answer.status}): {answer.why}",
            fix="let somebody review it there, or mend what keeps it from being merged",
        )

    def _actions(self, wanted: Submission) -> Iterator[dict[str, Any]]:
        for path, text in sorted(wanted.files.items()):
            known = self._file(path, wanted.expected)
            if text is None and known is None:
                continue
            action: dict[str, Any] = {"file_path": path}
            if known is not None:
                action["last_commit_id"] = known["last_commit_id"]
            if text is None:
                yield action | {"action": "delete"}
                continue
            content = base64.b64encode(text.encode()).decode()
            what = "create" if known is None else "update"
            yield action | {"action": what, "content": content, "encoding": "base64"}

    def _file(self, path: str, ref: str) -> Mapping[str, Any] | None:
        where = f"{self._root}/repository/files/{quote(path, safe='')}"
        answer = self._wire.get(where, {"ref": ref})
        if answer.status == 404:
            return None
        found: Mapping[str, Any] = self._well(answer)
        return found

    def _well(self, answer: Answer) -> Any:
        if not answer.ok or not isinstance(answer.body, dict):
            raise self._wire.unexpected(answer)
        return answer.body


def _request(one: Mapping[str, Any]) -> ChangeRequest:
    return ChangeRequest(
        branch=str(one["source_branch"]),
        into=str(one["target_branch"]),
        number=int(one["iid"]),
        state=_STATES.get(one["state"], OPEN),
        url=str(one["web_url"]),
        head=str(one["sha"]),
    )
