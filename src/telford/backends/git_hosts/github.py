"""GitHub's REST API as a `GitHost`: https://docs.github.com/en/rest (git data, contents, pulls).

A commit is a tree, a commit and an update of the reference without force, so that what is not a
fast-forward is refused by GitHub itself (422).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from telford.backends.git_hosts.wire import Answer, Wire
from telford.basics.errors import PermanentError
from telford.ports.git import CLOSED, MERGED, OPEN, ChangeRequest, MovedError, Submission

VERSION = "2022-11-28"
_RAW = "application/vnd.github.raw+json"
_MODE = "100644"
AUTHOR, EMAIL = "Telford", "telford@users.noreply.invalid"


def headers(token: Callable[[], str]) -> Callable[[], Mapping[str, str]]:
    """What every request carries."""
    return lambda: {"Authorization": f"Bearer {token()}", "X-GitHub-Api-Version": VERSION}


class GitHub:
    """One repository (``owner/name``)."""

    def __init__(self, wire: Wire, repository: str) -> None:
        self._wire = wire
        self._owner = repository.partition("/")[0]
        self._root = f"/repos/{repository}"

    @property
    def name(self) -> str:
        """See `GitHost.name`."""
        return self._wire.name

    def head(self, branch: str) -> str:
        """See `GitHost.head`."""
        answer = self._wire.get(f"{self._root}/git/ref/heads/{quote(branch)}")
        if answer.status in (404, 409):  # no such branch, an empty repository
            self._require_repository()
            return ""
        return str(self._well(answer)["object"]["sha"])

    def read(self, path: str, ref: str) -> str | None:
        """See `GitHost.read`."""
        answer = self._wire.get(f"{self._root}/contents/{quote(path)}", {"ref": ref}, accept=_RAW)
        if answer.status == 404:
            return None
        if not answer.ok:
            raise self._wire.unexpected(answer)
        return str(answer.body)

    def commit(self, wanted: Submission) -> str:
        """See `GitHost.commit`."""
        self._require_expected(wanted)
        base = self._well(self._wire.get(f"{self._root}/git/commits/{wanted.expected}"))
        tree = self._made(
            "/git/trees", {"base_tree": base["tree"]["sha"], "tree": _entries(wanted.files)}
        )
        who = {"name": AUTHOR, "email": EMAIL, "date": _date(wanted.at)}
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

    def find(self, branch: str, line: str) -> str:
        """See `GitHost.find`."""
        if not self.head(branch):
            return ""
        for one in self._wire.pages(f"{self._root}/commits", {"sha": branch, "per_page": "100"}):
            if line in one["commit"]["message"].splitlines():
                return str(one["sha"])
        return ""

    def request(self, branch: str, into: str) -> ChangeRequest | None:
        """See `GitHost.request`."""
        asked = {"head": f"{self._owner}:{branch}", "base": into, "state": "all"}
        answer = self._wire.get(f"{self._root}/pulls", {**asked, "per_page": "100"})
        found = [one for one in self._well(answer) if one["head"]["ref"] == branch]
        newest = max(found, key=lambda one: int(one["number"]), default=None)
        return None if newest is None else _request(newest)

    def open_request(self, branch: str, into: str, title: str, body: str) -> ChangeRequest:
        """See `GitHost.open_request`."""
        known = self.request(branch, into)
        if known is not None and known.state != CLOSED:
            return known
        asked = {"title": title, "body": body, "head": branch, "base": into}
        answer = self._wire.send("POST", f"{self._root}/pulls", asked)
        if answer.status == 422:  # somebody else was faster, or there is nothing to merge
            known = self.request(branch, into)
            if known is None or known.state == CLOSED:
                raise self._wire.unexpected(answer)
            return known
        return _request(self._well(answer))

    def merge(self, asked: ChangeRequest) -> ChangeRequest:
        """See `GitHost.merge`."""
        answer = self._wire.send(
            "PUT",
            f"{self._root}/pulls/{asked.number}/merge",
            {"sha": asked.head, "merge_method": "merge"},
        )
        if not answer.ok:
            now = self.request(asked.branch, asked.into)
            if now is not None and now.state == MERGED:
                return now
            _raise_unmerged(self.name, answer)
        return _request(self._well(self._wire.get(f"{self._root}/pulls/{asked.number}")))

    def _require_expected(self, wanted: Submission) -> None:
        now = self.head(wanted.branch)
        if now != wanted.expected and (now or not wanted.create):
            raise MovedError(f"the branch {wanted.branch} of {self.name} has moved on")

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

    def _well(self, answer: Answer) -> Any:
        if not answer.ok or not isinstance(answer.body, dict | list):
            raise self._wire.unexpected(answer)
        return answer.body

    def _require_repository(self) -> None:
        self._well(self._wire.get(self._root))


def _entries(files: Mapping[str, str | None]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for path, text in sorted(files.items()):
        entry: dict[str, Any] = {"path": path, "mode": _MODE, "type": "blob"}
        entries.append(entry | ({"sha": None} if text is None else {"content": text}))
    return entries


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _request(one: Mapping[str, Any]) -> ChangeRequest:
    merged = one.get("merged_at") or one.get("merged")
    state = MERGED if merged else OPEN if one["state"] == "open" else CLOSED
    return ChangeRequest(
        branch=str(one["head"]["ref"]),
        into=str(one["base"]["ref"]),
        number=int(one["number"]),
        state=state,
        url=str(one["html_url"]),
        head=str(one["head"]["sha"]),
    )


def _raise_unmerged(name: str, answer: Answer) -> None:
    if answer.status == 409:
        raise MovedError(f"{name}: the change request has moved on: {answer.why}")
    raise PermanentError(
        f"{name} does not merge it ({answer.status}): {answer.why}",
        fix="let somebody review it there, or mend what keeps it from being merged",
    )
