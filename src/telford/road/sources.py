"""Where a thing is written: the path of its file inside the estate and inside the repository.

Names of files are as the estate was given (``../shop/estate/orders.yaml``); what is generated must
not depend on that. Called by the targets that name files (`backstage`, `codeowners`).
"""

import posixpath
import re
from collections.abc import Iterable, Sequence

from telford.road.architecture import Repository

# git@HOST:PATH, as Git itself writes addresses for SSH.
_SSH = re.compile(r"(?:ssh://)?git@(?P<host>[^:/]+)[:/](?P<path>.+)")


class Sources:
    """The files of an estate, by the names under which they were read."""

    def __init__(self, files: Iterable[str], repository: Repository | None) -> None:
        folders = [posixpath.dirname(file) for file in files]
        self.repository = repository
        self._root = _root(folders, repository)

    def inside(self, file: str) -> str:
        """The path in the estate's own folder."""
        return posixpath.relpath(file, self._root) if self._root else file

    def path(self, file: str) -> str:
        """The path in the repository; in the estate where no repository is known to hold it."""
        held = self.repository.estate if self.repository is not None else ""
        return posixpath.normpath(posixpath.join(held, self.inside(file)))

    def page(self, file: str) -> str:
        """Where people read a file of the estate on the web; "" where that is not known."""
        if self.repository is None or not self.repository.estate:
            return ""
        return self._seen("blob", self.path(file))

    def folder(self, path: str) -> str:
        """Where people read a folder of the repository; "" where that is not known."""
        return self._seen("tree", path.strip("/"))

    def _seen(self, what: str, path: str) -> str:
        if self.repository is None:
            return ""
        base = web(self.repository.url)
        host = base.partition("://")[2].partition("/")[0]
        end = f"{what}/{self.repository.branch}/{path}"
        if "github" in host:
            return f"{base}/{end}"
        return f"{base}/-/{end}" if "gitlab" in host else ""


def web(url: str) -> str:
    """The address for browsers of a repository's URL."""
    found = _SSH.fullmatch(url)
    address = f"https://{found['host']}/{found['path']}" if found is not None else url
    return address.removesuffix("/").removesuffix(".git")


def _root(folders: Sequence[str], repository: Repository | None) -> str:
    """The estate's own folder: up to the repository's name for it, else what all files share."""
    if not folders:
        return ""
    absolute = {folder.startswith("/") for folder in folders}
    common = posixpath.commonpath(folders) if len(absolute) == 1 else ""
    named = repository.estate.strip("/") if repository is not None else ""
    if named and f"/{named}/" in f"/{common}/":
        before = f"/{common}/".rindex(f"/{named}/")
        return common[: before + len(named)]
    return common
