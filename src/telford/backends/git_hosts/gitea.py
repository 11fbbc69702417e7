"""Gitea's (and Forgejo's) API v1 as a `GitHost`: https://docs.gitea.com/api/ (branches, contents,
commits, pulls), version 1.20 or newer.

Gitea makes commits on its own side; each changed file names the blob that it replaces (`sha`), which
is its optimistic lock. Every commit of ours changes the place's own record of releases, so two
controllers cannot both win.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from telford.backends.git_hosts import rest
from telford.backends.git_hosts.wire import Answer, Wire
from telford.ports.git import ChangeRequest, MovedError, Submission


def headers(token: Callable[[], str]) -> Callable[[], Mapping[str, str]]:
    """What every request carries."""
    return lambda: {"Authorization": f"token {token()}"}


class Gitea(rest.Rest):
    """One repository (``owner/name``)."""

    def __init__(self, wire: Wire, repository: str) -> None:
        super().__init__(wire, f"/repos/{repository}")

    def head(self, branch: str) -> str:
        """See `GitHost.head`."""
        answer = self._wire.get(f"{self._root}/branches/{quote(branch, safe='')}")
        if answer.status == 404:
            self._well(self._wire.get(self._root))
            return ""
        return str(self._well(answer)["commit"]["id"])

    def commit(self, wanted: Submission) -> str:
        """See `GitHost.commit`."""
        if not self._expected(wanted) and wanted.create:
            self._branch_off(wanted)
        date, who = rest.date(wanted.at), {"name": rest.AUTHOR, "email": rest.EMAIL}
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

    def request(self, branch: str, into: str) -> ChangeRequest | None:
        """See `GitHost.request`."""
        asked = {"state": "all", "sort": "newest", "limit": "50"}
        for one in self._wire.pages(f"{self._root}/pulls", asked):
            if one["head"]["ref"] == branch and one["base"]["ref"] == into:
                return rest.pull(one)
        return None

    def merge(self, asked: ChangeRequest) -> ChangeRequest:
        """See `GitHost.merge`."""
        answer = self._wire.send(
            "POST",
            f"{self._root}/pulls/{asked.number}/merge",
            {"Do": "merge", "head_commit_id": asked.head},
        )
        # Its answer says nothing of the change request: what became of it is read.
        return self._not_merged(asked, answer)

    def _where(self, path: str) -> str:
        return f"{self._root}/contents/{quote(path)}"

    def _commits(self, branch: str) -> Iterator[tuple[str, str]]:
        asked = {"sha": branch, "limit": "50", "stat": "false", "files": "false"}
        for one in self._wire.pages(f"{self._root}/commits", asked):
            yield str(one["sha"]), str(one["commit"]["message"])

    def _propose(self, branch: str, into: str, title: str, body: str) -> Answer:
        asked = {"title": title, "body": body, "head": branch, "base": into}
        return self._wire.send("POST", f"{self._root}/pulls", asked)

    def _seen(self, one: Mapping[str, Any]) -> ChangeRequest:
        return rest.pull(one)

    def _branch_off(self, wanted: Submission) -> None:
        asked = {"new_branch_name": wanted.branch, "old_ref_name": wanted.expected}
        answer = self._wire.send("POST", f"{self._root}/branches", asked)
        if answer.status == 409:
            raise MovedError(f"the branch {wanted.branch} of {self.name} has come to be meanwhile")
        self._well(answer)

    def _files(self, wanted: Submission) -> Iterator[dict[str, Any]]:
        for path, known, content in self._changes(wanted):
            file: dict[str, Any] = {"path": path} | ({"sha": known["sha"]} if known else {})
            if content is None:
                yield file | {"operation": "delete"}
            else:
                yield file | {"operation": "update" if known else "create", "content": content}
