"""Ask every target about everything, on all cores where there is much to ask, and name each text.

A unit whose key the inventory knows is not rendered again: its text is the one that was written.
Who asks about which thing is decided by the thing's number alone, and the answers are put together
by path, so the number of processes changes nothing in what is built. Called by
`telford.app.rendering`.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass, field
from functools import cached_property, partial

from telford.app import extensions, remembered
from telford.backends import forking, output
from telford.basics.diagnostics import Diagnostic, Position
from telford.plan.actions import Entry, Inventory
from telford.render.artifacts import Rendering, Unit
from telford.render.scene import World
from telford.render.target import Target

# With fewer questions one process has answered them before another has begun: copying the process
# and reading its answer cost about 0.1 s, a question 0.5 ms.
WORTH_ASKING = 2000


@dataclass(slots=True)
class Made:
    """Every file that is wanted, what is to be said, and where the patches are that changed some."""

    entries: dict[str, Entry] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    said: list[Diagnostic] = field(default_factory=list)
    hit: frozenset[Position] = frozenset()
    again: Callable[[str], str] = str

    def text(self, path: str) -> str:
        """The text of a file: as it was made, or made now where its key was known."""
        known = self.texts.get(path)
        return known if known is not None else self.again(path)

    def as_bytes(self) -> bytes:
        """All but `again`, for another process: a line of JSON, then the texts one after another."""
        rows = [list(astuple(entry)) for entry in self.entries.values()]
        hit = sorted(astuple(position) for position in self.hit)
        texts = {path: text.encode() for path, text in self.texts.items()}
        sizes = {path: len(text) for path, text in texts.items()}
        head = json.dumps([rows, sizes, remembered.kept(self.said), hit]).encode()
        return b"\n".join([head, b"".join(texts.values())])

    def take(self, data: bytes) -> None:
        """What another process made."""
        at = data.index(b"\n")
        rows, sizes, said, hit = json.loads(data[:at])
        for row in rows:
            assert row[0] not in self.entries, f"two units want {row[0]}"
            self.entries[row[0]] = Entry(*row)
        at += 1
        for path, size in sizes.items():
            self.texts[path] = data[at : at + size].decode()
            at += size
        self.said += map(remembered.restored, said)
        self.hit |= {Position(*one) for one in hit}


def render(whole: World, last: Inventory, code: str, *, elsewhere: bool) -> Made:
    """All of a world; with `elsewhere` also what is about no single place."""
    cores = forking.cores() if _questions(whole) >= WORTH_ASKING else 1
    work = partial(_share, whole, last, code, elsewhere=elsewhere, count=cores)
    if cores == 1:
        made = work(0)
    else:
        made = Made()
        for data in forking.shared(cores, lambda index: work(index).as_bytes()):
            made.take(data)
    made.entries = dict(sorted(made.entries.items()))
    made.again = _Again(whole, elsewhere=elsewhere).text
    return made


def _questions(whole: World) -> int:
    places = sum(len(scene.binding.entities) for scene in whole.scenes)
    return (places + len(whole.estate.entities)) * len(whole.targets)


def _share(
    whole: World, last: Inventory, code: str, index: int, *, elsewhere: bool, count: int
) -> Made:
    """The share of one process among `count`."""
    made = Made()
    for rendering in _renderings(whole, index, count, elsewhere=elsewhere):
        made.said += rendering.diagnostics
        made.hit |= rendering.hit
        for unit in rendering.units:
            assert unit.path not in made.entries, f"two units want {unit.path}"
            entry, text = named(unit, code, last.entries.get(unit.path))
            made.entries[unit.path] = entry
            if text is not None:
                made.texts[unit.path] = text
    return made


def named(unit: Unit, code: str, *earlier: Entry | None) -> tuple[Entry, str | None]:
    """A unit's entry: its digest from an earlier entry of the same key, or from its text, which is
    given then. `code` names the code that renders.
    """
    key = f"{code[:16]}:{unit.key}"
    digest = next((one.digest for one in earlier if one is not None and one.key == key), None)
    text = unit.make() if digest is None else None
    if text is not None:
        digest = output.digest(text.encode())
    assert digest is not None, "it is known, or its text was made"
    return Entry(unit.path, digest, key, unit.owner, unit.target, unit.place), text


def _renderings(whole: World, index: int, count: int, *, elsewhere: bool) -> Iterator[Rendering]:
    """What a share of the questions gives: each thing belongs to one process, with all its places
    and targets, because they share what is worked out of it; what is about no single thing is
    dealt out in turn.
    """
    mine = set(list(whole.estate.entities)[index::count])
    turn = 0
    for target in extensions.in_order(whole.targets):
        for ask in _wide(target, whole, elsewhere=elsewhere):
            if turn % count == index:
                yield ask()
            turn += 1
        yield from _narrow(target, whole, mine, elsewhere=elsewhere)


def _wide(target: Target, whole: World, *, elsewhere: bool) -> Iterator[Callable[[], Rendering]]:
    """Questions about a place, or about the estate, as a whole."""
    if target.place is not None:
        for scene in whole.scenes:
            yield partial(target.place, scene)
    if elsewhere and target.estate is not None:
        yield partial(target.estate, whole)


def _narrow(
    target: Target, whole: World, mine: Iterable[str], *, elsewhere: bool
) -> Iterator[Rendering]:
    """Questions about these things."""
    asked = sorted(target.asked(mine))
    if target.entity is not None:
        for scene in whole.scenes:
            for address in asked:
                if address in scene.binding.entities:
                    yield target.entity(scene, address)
    if elsewhere and target.across is not None:
        for address in asked:
            yield target.across(whole, address)


class _Again:
    """Texts that nobody made, because their keys were known, and that are wanted after all: their
    files are gone or edited.
    """

    def __init__(self, whole: World, *, elsewhere: bool) -> None:
        self._whole = whole
        self._elsewhere = elsewhere

    @cached_property
    def _units(self) -> dict[str, Unit]:
        every = _renderings(self._whole, 0, 1, elsewhere=self._elsewhere)
        return {unit.path: unit for rendering in every for unit in rendering.units}

    def text(self, path: str) -> str:
        """The text of a file that is wanted."""
        return self._units[path].make()
