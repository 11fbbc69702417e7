"""The objects behind the API server of the tests: versions, history, writes with their managers.

One counter gives every write its resourceVersion, as etcd's revision does; the history serves
watches, and pages of a list that began at an earlier version, until it is compacted.
https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import copy
import dataclasses
import datetime as dt
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from backends.kubernetes import api_defaults, api_fields, api_schema
from backends.kubernetes.api_fields import Entry
from backends.kubernetes.api_schema import Kind

Object = dict[str, Any]
# Kind's plural and group, namespace, name.
Key = tuple[str, str, str, str]
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Refused(Exception):  # noqa: N818 - it is an answer
    """A Status that is no success."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
            **({"details": details} if details else {}),
        }


@dataclasses.dataclass(frozen=True)
class Writing:
    """Who writes, and how."""

    manager: str = "tests"
    force: bool = False
    subresource: str = ""
    dry_run: bool = False


@dataclasses.dataclass(frozen=True)
class Event:
    """One write: ADDED, MODIFIED or DELETED, with the object as it was then."""

    version: int
    type: str
    kind: Kind
    object: Object


class Store:
    """All objects of one cluster."""

    def __init__(self, *, fill_defaults: bool = True) -> None:
        self.objects: dict[Key, Object] = {}
        self.events: list[Event] = []
        self.version = 100
        self.compacted = 0
        self._fill = fill_defaults
        self._numbers = itertools.count(1)
        self._managers: dict[Key, list[Entry]] = {}

    def now(self) -> str:
        """A clock that goes on by a second with every write."""
        return (START + dt.timedelta(seconds=self.version - 100)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def key(self, kind: Kind, namespace: str, name: str) -> Key:
        return kind.group, kind.plural, namespace if kind.namespaced else "", name

    def find(self, kind: Kind, namespace: str, name: str) -> Object:
        """One object. Raises `Refused` 404."""
        item = self.objects.get(self.key(kind, namespace, name))
        if item is None:
            group = f".{kind.group}" if kind.group else ""
            raise Refused(
                404, "NotFound", f'{kind.plural}{group} "{name}" not found',
                {"name": name, "group": kind.group, "kind": kind.plural},
            )  # fmt: skip
        return item

    def all(self, kind: Kind, namespace: str = "", at: int | None = None) -> list[Object]:
        """Every object of a kind, by namespace and name; as of an earlier version where asked."""
        objects = self.objects if at is None else self._as_of(at)
        return [
            item
            for key, item in sorted(objects.items())
            if key[:2] == (kind.group, kind.plural) and namespace in ("", key[2])
        ]

    def _as_of(self, version: int) -> dict[Key, Object]:
        found = dict(self.objects)
        undone: dict[Key, Object | None] = {}
        for event in reversed(self.events):
            if event.version <= version:
                break
            about = event.object["metadata"]
            key = self.key(event.kind, about.get("namespace", ""), about["name"])
            undone[key] = self._before(key, event)
        for key, item in undone.items():
            found.pop(key, None)
            if item is not None:
                found[key] = item
        return found

    def _before(self, key: Key, event: Event) -> Object | None:
        for earlier in reversed(self.events):
            about = earlier.object["metadata"]
            same = self.key(earlier.kind, about.get("namespace", ""), about["name"]) == key
            if same and earlier.version < event.version:
                return None if earlier.type == "DELETED" else earlier.object
        return None

    def since(self, version: int, kind: Kind, namespace: str) -> Iterator[Event]:
        """What was written after a version. Raises `Refused` 410 where that is forgotten."""
        if version < self.compacted:
            raise Refused(410, "Expired", f"too old resource version: {version} ({self.compacted})")
        for event in self.events:
            there = namespace in ("", event.object["metadata"].get("namespace", ""))
            if event.version > version and event.kind == kind and there:
                yield event

    def compact(self) -> None:
        """Forget the history."""
        self.compacted = self.version

    def create(self, kind: Kind, namespace: str, item: Object, writing: Writing) -> Object:
        """POST. Raises `Refused` 409 where it is there already."""
        item = copy.deepcopy(item)
        about = item.setdefault("metadata", {})
        if kind.namespaced:
            about["namespace"] = namespace
        if self.key(kind, namespace, about["name"]) in self.objects:
            message = f'{kind.plural} "{about["name"]}" already exists'
            raise Refused(409, "AlreadyExists", message)
        item.pop("status", None)
        return self._update(kind, None, item, writing)

    def update(self, kind: Kind, namespace: str, item: Object, writing: Writing) -> Object:
        """PUT, and the end of a PATCH. A resourceVersion that is not the present one is refused."""
        before = self.find(kind, namespace, item["metadata"]["name"])
        wanted = item["metadata"].get("resourceVersion")
        if wanted and wanted != before["metadata"]["resourceVersion"]:
            raise Refused(
                409, "Conflict",
                f'Operation cannot be fulfilled on {kind.plural} "{item["metadata"]["name"]}": '
                "the object has been modified; please apply your changes to the latest version and"
                " try again",
            )  # fmt: skip
        item = copy.deepcopy(item)
        if "status" in kind.subresources and writing.subresource != "status":
            # Status is written by its own path only.
            item.pop("status", None)
            if "status" in before:
                item["status"] = before["status"]
        return self._update(kind, before, item, writing)

    def _update(self, kind: Kind, before: Object | None, item: Object, writing: Writing) -> Object:
        self._complete(kind, before, item)
        schema = api_schema.of(kind.api_version, kind.kind)
        key = self.key(kind, item["metadata"].get("namespace", ""), item["metadata"]["name"])
        writer = Entry(
            writing.manager, "Update", kind.api_version, self.now(), frozenset(),
            writing.subresource,
        )  # fmt: skip
        known = self._managers.get(key, [])
        entries = api_fields.after_update(schema, before, item, writer, known)
        return self._keep(kind, key, before, item, entries, writing)

    def apply(self, kind: Kind, namespace: str, item: Object, writing: Writing) -> Object:
        """Server-side apply. Raises `Refused` 409 where others own what it would change."""
        schema = api_schema.of(kind.api_version, kind.kind)
        item = copy.deepcopy(item)
        about = item["metadata"]
        if "managedFields" in about:
            raise Refused(400, "BadRequest", "metadata.managedFields must be nil")
        if kind.namespaced:
            about["namespace"] = namespace
        key = self.key(kind, namespace, about["name"])
        before = self.objects.get(key)
        _refuse_unobserved(kind, before, about)
        entries = self._managers.get(key, [])
        writer = Entry(
            writing.manager, "Apply", kind.api_version, self.now(),
            api_fields.owned(schema, item), writing.subresource,
        )  # fmt: skip
        if before is not None and not writing.force:
            _refuse_conflicts(api_fields.conflicts(schema, before, item, writer.who, entries))
        mine = next((e for e in entries if e.who == writer.who), None)
        after = api_fields.merged(schema, before or {}, item)
        if mine is not None:
            others = frozenset().union(*(e.fields for e in entries if e is not mine))
            gone = mine.fields - writer.fields - others
            after = api_fields.without(schema, after, gone)
        self._complete(kind, before, after)
        held = api_fields.after_apply(schema, before, after, writer, entries)
        return self._keep(kind, key, before, after, held, writing)

    def _complete(self, kind: Kind, before: Object | None, item: Object) -> None:
        item["apiVersion"], item["kind"] = kind.api_version, kind.kind
        about = item["metadata"]
        about.pop("managedFields", None)
        if before is None:
            number = next(self._numbers)
            about["uid"] = f"00000000-0000-4000-8000-{number:012d}"
            about["creationTimestamp"] = self.now()
        else:
            for name in ("uid", "creationTimestamp"):
                about[name] = before["metadata"][name]
        if self._fill:
            api_defaults.fill(item, int(about["uid"][-12:]))

    def _keep(
        self,
        kind: Kind,
        key: Key,
        before: Object | None,
        item: Object,
        entries: list[Entry],
        writing: Writing,
    ) -> Object:
        about = item["metadata"]
        said = [entry.as_json() for entry in entries]
        old = before["metadata"] if before else {}
        if (
            before is not None
            and _content(before) == _content(item)
            and said == old["managedFields"]
        ):
            return before
        changed = before is None or _spec(before) != _spec(item)
        about["generation"] = old.get("generation", 0) + int(changed)
        about["managedFields"] = said
        if writing.dry_run:
            about["resourceVersion"] = old.get("resourceVersion", "")
            return item
        self.version += 1
        about["resourceVersion"] = str(self.version)
        self.objects[key] = item
        self._managers[key] = entries
        self.events.append(Event(self.version, "MODIFIED" if before else "ADDED", kind, item))
        return item

    def delete(
        self, kind: Kind, namespace: str, name: str, preconditions: Mapping[str, str] | None = None
    ) -> Object:
        """DELETE, at once: nobody here waits for finalizers. Raises `Refused` 409 where the object
        is another one than was observed.
        """
        item = self.find(kind, namespace, name)
        for field, wanted in (preconditions or {}).items():
            if item["metadata"][field] != wanted:
                raise Refused(
                    409, "Conflict",
                    f'Operation cannot be fulfilled on {kind.plural} "{name}": the {field} in the'
                    f" precondition ({wanted}) does not match",
                )  # fmt: skip
        key = self.key(kind, namespace, name)
        del self.objects[key]
        self._managers.pop(key, None)
        self.version += 1
        gone = {**item, "metadata": {**item["metadata"], "resourceVersion": str(self.version)}}
        self.events.append(Event(self.version, "DELETED", kind, gone))
        return item


def _refuse_unobserved(kind: Kind, before: Object | None, about: Object) -> None:
    """An applied object may name the uid and the resourceVersion that it was decided on."""
    for field in ("uid", "resourceVersion"):
        wanted = about.pop(field, None)
        present = before["metadata"][field] if before else ""
        if wanted and wanted != present:
            raise Refused(
                409, "Conflict",
                f'Operation cannot be fulfilled on {kind.plural} "{about["name"]}": {field}'
                f" mismatch: the provided object specified {wanted}, found {present or 'none'}",
            )  # fmt: skip


def _content(item: Object) -> Object:
    about = {
        k: v
        for k, v in item["metadata"].items()
        if k not in ("resourceVersion", "managedFields", "generation")
    }
    return {**item, "metadata": about}


def _spec(item: Object) -> Object:
    return {k: v for k, v in item.items() if k not in ("metadata", "status")}


def _refuse_conflicts(found: list[tuple[Entry, api_fields.Path]]) -> None:
    if not found:
        return
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{entry.manager}" using {entry.api_version}',
            "field": "".join(_shown(step) for step in path),
        }
        for entry, path in found
    ]
    plural = "s" if len(causes) > 1 else ""
    said = f"Apply failed with {len(causes)} conflict{plural}: {causes[0]['message']}"
    message = f"{said}: {causes[0]['field']}"
    raise Refused(409, "Conflict", message, {"causes": causes})


def _shown(step: str) -> str:
    """``.spec.containers[name="web"].image``"""
    if step.startswith("f:"):
        return f".{step[2:]}"
    if step.startswith("k:"):
        keys = json.loads(step[2:])
        return f"[{','.join(f'{name}={json.dumps(value)}' for name, value in keys.items())}]"
    return f"[={step[2:]}]"
