"""A change of a Git folder for one service in one place: what to write, from values alone. Pure.

Written are the manifests that whoever is in charge (Argo CD, Flux) applies, the estate's own document
where it lies in the same repository, and the place's record of releases. The record carries the
generation of each service's binding: whoever was overtaken finds a higher one and is refused. The
texts are made for the branch as it is now, so that what others wrote meanwhile stays. Called by
`telford.flows.gitops`.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telford.basics import yamltext
from telford.basics.errors import RefusedError
from telford.deliver import codec
from telford.estate import address, editing

PROMOTE, ROLLBACK, QUARANTINE, LIFT, REAPPLY = (
    "promote",
    "rollback",
    "quarantine",
    "lift",
    "reapply",
)
_WORDS = {
    PROMOTE: "Promote",
    ROLLBACK: "Roll back",
    QUARANTINE: "Quarantine",
    LIFT: "Lift a quarantine of",
    REAPPLY: "Roll back again",
}
_RECORD_VERSION = 1
Heads = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A manifest at a path of the repository, before and after; "" is a file that is not there."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Document:
    """The service's document in the repository, and the overlay (a place) that is edited."""

    path: str
    address: str
    layer: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An image that is kept out, and why."""

    image: str
    reason: str
    release: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `image` is what is to run, `images_out` what it replaces; `kept_out` is all that
    is quarantined for the service in the place; `record` the path of the place's record.
    """

    id: str
    purpose: str
    place: str
    service: str
    release: str
    version: str
    digest: str
    generation: int
    image: str
    images_out: tuple[str, ...]
    record: str
    rendered: tuple[Rendered, ...] = ()
    document: Document | None = None
    kept_out: tuple[Kept, ...] = ()
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """A plain dict; `from_json` gives back an equal change."""
        plain: dict[str, Any] = codec.encode(self)
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Change":
        """Raises `UsageError` where a key is unknown or a value has the wrong type."""
        return codec.decode(cls, data)

    @property
    def branch(self) -> str:
        """The branch of its change request: the same for the same change."""
        return f"telford/{self.id}"

    @property
    def line(self) -> str:
        """The line of the message by which a second run finds the commit of the first."""
        return f"Telford-Change: {self.id}"

    @property
    def title(self) -> str:
        """What it does, in one line."""
        return f"{_WORDS[self.purpose]} {self.service} {self.version} in {self.place}"

    @property
    def message(self) -> str:
        """The whole message of its commit."""
        lines = [f"Telford-Release: {self.release or self.digest[:12]}"]
        lines += [f"Telford-Digest: {self.digest}", f"Telford-Generation: {self.generation}"]
        why = f"{self.reason}\n\n" if self.reason else ""
        return f"{self.title}\n\n{why}" + "\n".join([*lines, self.line]) + "\n"

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file that it may write."""
        own = [self.record, *(one.path for one in self.rendered)]
        return tuple([*own, self.document.path] if self.document else own)


def key(place: str, service: str, generation: int, digest: str, *more: str) -> str:
    """The id of a change: the same for the same wish."""
    text = json.dumps([place, service, generation, digest, *more])
    return f"g{generation}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def texts(change: Change, heads: Heads) -> dict[str, str | None]:
    """The files that must be written so that the branch says what the change wants; none where it
    does already.

    Raises `RefusedError` where the branch has a newer generation, or a file holds neither what was
    nor what is wanted.
    """
    written: dict[str, str | None] = {change.record: _recorded(change, heads.get(change.record))}
    for one in change.rendered:
        written[one.path] = _rendered(change, one, heads.get(one.path))
    if change.document is not None:
        written[change.document.path] = _described(change, change.document, heads)
    return {path: text for path, text in written.items() if text != heads.get(path)}


def brings_back(change: Change, heads: Heads, images: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of the images (key -> image) that some manifest of a change, or the estate's document,
    wants to run; to name one among those that are kept out is no want.
    """
    manifests = [heads.get(one.path) or "" for one in change.rendered]
    described = ""
    if change.document is not None:
        described = _described_image(change.document, heads.get(change.document.path) or "")
    return tuple(
        name
        for name, image in images.items()
        if image and (image == described or any(_line(image).search(text) for text in manifests))
    )


