"""OpenAPI 3.0 and 3.1: what a new version breaks for those who call the old one.

Requests are written by old callers and read by the new service, answers the other way round;
webhooks and callbacks are requests that the service writes. Documents are plain data.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from telford.analysis.contracts.change import Change, Level
from telford.analysis.contracts.schemas import Comparison, Direction, Shared
from telford.analysis.contracts.tree import Place, document

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_PARAMETER = re.compile(r"\{[^}]*\}")
# What a parameter's style is where none is said, by its place (OpenAPI 3.1, Parameter Object).
_STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}


def problem(value: Any) -> str:
    """Why a document cannot be read as OpenAPI 3; "" where it can."""
    if not isinstance(value, dict):
        return "it is no mapping"
    version = value.get("openapi")
    if isinstance(version, str) and version.startswith("3."):
        return ""
    if "swagger" in value:
        return "it is Swagger 2; convert it to OpenAPI 3"
    return "it has no `openapi: 3.x`"


def operations(value: Any) -> dict[str, Place]:
    """What can be called: ``GET /orders/{id}`` -> its place."""
    return {name: place for name, (place, _) in _operations(document(value)).items()}


def changes(old: Any, new: Any) -> list[Change]:
    """What `new` breaks, or may break, for callers of `old`."""
    before, after = _operations(document(old)), _operations(document(new))
    by_shape = {_shape(name): name for name in after}
    found: list[Change] = []
    shared = Shared()
    for name, (place, item) in before.items():
        now = by_shape.get(_shape(name))
        if now is None:
            text = "is gone"
            found.append(
                Change(name, "operation-removed", "breaking", text, place.path, newer=False)
            )
            continue
        operation = _Operation((name, now), place, after[now][0], shared)
        found += operation.changes(item, after[now][1])
    found += _webhooks(document(old), document(new), shared)
    return found


def _operations(whole: Place) -> dict[str, tuple[Place, Place]]:
    """Name -> the operation, and the path item around it."""
    found = {}
    for path, item in whole["paths"].items():
        for method in METHODS:
            place = item[method]
            if isinstance(place.value, dict):
                found[f"{method.upper()} {path}"] = (place, item)
    return found


def _shape(name: str) -> str:
    """An operation's name without the names of its path's parameters: those are no promise."""
    return _PARAMETER.sub("{}", name)


class _Operation:
    """One operation in two versions."""

    def __init__(self, names: tuple[str, str], old: Place, new: Place, shared: Shared) -> None:
        self._name, self._now = names
        self._old, self._new, self._shared = old, new, shared
        self._found: list[Change] = []

    def changes(self, old_item: Place, new_item: Place) -> list[Change]:
        """Everything that is not as it was."""
        self._parameters(old_item, new_item)
        self._body()
        self._responses()
        self._security()
        return self._found

    def _add(
        self, code: str, place: Place, text: str, *, newer: bool = True, level: Level = "breaking"
    ) -> None:
        self._found.append(Change(self._name, code, level, text, place.path, newer))

    def _compare(self, writer: Place, reader: Place, direction: Direction) -> None:
        if writer.value is None or reader.value is None:
            return
        comparison = Comparison(
            direction, self._name, newer=direction == "request", shared=self._shared
        )
        comparison.narrowed(writer, reader)
        self._found += comparison.changes

    def _parameters(self, old_item: Place, new_item: Place) -> None:
        before = _parameters(old_item, self._old, self._name)
        after = _parameters(new_item, self._new, self._now)
        places = {str(place.get("name")): str(place.get("in")) for place in after.values()}
        for key, was in before.items():
            now = after.get(key)
            name, where = str(was.get("name")), str(was.get("in"))
            if now is not None:
                self._parameter(was, now)
            elif where != "path" and places.get(name, where) != where:
                text = f"`{name}` is read from the {places[name]}, no more from the {where}"
                self._add("parameter-moved", was, text, newer=False)
            else:
                text = f"`{name}` is no longer read from the {where}"
                self._add("parameter-removed", was, text, newer=False, level="risky")
        for key, now in after.items():
            if key not in before and now.flag("required") and now.get("in") != "path":
                self._add("parameter-required", now, f"`{now.get('name')}` must be given")

    def _parameter(self, was: Place, now: Place) -> None:
        name = now.get("name")
        if now.flag("required") and not was.flag("required"):
            self._add("parameter-required", now, f"`{name}` must be given")
        for key in ("style", "explode", "allowReserved"):
            if _style(was, key) != _style(now, key):
                self._add("parameter-moved", now, f"`{name}` is written otherwise: `{key}` changed")
        self._compare(_schema(was), _schema(now), "request")

    def _body(self) -> None:
        was, now = self._old["requestBody"], self._new["requestBody"]
        if now.value is None:
            if was.value is not None:
                self._add(
                    "body-removed", was, "the body is no longer read", newer=False, level="risky"
                )
            return
        if now.flag("required") and not was.flag("required"):
            self._add("body-required", now, "a body must be given")
        if was.value is not None:
            self._contents(was, now, "request")

    def _contents(self, was: Place, now: Place, direction: Direction) -> None:
        before, after = dict(was["content"].items()), dict(now["content"].items())
        for media, place in before.items():
            other = after.get(media)
            if other is None:
                done = "taken" if direction == "request" else "given"
                self._add(
                    "media-type-removed", place, f"{media} is not {done} any more", newer=False
                )
            elif direction == "request":
                self._compare(place["schema"], other["schema"], direction)
            else:
                self._compare(other["schema"], place["schema"], direction)

    def _responses(self) -> None:
        before, after = dict(self._old["responses"].items()), dict(self._new["responses"].items())
        for status, was in before.items():
            now = after.get(status) or after.get(f"{status[0]}XX") or after.get("default")
            if now is None:
                if status[:1] == "2":
                    self._add("response-removed", was, f"the answer {status} is gone", newer=False)
                continue
            self._contents(was, now, "response")
            self._headers(was, now, status)

    def _headers(self, was: Place, now: Place, status: str) -> None:
        after = {name.lower(): place for name, place in now["headers"].items()}
        for name, place in was["headers"].items():
            other = after.get(name.lower())
            if other is not None:
                self._compare(_schema(other), _schema(place), "response")
            elif place.flag("required"):
                text = f"the header {name} of {status} is gone"
                self._add("header-removed", place, text, newer=False)

    def _security(self) -> None:
        """Every way in that there was must still be one, with rights that it had."""
        was, now = _security(self._old), _security(self._new)
        if not now or {} in now:
            return
        for way in was or [{}]:
            if not any(_within(other, way) for other in now):
                shown = " and ".join(sorted(way)) or "nothing"
                self._add("security-added", self._new, f"{shown} is not enough any more")


def _parameters(item: Place, operation: Place, name: str) -> dict[tuple[str, str], Place]:
    """By place and name; those of a path by their position, for their names are no promise."""
    order = _PARAMETER.findall(name)
    found = {}
    for listed in (item["parameters"], operation["parameters"]):
        for place in listed.each():
            key = str(place.get("name"))
            where = str(place.get("in"))
            if where == "path" and f"{{{key}}}" in order:
                key = str(order.index(f"{{{key}}}"))
            found[where, key.lower() if where == "header" else key] = place
    return found


def _style(place: Place, key: str) -> Any:
    style = place.get("style") or _STYLES.get(str(place.get("in")))
    if key == "style":
        return style
    said = place.get(key)
    return said if said is not None else key == "explode" and style == "form"


def _schema(place: Place) -> Place:
    """The schema of a parameter or header, wherever it is written."""
    if place.get("schema") is not None:
        return place["schema"]
    return next((media["schema"] for _, media in place["content"].items()), Place(None, None))


def _security(operation: Place) -> list[Mapping[str, Any]]:
    """The ways in: each a set of schemes with scopes. None at all: everybody."""
    said = operation.get("security")
    if said is None and isinstance(operation.root, dict):
        said = operation.root.get("security")
    return [way for way in said if isinstance(way, dict)] if isinstance(said, list) else []


def _within(now: Mapping[str, Any], was: Mapping[str, Any]) -> bool:
    return all(
        scheme in was and set(_texts(scopes)) <= set(_texts(was[scheme]))
        for scheme, scopes in now.items()
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        yield from (str(item) for item in value)


def _webhooks(old: Place, new: Place, shared: Shared) -> Iterator[Change]:
    """Requests that the service itself makes: those who take them read what it writes now."""
    after = dict(new["webhooks"].items())
    for name, was in old["webhooks"].items():
        now = after.get(name)
        if now is None:
            yield Change(
                name, "webhook-removed", "risky", "is no longer called", was.path, newer=False
            )
            continue
        for method in METHODS:
            contents = dict(was[method]["requestBody"]["content"].items())
            for media, place in contents.items():
                written = now[method]["requestBody"]["content"][media]["schema"]
                if written.value is not None and place["schema"].value is not None:
                    comparison = Comparison("response", name, newer=False, shared=shared)
                    comparison.narrowed(written, place["schema"])
                    yield from comparison.changes
