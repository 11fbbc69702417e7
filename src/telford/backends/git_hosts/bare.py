"""A repository by the git binary alone: a path, ``file://`` or ``ssh://``, no host around it.

Works in a small bare repository of its own: fetches the branch, makes the commit from its tree
without a work tree, and pushes with a lease on the head that it stands on. Nothing that the
repository names is run: no hook, filter, pager. Where there is no host there is no change request:
its branch is one, merged once the target holds it.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from telford.backends.git_hosts.rest import AUTHOR, EMAIL
from telford.basics.errors import PermanentError, TemporaryError, UsageError
from telford.ports.git import MERGED, OPEN, ChangeRequest, MovedError, Submission

LIMIT_SECONDS = 60.0
# What `find` looks through.
MAX_COMMITS = 500
_MODE = "100644"
_NEUTRAL = (
    "--no-pager",
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "protocol.allow=never"),
    *("-c", "protocol.file.allow=always"),
    *("-c", "protocol.ssh.allow=always"),
    *("-c", "gc.auto=0"),
)
_PERMANENT = ("permission denied", "authentication failed", "host key verification failed")
_GONE = ("does not appear to be a git repository", "not found", "does not exist")
_STALE = ("stale info", "rejected", "fetch first", "failed to update ref", "cannot lock ref")


class BareGit:
    """One repository; `folder` is where its objects are kept between calls."""

    def __init__(self, url: str, folder: Path, limit_seconds: float = LIMIT_SECONDS) -> None:
        scheme, separator, _ = url.partition("://")
        if url.startswith("-") or (separator and scheme not in ("file", "ssh")):
            raise UsageError(
                f"{url} is no repository that git reaches by itself",
                fix="write a path, file:// or ssh://, or say `repository.host`",
            )
        self._url = url
        self._folder = folder
        self._limit = limit_seconds
        # Commits that are here: an object that was fetched stays.
        self._known: set[str] = set()

    @property
    def name(self) -> str:
        """See `GitHost.name`."""
        return self._url

    def head(self, branch: str) -> str:
        """See `GitHost.head`."""
        said = self._git(["ls-remote", "--", self._url, f"refs/heads/{branch}"])
        return said.split("\t")[0].strip()

    def read(self, path: str, ref: str) -> str | None:
        """See `GitHost.read`."""
        self._have(ref)
        done = self._call(["cat-file", "blob", f"{ref}:{path}"])
        return None if done.returncode else done.stdout.decode("utf-8", "replace")

    def commit(self, wanted: Submission) -> str:
        """See `GitHost.commit`."""
        now = self.head(wanted.branch)
        if now != wanted.expected and (now or not wanted.create):
            raise MovedError(f"the branch {wanted.branch} of {self.name} has moved on")
        self._have(wanted.expected)
        commit = self._made(wanted)
        reference = f"refs/heads/{wanted.branch}"
        lease = f"--force-with-lease={reference}:{now}"
        self._push([lease, self._url, f"{commit}:{reference}"])
        return commit

    def find(self, branch: str, line: str) -> str:
        """See `GitHost.find`."""
        head = self.head(branch)
        if not head:
            return ""
        self._have(head)
        asked = ["log", f"--max-count={MAX_COMMITS}", "--format=%H%n%B%x00", head]
        for one in self._git(asked).split("\0"):
            commit, *lines = one.strip("\n").splitlines() or [""]
            if line in lines:
                return commit
        return ""

    def request(self, branch: str, into: str) -> ChangeRequest | None:
        """See `GitHost.request`."""
        head, target = self.head(branch), self.head(into)
        if not head:
            return None
        self._have(head)
        self._have(target)
        held = self._call(["merge-base", "--is-ancestor", head, target]).returncode == 0
        return ChangeRequest(branch, into, 0, MERGED if held else OPEN, "", head)

    def open_request(self, branch: str, into: str, title: str, body: str) -> ChangeRequest:
        """See `GitHost.open_request`: the branch is the request."""
        found = self.request(branch, into)
        if found is None:
            raise PermanentError(f"there is no branch {branch} to ask for")
        return found

    def merge(self, asked: ChangeRequest) -> ChangeRequest:
        """See `GitHost.merge`: the target moves forward to the branch's commit."""
        now = self.request(asked.branch, asked.into)
        if now is None or now.head != asked.head:
            raise MovedError(f"the branch {asked.branch} of {self.name} has moved on")
        if now.state == OPEN:
            target = self.head(asked.into)
            if self._call(["merge-base", "--is-ancestor", target, now.head]).returncode:
                raise MovedError(f"{asked.into} of {self.name} has moved on: no fast-forward")
            reference = f"refs/heads/{asked.into}"
            lease = f"--force-with-lease={reference}:{target}"
            self._push([lease, self._url, f"{now.head}:{reference}"])
        return ChangeRequest(asked.branch, asked.into, 0, MERGED, "", now.head)

    def _push(self, arguments: Sequence[str]) -> None:
        done = self._call(["push", "--porcelain", "--no-verify", *arguments])
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")
            if any(one in said for one in _STALE):
                raise MovedError(f"{self.name} refused the push: it is no fast-forward")
            raise self._failed("push", said)

    def _made(self, wanted: Submission) -> str:
        """The commit's id: its tree is that of `expected` with these files."""
        with tempfile.TemporaryDirectory() as scratch:
            index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            self._git(["read-tree", wanted.expected], index)
            lines = b"".join(self._line(path, text) for path, text in sorted(wanted.files.items()))
            self._git(["update-index", "-z", "--index-info"], index, lines)
            tree = self._git(["write-tree"], index).strip()
        date = f"{int(wanted.at)} +0000"
        who: dict[str, str] = {}
        for role in ("AUTHOR", "COMMITTER"):
            who |= {f"GIT_{role}_NAME": AUTHOR, f"GIT_{role}_EMAIL": EMAIL}
            who[f"GIT_{role}_DATE"] = date
        asked = ["commit-tree", tree, "-p", wanted.expected]
        return self._git(asked, who, wanted.message.encode()).strip()

    def _line(self, path: str, text: str | None) -> bytes:
        if text is None:
            return f"0 {'0' * 40}\t{path}\0".encode()
        blob = self._git(["hash-object", "-w", "--no-filters", "--stdin"], given=text.encode())
        return f"{_MODE} {blob.strip()}\t{path}\0".encode()

    def _have(self, commit: str) -> None:
        """Fetch where a commit is not here yet."""
        if commit in self._known:
            return
        if self._call(["cat-file", "-e", f"{commit}^{{commit}}"]).returncode:
            wanted = "+refs/heads/*:refs/telford/*"
            self._git(["fetch", "--quiet", "--no-tags", "--prune", "--", self._url, wanted])
        self._known.add(commit)

    def _made_ready(self) -> None:
        if not (self._folder / "HEAD").exists():
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise PermanentError(f"cannot make {self._folder}: {error.strerror}") from error
            self._git(["init", "--quiet", "--bare", str(self._folder)], inside=False)

    def _git(
        self,
        arguments: Sequence[str],
        more: Mapping[str, str] | None = None,
        given: bytes = b"",
        *,
        inside: bool = True,
    ) -> str:
        done = self._call(arguments, more, given, inside=inside)
        if done.returncode:
            raise self._failed(arguments[0], done.stderr.decode(errors="replace"))
        return done.stdout.decode("utf-8", "replace")

    def _call(
        self,
        arguments: Sequence[str],
        more: Mapping[str, str] | None = None,
        given: bytes = b"",
        *,
        inside: bool = True,
    ) -> subprocess.CompletedProcess[bytes]:
        if inside:
            self._made_ready()
        where = ["--git-dir", str(self._folder)] if inside else []
        try:
            return subprocess.run(
                ["git", *where, *_NEUTRAL, *arguments],
                input=given,
                capture_output=True,
                env=_environment() | dict(more or {}),
                timeout=self._limit,
                check=False,
            )
        except FileNotFoundError as error:
            raise PermanentError("git is not installed", fix="install Git") from error
        except subprocess.TimeoutExpired as error:
            raise TemporaryError(
                f"{self.name} did not answer within {self._limit:g} s",
                fix="nothing is lost: it is tried again",
            ) from error

    def _failed(self, what: str, said: str) -> TemporaryError | PermanentError:
        lowered = said.lower()
        if any(one in lowered for one in _PERMANENT):
            return PermanentError(
                f"{self.name} does not let us in", fix="check the key that ssh uses there"
            )
        # A repository on a disk that is away for a moment looks like one that is not there.
        how = "cannot be reached" if any(one in lowered for one in _GONE) else f"{what} failed"
        return TemporaryError(f"{self.name}: {how}", fix="nothing is lost: it is tried again")


def _environment() -> dict[str, str]:
    """The caller's environment without anything that changes what Git does."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return kept | {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=10",
    }
