"""Who asked what of an estate, so that what was worked out of it is worked out again only when an
answer has changed.

A **question** names one thing that can be looked up: a key of a named mapping, all its keys, or all
of it. A `Watch` notes every question asked through its mappings; `changed` says which questions
have another answer in the next state. This is how a server renders and checks one edit of a large
estate without knowing what any target or rule reads ("verifying traces" of build systems: Mokhov,
Mitchell, Peyton Jones, Build Systems à la Carte, 2018). Called by `telford.render.watched`,
`telford.render.again` and `telford.rules.again`.
"""

import contextlib
from collections.abc import Callable, Iterator, KeysView, Mapping
from typing import Any, TypeVar

from telford.estate.model import Entity, Estate

V = TypeVar("V")
D = TypeVar("D")

# (mapping, key), or (mapping, KEYS) and (mapping, ALL).
Question = tuple[str, str]
KEYS = "*keys"
ALL = "*"


class Watch:
    """Notes questions while somebody works."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        self.asked: set[Question] = set()

    @contextlib.contextmanager
    def asking(self) -> Iterator[set[Question]]:
        """The questions that are asked inside; they count for whoever asks around it, too."""
        outer, self.asked = self.asked, set()
        try:
            yield self.asked
        finally:
            outer |= self.asked
            self.asked = outer


class Watched(Mapping[str, V]):
    """A mapping of which every look-up is noted under its name."""

    __slots__ = ("_entries", "_name", "_watch")

    def __init__(self, entries: Mapping[str, V], watch: Watch, name: str) -> None:
        self._entries = entries
        self._watch = watch
        self._name = name

    def __getitem__(self, key: str) -> V:
        self._watch.asked.add((self._name, key))
        return self._entries[key]

    def get(self, key: str, default: Any = None) -> Any:
        """As `dict.get`."""
        self._watch.asked.add((self._name, key))
        return self._entries.get(key, default)

    def __contains__(self, key: object) -> bool:
        self._watch.asked.add((self._name, str(key)))
        return key in self._entries

    def __iter__(self) -> Iterator[str]:
        self._watch.asked.add((self._name, KEYS))
        return iter(self._entries)

    def __len__(self) -> int:
        self._watch.asked.add((self._name, KEYS))
        return len(self._entries)

    def keys(self) -> KeysView[str]:
        """As `dict.keys`."""
        self._watch.asked.add((self._name, KEYS))
        return self._entries.keys()

    def items(self) -> Any:
        """As `dict.items`: every value is asked for."""
        self._watch.asked.add((self._name, ALL))
        return self._entries.items()

    def values(self) -> Any:
        """As `dict.values`: every value is asked for."""
        self._watch.asked.add((self._name, ALL))
        return self._entries.values()


def changed(
    name: str, old: Mapping[str, V], new: Mapping[str, V], same: Callable[[V, V], bool]
) -> set[Question]:
    """The questions about a mapping that have another answer in `new`."""
    keys = {key for key, value in new.items() if key not in old or not same(old[key], value)}
    gone = old.keys() - new.keys()
    questions = {(name, key) for key in (*keys, *gone)}
    if questions:
        questions.add((name, ALL))
    if gone or len(old) != len(new):
        questions.add((name, KEYS))
    return questions


class WatchedEstate(Estate):
    """An estate of which every look-up is noted."""

    def __init__(self, plain: Estate, watch: Watch) -> None:
        super().__init__(Watched(plain.entities, watch, "estate"), plain.digest, plain.resolved)
        kinds = Watched(plain.by_kind, watch, "estate kind")
        shorts = Watched(plain.by_short, watch, "estate short")
        # What the properties of a plain estate work out once.
        self.__dict__.update(by_kind=kinds, by_short=shorts)


def same(old: Entity, new: Entity) -> bool:
    """The very same document, even to its lines: what is said of it names them."""
    return old is new or old == new


def changed_in_estate(old: Estate, new: Estate) -> set[Question]:
    """Every question about an estate that has another answer in the new one."""
    found = changed("estate", old.entities, new.entities, same)
    if not found:
        return found
    addresses = [key for _, key in found if key not in (KEYS, ALL)]
    kinds = {address.partition("/")[0] for address in addresses}
    found |= {("estate kind", kind) for kind in kinds}
    shorts = {
        entity.address.short
        for address in addresses
        for entity in (old.entities.get(address), new.entities.get(address))
        if entity is not None
    }
    return found | {("estate short", short) for short in shorts}
