"""Who owns a field of a live object, as its managed fields say, and what kind of writer that is.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management. Names of
managers are data (``managers.toml``). Called by `telford.plan.drift`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from telford.basics import resources

Object = Mapping[str, Any]
Path = tuple[str | int, ...]
APPLY = "Apply"
# kubectl apply, and whoever does as it does, keeps here what was applied last.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# What the server fills in before it tells items of a list apart.
_KEY_DEFAULTS = {"protocol": "TCP"}


class Kind(StrEnum):
    """What kind of writer a field manager is."""

    APPLIER = "applier"
    PERSON = "person"
    CONTROLLER = "controller"


@dataclass(frozen=True, slots=True)
class Writer:
    """A field manager of one object. `at` is when it last changed any of its fields there (RFC
    3339), "" where that is not told.
    """

    manager: str
    operation: str
    subresource: str = ""
    at: str = ""

    @property
    def kind(self) -> Kind:
        """What kind of writer it is, by its name and the operation."""
        data = _data()
        if self.manager in data["appliers"]["names"] and not self.subresource:
            return Kind.APPLIER
        by_hand = tuple(data["people"]["prefixes"])
        return Kind.PERSON if self.manager.startswith(by_hand) else Kind.CONTROLLER

    @property
    def exact(self) -> bool:
        """Whether it owns what it said and nothing else (server-side apply)."""
        return self.operation == APPLY


@dataclass(frozen=True, slots=True)
class Owners:
    """The writers of one object with their fields. `known` is False where the object does not say
    any; `applied` is what was applied last where it says so, else None. `elsewhere` wrote in another
    API version of the kind, whose fields may have other names.
    """

    entries: tuple[tuple[Writer, Object], ...]
    applied: Object | None = None
    elsewhere: tuple[Writer, ...] = ()

    @property
    def known(self) -> bool:
        """Whether anything is said of who owns what."""
        return bool(self.entries or self.elsewhere)

    def of(self, item: Object, steps: Path) -> tuple[Writer, ...]:
        """The owners of a field of the object, the latest writer first."""
        found = [writer for writer, fields in self.entries if _owns(fields, item, steps)]
        return tuple(sorted(found, key=lambda writer: writer.at, reverse=True))

    def latest(self, kind: Kind) -> Writer | None:
        """The last writer of a kind to the whole object, but for its status."""
        every = (*(writer for writer, _ in self.entries), *self.elsewhere)
        found = [w for w in every if w.kind is kind and w.subresource != "status"]
        return max(found, key=lambda writer: writer.at, default=None)

    def was_applied(self, item: Object, steps: Path) -> bool | None:
        """Whether the field is in what was applied last; None where nobody kept that."""
        if self.applied is None:
            return None
        value: Any = self.applied
        live: Any = item
        for step in steps:
            live = _below(live, step)
            value = _like(value, live) if isinstance(step, int) else _below(value, step)
            if value is None:
                return False
        return True


def owners(item: Object) -> Owners:
    """What an object says of its writers."""
    metadata = item.get("metadata")
    about = metadata if isinstance(metadata, Mapping) else {}
    here, elsewhere = [], []
    for version, writer, fields in _entries(about):
        if version == item.get("apiVersion"):
            here.append((writer, fields))
        else:
            elsewhere.append(writer)
    return Owners(tuple(here), _applied(about), tuple(elsewhere))


def may(writer: Writer, steps: Path) -> str:
    """Why this writer may change a field although the estate wants another value; "" where not."""
    for said in _data()["controllers"]:
        named = writer.manager.startswith(said["manager"])
        if named and said["subresource"] in ("", writer.subresource):
            for end in said["fields"]:
                if _ends(steps, end):
                    return str(said["why"])
    return ""


@cache
def _data() -> Mapping[str, Any]:
    return resources.toml("telford.plan", "managers.toml")


def _ends(steps: Path, end: list[str]) -> bool:
    """Whether a path ends in these steps, or goes on below them."""
    texts = [str(step) for step in steps]
    return any(texts[at : at + len(end)] == end for at in range(len(texts) - len(end) + 1))


def _entries(metadata: Object) -> Iterator[tuple[Any, Writer, Object]]:
    """The API version, the writer and its fields, entry by entry."""
    said = metadata.get("managedFields")
    for entry in said if isinstance(said, list) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("fieldsV1"), Mapping):
            writer = Writer(
                str(entry.get("manager") or ""),
                str(entry.get("operation") or ""),
                str(entry.get("subresource") or ""),
                str(entry.get("time") or ""),
            )
            yield entry.get("apiVersion"), writer, entry["fieldsV1"]


def _applied(metadata: Object) -> Object | None:
    notes = metadata.get("annotations")
    text = notes.get(LAST_APPLIED) if isinstance(notes, Mapping) else None
    if not isinstance(text, str):
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _owns(fields: Object, item: Object, steps: Path) -> bool:
    """Whether a set of fields holds a path, or something above it as a whole."""
    node: Any = fields
    value: Any = item
    for step in steps:
        if not isinstance(node, Mapping):
            return False
        if not node:
            return True
        value = _below(value, step)
        node = _item(node, value) if isinstance(step, int) else node.get(f"f:{step}")
        if node is None:
            return False
    return True


def _item(node: Object, value: Any) -> Object | None:
    """The set of an item of a list: by its keys, or by its value."""
    for name, below in node.items():
        if name.startswith("k:") and isinstance(value, Mapping):
            keys = _decoded(name[2:])
            if isinstance(keys, dict) and all(
                value.get(key, _KEY_DEFAULTS.get(key)) == one for key, one in keys.items()
            ):
                return _set(below)
        elif name.startswith("v:") and _decoded(name[2:]) == value:
            return _set(below)
    return None


def _set(value: Any) -> Object | None:
    return value if isinstance(value, Mapping) else None


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _below(value: Any, step: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(str(step))
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def _like(items: Any, wanted: Any) -> Any:
    """The item of what was applied that is the same one as an item of the live list."""
    if not isinstance(items, list):
        return None
    if not isinstance(wanted, Mapping):
        return wanted if wanted in items else None
    names = ("name", "containerPort", "port", "mountPath", "topologyKey", "ip", "host", "path")
    name = next((one for one in names if one in wanted), None)
    if name is None:
        return next((item for item in items if item == wanted), None)
    alike = (i for i in items if isinstance(i, Mapping) and i.get(name) == wanted[name])
    return next(alike, None)
