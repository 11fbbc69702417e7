"""A place in a JSON-like document: its value, the way to it, and references followed.

Only references within the document are followed; nothing is fetched. A reference that leads
nowhere, out of the document or round in a circle gives the place as it is written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from telford.analysis.contracts.change import Path

# A reference to a reference to a reference: longer chains are circles.
_MAX_HOPS = 20


@dataclass(frozen=True, slots=True)
class Place:
    """A value within `root`, at `path`."""

    root: Any
    value: Any
    path: Path = ()

    def __getitem__(self, key: str | int) -> "Place":
        """What is under a key, references followed; a place with None where there is nothing."""
        return self.step(key).resolved()

    def step(self, key: str | int) -> "Place":
        """What is under a key, as it is written."""
        value = None
        if isinstance(self.value, dict):
            value = self.value.get(key)
        elif isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value):
            value = self.value[key]
        return Place(self.root, value, (*self.path, key))

    def items(self) -> Iterator[tuple[str, "Place"]]:
        """Key and place of each item of a mapping, references followed."""
        if isinstance(self.value, dict):
            for key in self.value:
                yield str(key), self[key]

    def each(self) -> Iterator["Place"]:
        """The items of a list, references followed."""
        if isinstance(self.value, list):
            for index in range(len(self.value)):
                yield self[index]

    def text(self, key: str) -> str | None:
        """A text under a key; None where there is none."""
        value = self.get(key)
        return value if isinstance(value, str) else None

    def get(self, key: str) -> Any:
        """The plain value under a key of a mapping."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def flag(self, key: str) -> bool:
        """Whether a key says true."""
        return self.get(key) is True

    @property
    def reference(self) -> str | None:
        """Where this place refers to."""
        value = self.get("$ref")
        return value if isinstance(value, str) else None

    def resolved(self) -> "Place":
        """The place that is meant, references within the document followed."""
        place = self
        for _ in range(_MAX_HOPS):
            reference = place.reference
            if reference is None or not reference.startswith("#"):
                return place
            found = self.at(reference)
            if found is None:
                return place
            place = found
        return self

    def at(self, reference: str) -> "Place | None":
        """What a local reference (``#/components/schemas/Order``) names."""
        place = Place(self.root, self.root)
        for part in reference.removeprefix("#").split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}")
            step: str | int = key
            if isinstance(place.value, list) and key.isascii() and key.isdigit() and len(key) < 9:
                step = int(key)
            place = place.step(step)
            if place.value is None:
                return None
        return place


def document(value: Any) -> Place:
    """The whole of a document."""
    return Place(value, value)
