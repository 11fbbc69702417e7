"""From a line of an artifact back to the line of the estate that it hangs on.

Nothing is kept for it and no target knows of it: a target is a pure function, so a value is tried
with another one and the lines that move are its lines (docs/decisions/0014). A line is known

- **exact**: the value stands on it, and another value would stand there instead;
- **derived**: it would be another line with another value;
- **entity**: nothing that is written moves it, or everything does: the document it is made of.

Called by `telford.app.sources` and `telford.app.planning`.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from telford.app import source_leaves, source_trials
from telford.app.source_leaves import Leaf
from telford.app.source_trials import Trials
from telford.basics.diagnostics import Position
from telford.estate.model import Entity, Estate
from telford.plan.actions import Entry
from telford.render.scene import World

# A line that so many values of one document move (a digest, a name) is of the document.
_MANY = 6
# No file is rendered more often than this to find one line, or all of them; in a large estate each
# time costs more, so the product of both has a limit too.
MAX_TRIALS = 6_000
MAX_WORK = 1_000_000
# Other values that are tried for one that moves nothing yet: of a file of one thing, and of one of
# many things, where each costs more.
_VARIANTS, _VARIANTS_OF_MANY = 4, 2
# Values that stand on no line are tried for one line this often.
_MAX_BLIND = 400
_WORD = re.compile(r"[A-Za-z0-9]+")


# Kinds that may repeat what holds without them.
_REPEATING = frozenset({"architecture", "recipe"})
_PLACES = frozenset({"environment", "region", "cluster"})


class How(StrEnum):
    """How an origin is known, the best first."""

    EXACT = "exact"
    DERIVED = "derived"
    ENTITY = "entity"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a line comes from. `address` is "" for the road's defaults, `field` is "" for a whole
    document; `text` is what is written there.
    """

    how: How
    position: Position
    address: str
    field: str = ""
    text: str = ""

    def __str__(self) -> str:
        """For people: ``service/orders run.image (shop/orders.yaml:12)``."""
        name = " ".join(filter(None, [self.address or "road defaults", self.field]))
        return f"{name} ({self.position.file}:{self.position.line})"

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "how": self.how.value,
            "file": self.position.file,
            "line": self.position.line,
            "column": self.position.column,
            "address": self.address or None,
            "field": self.field or None,
            "text": self.text or None,
        }


@dataclass(slots=True)
class _Found:
    """The leaves that move a line: those whose text stands on it, and the others."""

    exact: list[Leaf] = field(default_factory=list)
    derived: list[Leaf] = field(default_factory=list)


