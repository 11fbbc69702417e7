"""Paths as compose files write them, from the root of the input. Called by `layers` and by
`environment`; nothing here touches a disk.
"""

import re

# Where compose would fetch something: https://, git@host:, oci://, github.com/..., and
# repositories by their ending.
_REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*://|^git@|^oci:|^github\.com/|\.git(#|$)", re.IGNORECASE)
REMOTE = "it is remote"
ELSEWHERE = "it is a path of one machine"
STRANGE = "it is no path"
# Longer ones are no paths that a machine takes.
MAX_LENGTH = 4_096


def joined(folder: str, path: str) -> str:
    """A path that is written in a file of a folder, with as few ``.`` and ``..`` as can be."""
    if path.startswith("/"):
        parts, root = path.split("/"), "/"
    else:
        parts, root = [*folder.split("/"), *path.split("/")], ""
        root = "/" if folder.startswith("/") else ""
    kept: list[str] = []
    for part in parts:
        if part == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif part == ".." and root:
            continue
        elif part not in ("", "."):
            kept.append(part)
    return root + "/".join(kept)


def folder(path: str) -> str:
    """The folder of a file: "" for the root of the input."""
    return path.rpartition("/")[0]


def name(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def refused(path: str) -> str:
    """Why a path is never asked for, or ""."""
    if _REMOTE.search(path):
        return REMOTE
    if path.startswith("~") or re.match(r"[A-Za-z]:[\\/]|\\\\", path):
        return ELSEWHERE
    if not path.strip() or len(path) > MAX_LENGTH or not path.isprintable():
        return STRANGE
    return ""