def _described_image(document: Document, text: str) -> str:
    """The image that the document says for its place; "" where it cannot be read."""
    wanted = address.parse(document.address)
    for node in yamltext.read(text, "")[0]:
        value = yamltext.plain(node)
        if not isinstance(value, dict) or value.get("name") != wanted.name:
            continue
        if str(value.get("kind", "")).lower() == wanted.kind:
            overlays = value.get("in")
            own = overlays.get(document.layer) if isinstance(overlays, dict) else None
            return _image_in(own) or _image_in(value)
    return ""


def _image_in(value: object) -> str:
    run = value.get("run") if isinstance(value, dict) else None
    return str(run.get("image") or "") if isinstance(run, dict) else ""


def _recorded(change: Change, text: str | None) -> str:
    """The place's record with this service as it is now."""
    known = _record(change, text)
    services = dict(known.get("services", {}))
    before = services.get(change.service, {})
    if before.get("generation", 0) > change.generation:
        raise RefusedError(
            f"{change.service} in {change.place} is at generation {before['generation']} in Git:"
            f" this change (generation {change.generation}) was overtaken",
            fix="nothing to do: the newer controller goes on",
        )
    services[change.service] = {
        "release": change.release,
        "version": change.version,
        "digest": change.digest,
        "image": change.image,
        "generation": change.generation,
        "quarantine": [codec.encode(one) for one in change.kept_out],
    }
    whole = {"version": _RECORD_VERSION, "place": change.place, "services": services}
    return json.dumps(whole, indent=2, sort_keys=True) + "\n"


def _record(change: Change, text: str | None) -> dict[str, Any]:
    try:
        known = json.loads(text) if text else {}
    except ValueError:
        known = None
    if not isinstance(known, dict) or known.get("version", _RECORD_VERSION) != _RECORD_VERSION:
        raise RefusedError(
            f"{change.record} is no record that this Telford reads",
            fix="restore it from its history, or take it away: it is written anew",
        )
    return known


def _rendered(change: Change, one: Rendered, now: str | None) -> str | None:
    """The wanted text; where others changed the file, theirs with the image replaced."""
    if now is None or now in (one.before, one.after):
        return one.after or None
    made = now
    for image in change.images_out:
        made = _line(image).sub(lambda found: f"{found[1]}{change.image}{found[3]}", made)
    if change.image and not _line(change.image).search(made):
        raise RefusedError(
            f"{one.path} was changed in Git and names none of the images that this change knows",
            fix="build it again from the estate: telford build",
        )
    return made


def _line(image: str) -> re.Pattern[str]:
    """A line of YAML that names this very image."""
    return re.compile(rf"(^\s*(?:- )?image: ['\"]?)({re.escape(image)})(['\"]?\s*$)", re.MULTILINE)


def _described(change: Change, document: Document, heads: Heads) -> str:
    """The estate's document with the image, and what is kept out, in this place."""
    text = heads.get(document.path)
    if text is None:
        raise RefusedError(
            f"{document.path} is not in the repository",
            fix="say in the Architecture in which folder the estate lies: repository.estate",
        )
    edits: list[editing.Change] = []
    if change.image:
        edits.append(editing.Set(("run", "image"), change.image))
    if change.kept_out:
        listed = [_plain(one) for one in change.kept_out]
        edits.append(editing.Set(("quarantine",), listed))
    else:
        edits.append(editing.Delete(("quarantine",)))
    return editing.edit(text, address.parse(document.address), edits, document.layer)


def _plain(one: Kept) -> dict[str, str]:
    said = {"image": one.image, "reason": one.reason, "release": one.release}
    return {name: value for name, value in said.items() if value}
