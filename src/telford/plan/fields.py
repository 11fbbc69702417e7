"""What a change of a YAML text means, field by field: changed paths with their old and new value.

Documents are told apart by kind and name, items of lists by their names, so that one more
container is one addition and not a shifted list. Called by `telford.app.planning`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telford.basics import yamltext

# Keys by which items of a list are told apart, the first that every item has.
_NAMES = ("name", "mountPath", "containerPort", "port", "topologyKey", "record", "host", "path")
# Longer values are cut: the text diff has all of it.
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Change:
    """One changed field. `old` or `new` is None where it was not or will not be there."""

    path: str
    old: str | None
    new: str | None

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {"path": self.path, "old": self.old, "new": self.new}


def changes(old: str, new: str) -> tuple[Change, ...]:
    """Every changed field between two YAML texts, in the order of the new one."""
    return tuple(_documents(_by_name(old), _by_name(new)))


def _by_name(text: str) -> dict[str, Any]:
    """Document name -> document. One without kind and name is called by its number."""
    nodes, _ = yamltext.read(text, "")
    found: dict[str, Any] = {}
    for index, node in enumerate(nodes):
        value = yamltext.plain(node)
        found[_title(value, index, found)] = value
    return found


def _title(value: Any, index: int, taken: Mapping[str, Any]) -> str:
    if isinstance(value, dict) and "kind" in value:
        metadata = value.get("metadata")
        name = metadata.get("name", "") if isinstance(metadata, dict) else value.get("name", "")
        title = f"{value['kind']}/{name}"
        if title not in taken:
            return title
    return "" if index == 0 else f"document {index + 1}"


def _documents(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for title in dict.fromkeys([*new, *old]):
        if title not in old:
            yield Change(title, None, "(a new object)")
        elif title not in new:
            yield Change(title, "(the whole object)", None)
        else:
            yield from _values(f"{title} " if title else "", old[title], new[title])


def _values(path: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _keyed(path, old, new, "{prefix}{dot}{key}")
    elif isinstance(old, list) and isinstance(new, list) and (name := _name(old, new)):
        first = {str(item[name]): item for item in old}
        second = {str(item[name]): item for item in new}
        yield from _keyed(path, first, second, "{prefix}[{key}]")
    elif old != new:
        yield Change(path, _shown(old), _shown(new))


def _keyed(
    path: str, old: Mapping[str, Any], new: Mapping[str, Any], form: str
) -> Iterator[Change]:
    dot = "." if path and not path.endswith(" ") else ""
    for key in dict.fromkeys([*new, *old]):
        where = form.format(prefix=path, dot=dot, key=key)
        if key not in old:
            yield Change(where, None, _shown(new[key]))
        elif key not in new:
            yield Change(where, _shown(old[key]), None)
        else:
            yield from _values(where, old[key], new[key])


def _name(old: Sequence[Any], new: Sequence[Any]) -> str | None:
    """The key that tells all items of both lists apart."""
    items = [*old, *new]
    if not all(isinstance(item, dict) for item in items):
        return None
    for key in _NAMES:
        named = all(key in item for item in items)
        if named and all(len({str(i[key]) for i in side}) == len(side) for side in (old, new)):
            return key
    return None


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    text = (
        "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
