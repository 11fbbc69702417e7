"""GitHub's REST API as a `GitHost`: https://docs.github.com/en/rest (git data, contents, pulls).

A commit is a tree, a commit and an update of the reference without force, so that what is not a
fast-forward is refused by GitHub itself (422).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from telford.backends.git_hosts import rest
from telford.backends.git_hosts.wire import Answer, Wire
from telford.ports.git import ChangeRequest, MovedError, Submission

VERSION = "2022-11-28"
_RAW = "application/vnd.github.raw+json"
_MODE = "100644"


def headers(token: Callable[[], str]) -> Callable[[], Mapping[str, str]]:
    """What every request carries."""
    return lambda: {"Authorization": f"Bearer {token()}", "X-GitHub-Api-Version": VERSION}


class GitHub(rest.Rest):
    """One repository (``owner/name``)."""

    def __init__(self, wire: Wire, repository: str) -> None:
        super().__init__(wire, f"/repos/{repository}")
        self._owner = repository.partition("/")[0]

    def head(self, branch: str) -> str:
        """See `GitHost.head`."""
        answer = self._wire.get(f"{self._root}/git/ref/heads/{quote(branch)}")
        if answer.status in (404, 409):  # no such branch, an empty repository
            self._require_repository()
            return ""
        return str(self._well(answer)["object"]["sha"])

    def read(self, path: str, ref: str) -> str | None:
        """See `GitHost.read`. Raw, because base64 ends at a megabyte there."""
        answer = self._wire.get(self._where(path), {"ref": ref}, accept=_RAW)
        if answer.status == 404:
            return None
        if not answer.ok or not isinstance(answer.body, str):  # a folder is a list
            raise self._wire.unexpected(answer)
        return answer.body

    def commit(self, wanted: Submission) -> str:
        """See `GitHost.commit`."""
        self._expected(wanted)
        base = self._well(self._wire.get(f"{self._root}/git/commits/{wanted.expected}"))
        tree = self._made(
            "/git/trees", {"base_tree": base["tree"]["sha"], "tree": _entries(wanted.files)}
        )
        who = {"name": rest.AUTHOR, "email": rest.EMAIL, "date": rest.date(wanted.at)}
        made = self._made(
            "/git/commits",
            {
                "message": wanted.message,
                "tree": tree["sha"],
                "parents": [wanted.expected],
                "author": who,
                "committer": who,
            },
        )
        self._point(wanted, str(made["sha"]))
        return str(made["sha"])

    def request(self, branch: str, into: str) -> ChangeRequest | None:
        """See `GitHost.request`."""
        asked = {"head": f"{self._owner}:{branch}", "base": into, "state": "all"}
        answer = self._wire.get(f"{self._root}/pulls", {**asked, "per_page": "100"})
        if not answer.ok or not isinstance(answer.body, list):
            raise self._wire.unexpected(answer)
        found = [one for one in answer.body if one["head"]["ref"] == branch]
        newest = max(found, key=lambda one: int(one["number"]), default=None)
        return None if newest is None else rest.pull(newest)

    def merge(self, asked: ChangeRequest) -> ChangeRequest:
        """See `GitHost.merge`."""
        answer = self._wire.send(
            "PUT",
            f"{self._root}/pulls/{asked.number}/merge",
            {"sha": asked.head, "merge_method": "merge"},
        )
        if not answer.ok:
            return self._not_merged(asked, answer)
        return rest.pull(self._well(self._wire.get(f"{self._root}/pulls/{asked.number}")))

    def _where(self, path: str) -> str:
        return f"{self._root}/contents/{quote(path)}"

    def _commits(self, branch: str) -> Iterator[tuple[str, str]]:
        asked = {"sha": branch, "per_page": "100"}
        for one in self._wire.pages(f"{self._root}/commits", asked):
            yield str(one["sha"]), str(one["commit"]["message"])

    def _propose(self, branch: str, into: str, title: str, body: str) -> Answer:
        asked = {"title": title, "body": body, "head": branch, "base": into}
        return self._wire.send("POST", f"{self._root}/pulls", asked)

    def _seen(self, one: Mapping[str, Any]) -> ChangeRequest:
        return rest.pull(one)

    def _point(self, wanted: Submission, commit: str) -> None:
        """Let the branch be at the commit: made anew, or moved forward without force."""
        if wanted.create and not self.head(wanted.branch):
            answer = self._wire.send(
                "POST",
                f"{self._root}/git/refs",
                {"ref": f"refs/heads/{wanted.branch}", "sha": commit},
            )
        else:
            answer = self._wire.send(
                "PATCH",
                f"{self._root}/git/refs/heads/{quote(wanted.branch)}",
                {"sha": commit, "force": False},
            )
        if answer.status in (409, 422):
            raise MovedError(f"{self.name} refused the commit: {answer.why}")
        self._well(answer)

    def _made(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._well(self._wire.send("POST", self._root + path, body))

    def _require_repository(self) -> None:
        self._well(self._wire.get(self._root))


def _entries(files: Mapping[str, str | None]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for path, text in sorted(files.items()):
        entry: dict[str, Any] = {"path": path, "mode": _MODE, "type": "blob"}
        entries.append(entry | ({"sha": None} if text is None else {"content": text}))
    return entries