class SourceMap:
    """The source map of one file. `owner` is the address that the file is of."""

    def __init__(
        self, estate: Estate, trials: Trials, owner: str, tired: Callable[[], bool]
    ) -> None:
        self._estate = estate
        self._tired = tired
        self._trials = trials
        self._owner = owner
        self._left = min(MAX_TRIALS, MAX_WORK // max(len(estate.entities), 1))
        self._counting: dict[str, bool] = {}
        self._moved: dict[Leaf, Mapping[int, bool]] = {}

    @property
    def text(self) -> str:
        """The file as the estate makes it."""
        return self._trials.text

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the file as the estate makes it."""
        return _lines(self._trials.text)

    def every(self) -> list[tuple[Origin, ...]]:
        """The origins of every line, the best known first."""
        found = [_Found() for _ in self.lines]
        for leaf in self._leaves(self._documents()):
            _note(found, leaf, self.moved(leaf))
        for line, one in zip(self.lines, found, strict=True):
            self._note_place(line, one)
        return [self._origins(one) for one in found]

    def _note_place(self, line: str, found: _Found) -> None:
        """Places cannot be tried under another name; a line that nothing moves may hold theirs."""
        if not (found.exact or found.derived):
            parts = _value(line).split("/")
            found.derived += [name for name in self._places if name.text in parts]

    @cached_property
    def _places(self) -> tuple[Leaf, ...]:
        """The names of environments, regions and clusters."""
        named = [one for one in self._documents() if one.address.kind in _PLACES]
        return tuple(leaf for one in named for leaf in source_leaves.leaves(one) if leaf.naming)

    def line(self, number: int, *, suspects: Iterable[Leaf] = (), thorough: bool = True) -> Origin:
        """The best origin of a line (from 1): values that stand on it are tried before others, and
        the first that is exact is taken. Unless `thorough`, no others are tried. A suspect that
        moves the line goes before all.
        """
        index = number - 1
        wanted = self.lines[index]
        for leaf in suspects:
            if index in (moved := self.moved(leaf)):
                return of_leaf(How.EXACT if moved[index] else How.DERIVED, leaf)
        found = _Found()
        for group in self._groups(wanted, thorough=thorough):
            for leaf in group:
                moved = self.moved(leaf)
                if moved.get(index):
                    return of_leaf(How.EXACT, leaf)
                if index in moved:
                    found.derived.append(leaf)
            if found.derived:
                break
        else:
            self._note_place(wanted, found)
        return self._origins(found)[0]

    def _groups(self, line: str, *, thorough: bool) -> Iterator[list[Leaf]]:
        """Leaves by how likely they are: on the line and of the file's own document, on the line, of
        the document, of the others.
        """
        own = list(self._leaves([self._estate.entities[self._owner]], road=False))
        yield _standing(own, line)
        # Only now: which documents have a say costs a rendering each.
        rest = [leaf for leaf in self._leaves(self._documents()) if leaf.address != self._owner]
        yield _standing(rest, line)
        if not thorough:
            return
        yield [leaf for leaf in own if not leaf.naming]
        named = [leaf for leaf in rest if not leaf.naming and self._speaks_of(leaf)]
        yield named[:_MAX_BLIND]

    def _speaks_of(self, leaf: Leaf) -> bool:
        """Whether the file has the name of a leaf's document somewhere; settings have none."""
        name = leaf.address.rpartition("/")[2].rpartition(".")[2]
        return self._trials.of_one or name in self._trials.text or not leaf.address

    def _documents(self) -> list[Entity]:
        """The documents whose values are tried, the file's own first."""
        return [self._estate.entities[one] for one in self._trials.documents() if self._counts(one)]

    def _counts(self, address: str) -> bool:
        """Whether a document has a say: without it the file would be another one, or none. What an
        architecture or a recipe says may be what the road says as well, and still has a say.
        """
        known = self._counting.get(address)
        if known is None:
            known = self._counting[address] = self._asked(address)
        return known

    def _asked(self, address: str) -> bool:
        kind, _, name = address.partition("/")
        if address == self._owner or kind in _REPEATING:
            return True
        if kind in _PLACES and self._trials.place:
            return name in self._trials.place.split("/")
        if self._left <= 0 or self._tired():
            return False
        self._left -= 1
        return self._trials.without(address) != self._trials.text

    @staticmethod
    def _leaves(documents: Iterable[Entity], *, road: bool = True) -> Iterator[Leaf]:
        for entity in documents:
            yield from source_leaves.leaves(entity)
        if road:
            yield from source_leaves.of_defaults()

    def moved(self, leaf: Leaf) -> Mapping[int, bool]:
        """The lines, from 0, that hang on a leaf, and whether its text stands on them."""
        known = self._moved.get(leaf)
        if known is None:
            known = self._moved[leaf] = self._tried(leaf)
        return known

    def _tried(self, leaf: Leaf) -> Mapping[int, bool]:
        """Other values, until one of them moves something."""
        most = _VARIANTS if self._trials.of_one else _VARIANTS_OF_MANY
        for count, (text, other) in enumerate(self._others(leaf)):
            if self._left <= 0 or count >= most or self._tired():
                break
            self._left -= 1
            if other is not None:
                moved = _differences(self.lines, _lines(other), leaf.text, text)
                if moved:
                    return moved
        return {}

    def _others(self, leaf: Leaf) -> Iterator[tuple[str, str | None]]:
        if not leaf.address:
            for text, values in source_leaves.other_defaults(leaf):
                yield text, self._trials.with_defaults(values)
            return
        entity = self._estate.entities[leaf.address]
        for text, other in source_leaves.others(leaf, entity):
            yield text, self._trials.with_entity(leaf.address, other)

    def _origins(self, found: _Found) -> tuple[Origin, ...]:
        """Exact ones, else derived ones; documents in place of too many of their values."""
        exact = [of_leaf(How.EXACT, leaf) for leaf in found.exact]
        derived = list(self._derived(found.derived))
        return tuple(dict.fromkeys([*exact, *derived])) or (
            of_entity(self._estate.entities[self._owner]),
        )

    def _derived(self, found: Sequence[Leaf]) -> Iterator[Origin]:
        by_document: dict[str, list[Leaf]] = {}
        for leaf in found:
            by_document.setdefault(leaf.address, []).append(leaf)
        whole = []
        for address, some in by_document.items():
            if address and len(some) > _MANY:
                whole.append(of_entity(self._estate.entities[address]))
            else:
                yield from (of_leaf(How.DERIVED, leaf) for leaf in some)
        yield from whole


def of_entity(entity: Entity) -> Origin:
    """A whole document as an origin."""
    position = Position(entity.file, entity.node.line, entity.node.column)
    return Origin(How.ENTITY, position, str(entity.address))


def _untiring() -> bool:
    return False


def of_file(world: World, entry: Entry, tired: Callable[[], bool] = _untiring) -> SourceMap | None:
    """The source map of one file; None where nothing in the world makes it. Once `tired` says so,
    no more values are tried.
    """
    made_by = source_trials.piece(world, entry)
    if made_by is None:
        return None
    return SourceMap(world.estate, source_trials.Trials(world, made_by), entry.owner, tired)


def _lines(text: str) -> list[str]:
    """The lines of a text without quotes: which words a writer quotes hangs on other words."""
    return text.replace("'", "").replace('"', "").splitlines()


def of_leaf(how: How, leaf: Leaf) -> Origin:
    """A value as an origin."""
    return Origin(how, leaf.position, leaf.address, leaf.field, leaf.text)


def _note(found: list[_Found], leaf: Leaf, moved: Mapping[int, bool]) -> None:
    for index, exact in moved.items():
        (found[index].exact if exact else found[index].derived).append(leaf)


def _standing(found: Iterable[Leaf], line: str) -> list[Leaf]:
    """The leaves whose text stands on a line, those that say most of it first."""
    return sorted((leaf for leaf in found if _stands(leaf, line)), key=lambda leaf: -len(leaf.text))


def _stands(leaf: Leaf, line: str) -> bool:
    """Whether a leaf's text stands on a line as words of its own."""
    if not leaf.text or leaf.text not in line:
        return False
    return bool(re.search(rf"(?<![A-Za-z0-9]){re.escape(leaf.text)}(?![A-Za-z0-9])", line))


def _differences(old: list[str], new: list[str], was: str, now: str) -> dict[int, bool]:
    """The old lines that are others in the new text, and whether the value stood on them."""
    moved: dict[int, bool] = {}
    for tag, start, end, from_, to in _blocks(old, new):
        if tag == "replace" and end - start == to - from_:
            for index, other in zip(range(start, end), range(from_, to), strict=True):
                exact = bool(was) and was in old[index] and bool(now) and now in new[other]
                moved[index] = exact and new[other] == old[index].replace(was, now)
        else:
            moved.update(
                (index, bool(was) and was == _value(old[index])) for index in range(start, end)
            )
    return moved


def _value(line: str) -> str:
    """What stands behind the key, or the dash, of a line."""
    return line.strip().removeprefix("- ").partition(": ")[2].strip(",") or line.strip("- ,")


def _blocks(old: list[str], new: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """The parts in which two texts differ. What is equal at both ends is skipped first: nearly all
    of it is, and finding out the slow way would be most of the time.
    """
    begin = 0
    shorter = min(len(old), len(new))
    while begin < shorter and old[begin] == new[begin]:
        begin += 1
    end = 0
    while end < shorter - begin and old[-1 - end] == new[-1 - end]:
        end += 1
    one, other = old[begin : len(old) - end], new[begin : len(new) - end]
    if len(one) == len(other) and sum(map(str.__ne__, one, other)) <= 1 + len(one) // 2:
        pairs = ((i, i) for i in range(len(one)) if one[i] != other[i])
        for i, j in pairs:
            yield "replace", begin + i, begin + i + 1, begin + j, begin + j + 1
        return
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            yield tag, begin + i1, begin + i2, begin + j1, begin + j2
