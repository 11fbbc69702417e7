"""A `GitHost` from what an estate says of its repository. Called by `telford.app.gitops`."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from telford.backends.git_hosts import gitea, github, gitlab, tokens
from telford.backends.git_hosts.bare import BareGit
from telford.backends.git_hosts.wire import Limits, Wire
from telford.basics.errors import UsageError
from telford.ports.git import GitHost

HOSTS = ("git", "github", "gitlab", "gitea")
_API = {"github": "https://api.github.com"}
# Where the hosts' own servers have their APIs.
_PATHS = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1"}


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a repository is: which host (`HOSTS`), its URL, its API's where that is not the host's
    usual one, and a reference to the token (``env:NAME``, ``file:PATH``).
    """

    host: str
    url: str
    token: str = ""
    api: str = ""


def connect(
    remote: Remote,
    folder: Path,
    environment: Mapping[str, str],
    *,
    limits: Limits | None = None,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> GitHost:
    """The repository; `folder` is where a bare one's objects are kept. Nothing is asked yet.

    Raises `UsageError` for what makes no sense.
    """
    host, url = remote.host, remote.url
    if host == "git":
        return BareGit(url, folder)
    if host not in HOSTS:
        raise UsageError(f"there is no Git host {host}", fix=f"one of {', '.join(HOSTS)}")
    where, repository = _split(url)
    read = tokens.reader(remote.token, environment)
    headers = {"github": github.headers, "gitlab": gitlab.headers, "gitea": gitea.headers}[host]
    wire = Wire(
        remote.api or _api(host, where),
        headers(read),
        name=f"{where.removeprefix('https://')}/{repository}",
        limits=limits,
        transport=transport,
        sleep=sleep,
    )
    if host == "github":
        return github.GitHub(wire, repository)
    return gitlab.GitLab(wire, repository) if host == "gitlab" else gitea.Gitea(wire, repository)


def _api(host: str, where: str) -> str:
    if host == "github" and where == "https://github.com":
        return _API[host]
    return f"{where}{_PATHS[host]}"


def _split(url: str) -> tuple[str, str]:
    """The origin and the repository of ``https://HOST/OWNER/NAME.git`` or ``git@HOST:OWNER/NAME``."""
    if url.startswith("git@") and ":" in url:
        name, _, path = url.removeprefix("git@").partition(":")
        where = f"https://{name}"
    else:
        parts = urlsplit(url)
        where, path = f"{parts.scheme}://{parts.hostname}", parts.path
        where += f":{parts.port}" if parts.port else ""
    repository = path.strip("/").removesuffix(".git")
    if "://" not in where or "/" not in repository or where.endswith("//None"):
        raise UsageError(
            f"{url} names no repository of a Git host", fix="write https://HOST/OWNER/NAME"
        )
    return where, repository
