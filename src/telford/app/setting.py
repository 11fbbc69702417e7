"""`telford set`: write values into the estate, for one place or for all, comments and order kept.

The change is made in the folder, and where it is wanted committed there, or asked for by a change
request of the repository that the Architecture names. Called by `telford set`.
"""

import hashlib
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telford.app import changing, gitops, loading, places
from telford.app.changing import Edit, Rewrite
from telford.backends import committing, files
from telford.basics import yamltext
from telford.basics.diagnostics import Severity
from telford.basics.errors import RefusedError, UsageError
from telford.estate import editing, overlays
from telford.estate.editing import Set
from telford.estate.model import Entity, Estate
from telford.ports.git import ChangeRequest, GitHost, Submission


@dataclass(frozen=True, slots=True)
class Setting:
    """What will be written: the edit of one document, and the files before and after."""

    entity: Entity
    layer: str
    changes: tuple[Set, ...]
    rewrite: Rewrite
    estate: Estate

    @property
    def title(self) -> str:
        """The commit's first line."""
        said = ", ".join(".".join(map(str, one.path)) for one in self.changes)
        where = f" in {self.layer}" if self.layer else ""
        return f"Set {said} of {self.entity.address}{where}"


def setting(folder: Path, address: str, assignments: Sequence[str], place: str) -> Setting:
    """The edit that ``PATH=VALUE`` assignments ask for; nothing is written.

    Raises `UsageError` for what is no assignment or no thing of the estate, `RefusedError` where
    the estate has errors, or would have one: a quarantined image, for one (TEL760).
    """
    texts = files.read([folder])
    estate = loading.require(loading.of_texts(texts))
    entity = overlays.one(estate, address)
    if place:
        _require_place(estate, place)
    changes = tuple(_assignment(one) for one in assignments)
    prefix = ("in", place) if place else ()
    edits = tuple(Set((*prefix, *one.path), one.value) for one in changes)
    made = changing.rewrite(folder, texts, [Edit(entity.file, entity.address, edits)])
    return Setting(entity, place, changes, made, estate)


def commit(one: Setting, reason: str) -> str:
    """Write the change and commit just these files where the folder is; the commit's id."""
    written = one.rewrite.write()
    message = f"{one.title}\n\n{reason}\n" if reason else f"{one.title}\n"
    return committing.commit([Path(file) for file in written], message)


def ask(one: Setting, state: Path, folder: Path, *, reason: str, now: float) -> ChangeRequest:
    """Ask for the change by a pull or merge request; asking twice is asking once. Nothing is
    written here.

    Raises what the host raises; `RefusedError` where the estate's repository is not known.
    """
    kept = gitops.repository(one.estate)
    if not kept.estate:
        raise RefusedError(
            "the Architecture does not say where the estate lies in the repository",
            fix="say repository.estate, the folder of the estate there",
        )
    host = gitops.host(kept, state)
    name = Path(one.entity.file).absolute().relative_to(folder.absolute()).as_posix()
    path = posixpath.normpath(posixpath.join(kept.estate, name))
    return _asked(one, host, kept.branch, path, reason, now)


def _asked(
    one: Setting, host: GitHost, into: str, path: str, reason: str, now: float
) -> ChangeRequest:
    said = repr((str(one.entity.address), one.layer, one.changes))
    branch = f"telford/set-{hashlib.sha256(said.encode()).hexdigest()[:12]}"
    known = host.request(branch, into)
    if known is not None and known.state == "open":
        return known
    head = host.head(into)
    text = host.read(path, head) if head else None
    if text is None:
        raise RefusedError(f"{path} is not on the branch {into} of {host.name}")
    after = editing.edit(text, one.entity.address, one.changes, one.layer)
    if after == text:
        raise RefusedError(f"the branch {into} of {host.name} says so already")
    if not host.head(branch):
        message = f"{one.title}\n\n{reason}\n"
        host.commit(Submission(branch, head, message, {path: after}, now, create=True))
    return host.open_request(branch, into, one.title, reason)


def _assignment(text: str) -> Set:
    path, equals, value = text.partition("=")
    steps = tuple(path.split("."))
    if not equals or not all(steps):
        raise UsageError(f"{text!r} sets nothing", fix="write PATH=VALUE, such as run.replicas=3")
    return Set(steps, _value(value))


def _value(text: str) -> Any:
    """A value as YAML reads it on one line; a word with a colon, such as an image, is a word."""
    nodes, problems = yamltext.read(f"value: {text}\n", "")
    if any(one.severity is Severity.ERROR for one in problems) or len(nodes) != 1:
        raise UsageError(f"{text!r} is no value of YAML", fix="quote it: PATH='\"...\"'")
    found = yamltext.plain(nodes[0])
    return found["value"] if isinstance(found, dict) else None


def _require_place(estate: Estate, place: str) -> None:
    """A place, or an environment of several."""
    if not any(place == str(one.spec.name) for one in estate.of_kind("Environment")):
        places.choose(estate, place)
