"""Taking an object apart: every field is taken once, and what nobody took is noticed.

Called by the modules that turn objects into values: an object of which something is left is no
values, because the chart would lose it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Values = dict[str, Any]


class UnsaidError(Exception):
    """Something of an object has no place in the values; the text is where."""


class Taken:
    """A mapping of an object whose fields are taken out."""

    def __init__(self, found: Any, where: str = "") -> None:
        if not isinstance(found, dict):
            raise UnsaidError(where or "no mapping")
        self._left = dict(found)
        self._where = where

    def take(self, key: str, default: Any = None) -> Any:
        """What is under a key, and is gone after."""
        return self._left.pop(key, default)

    def inside(self, key: str) -> "Taken":
        """The mapping under a key, empty where there is none."""
        return Taken(self._left.pop(key, {}), f"{self._where}.{key}")

    def must(self, key: str, value: Any) -> None:
        """Take what can only be this. Raises `UnsaidError` where it is another."""
        if self._left.pop(key, value) != value:
            raise UnsaidError(f"{self._where}.{key}")

    def renamed(self, names: Mapping[str, str]) -> Values:
        """The fields of a table that are there, under their names as values."""
        return {
            value: self._left.pop(field) for field, value in names.items() if field in self._left
        }

    def done(self) -> None:
        """Raises `UnsaidError` where something is left."""
        for key in self._left:
            raise UnsaidError(f"{self._where}.{key}")


def named(items: Iterable[Any], where: str) -> list[Any]:
    """The names of items that say nothing else. Raises `UnsaidError` for more."""
    found = []
    for item in items:
        one = Taken(item, where)
        found.append(one.take("name"))
        one.done()
    return found
