"""GitLab's REST API v4 as a `GitHost`: https://docs.gitlab.com/api/ (branches, files, commits,
merge requests).

GitLab makes commits on its own side and knows no expected head of a whole branch. What it compares
is each file's `last_commit_id`; every commit of ours changes the place's own record of releases, so
two controllers cannot both win. A commit is always a fast-forward there.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from telford.backends.git_hosts import rest
from telford.backends.git_hosts.wire import Answer, Wire
from telford.ports.git import CLOSED, MERGED, OPEN, ChangeRequest, MovedError, Submission

_STATES = {"opened": OPEN, "locked": OPEN, "merged": MERGED, "closed": CLOSED}
_STALE = ("has changed since", "already exists", "doesn't exist", "does not exist")


def headers(token: Callable[[], str]) -> Callable[[], Mapping[str, str]]:
    """What every request carries."""
    return lambda: {"PRIVATE-TOKEN": token()}


class GitLab(rest.Rest):
    """One project (``group/name``, any depth)."""

    def __init__(self, wire: Wire, repository: str) -> None:
        super().__init__(wire, f"/projects/{quote(repository, safe='')}")

    def head(self, branch: str) -> str:
        """See `GitHost.head`."""
        answer = self._wire.get(f"{self._root}/repository/branches/{quote(branch, safe='')}")
        if answer.status == 404:
            self._well(self._wire.get(self._root))
            return ""
        return str(self._well(answer)["commit"]["id"])

    def commit(self, wanted: Submission) -> str:
        """See `GitHost.commit`."""
        now = self._expected(wanted)
        body: dict[str, Any] = {
            "branch": wanted.branch,
            "commit_message": wanted.message,
            "author_name": rest.AUTHOR,
            "author_email": rest.EMAIL,
            "actions": list(self._actions(wanted)),
        }
        if not now:
            body["start_sha"] = wanted.expected
        answer = self._wire.send("POST", f"{self._root}/repository/commits", body)
        if answer.status in (400, 409) and (now == "" or any(s in answer.why for s in _STALE)):
            raise MovedError(f"{self.name} refused the commit: {answer.why}")
        return str(self._well(answer)["id"])

    def request(self, branch: str, into: str) -> ChangeRequest | None:
        """See `GitHost.request`."""
        asked = {"source_branch": branch, "target_branch": into, "state": "all"}
        found = list(self._wire.pages(f"{self._root}/merge_requests", asked))
        newest = max(found, key=lambda one: int(one["iid"]), default=None)
        return None if newest is None else self._seen(newest)

    def merge(self, asked: ChangeRequest) -> ChangeRequest:
        """See `GitHost.merge`."""
        answer = self._wire.send(
            "PUT", f"{self._root}/merge_requests/{asked.number}/merge", {"sha": asked.head}
        )
        return self._seen(self._well(answer)) if answer.ok else self._not_merged(asked, answer)

    def _where(self, path: str) -> str:
        return f"{self._root}/repository/files/{quote(path, safe='')}"

    def _commits(self, branch: str) -> Iterator[tuple[str, str]]:
        asked = {"ref_name": branch, "per_page": "100"}
        for one in self._wire.pages(f"{self._root}/repository/commits", asked):
            yield str(one["id"]), str(one["message"])

    def _propose(self, branch: str, into: str, title: str, body: str) -> Answer:
        asked = {
            "source_branch": branch,
            "target_branch": into,
            "title": title,
            "description": body,
            "remove_source_branch": True,
        }
        return self._wire.send("POST", f"{self._root}/merge_requests", asked)

    def _seen(self, one: Mapping[str, Any]) -> ChangeRequest:
        return ChangeRequest(
            branch=str(one["source_branch"]),
            into=str(one["target_branch"]),
            number=int(one["iid"]),
            state=_STATES.get(one["state"], OPEN),
            url=str(one["web_url"]),
            head=str(one["sha"]),
        )

    def _actions(self, wanted: Submission) -> Iterator[dict[str, Any]]:
        for path, known, content in self._changes(wanted):
            action: dict[str, Any] = {"file_path": path}
            if known:
                action["last_commit_id"] = known["last_commit_id"]
            if content is None:
                yield action | {"action": "delete"}
                continue
            what = "update" if known else "create"
            yield action | {"action": what, "content": content, "encoding": "base64"}
