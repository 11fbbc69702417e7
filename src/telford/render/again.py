"""Render again after an edit: only what may have another text.

The unit of work is a **piece**: one function of a target asked about one thing. While it works, a
`Watch` notes what it asks; in the next state, only pieces that asked a question with another answer
are asked again. So a server renders one edit of a large estate in a fraction of a build, and no
target need know how. Called by `telford.app.watching`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from telford.estate.watching import Question, Watch
from telford.render import watched
from telford.render.artifacts import Rendering
from telford.render.scene import World
from telford.render.target import Hook, Target


@dataclass(frozen=True, slots=True)
class Piece:
    """One function of a target, asked about a thing (`address`) in a place, each "" where it is
    about none.
    """

    target: str
    hook: Hook
    place: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of an update: pieces that were asked again with their old rendering (None where
    they are new) and with their new one, and those that are no more.
    """

    again: dict[Piece, Rendering | None]
    renderings: dict[Piece, Rendering]
    gone: dict[Piece, Rendering]


class Renderer:
    """Holds every rendering of a world. Not for several threads at once."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = {target.name: target for target in targets}
        self._last: World | None = None
        self._asked: dict[Piece, frozenset[Question]] = {}
        self._askers: dict[Question, set[Piece]] = {}
        self._shares = watched.Shares()
        self.renderings: dict[Piece, Rendering] = {}

    def update(self, world: World) -> Step:
        """Bring all renderings to this world, plain as `telford.app.rendering.world` makes it."""
        before = dict(self.renderings)
        stale = self._stale(world)
        pieces = dict.fromkeys(self._pieces(world))
        gone = {piece: before[piece] for piece in before.keys() - pieces.keys()}
        for piece in gone:
            self._forget(piece)
        watch = Watch()
        shown = watched.WatchedWorld(world, watch, self._shares)
        again = [piece for piece in pieces if piece in stale or piece not in self.renderings]
        for piece in again:
            self._ask(piece, shown, watch)
        self._last = world
        made = {piece: self.renderings[piece] for piece in again}
        return Step({piece: before.get(piece) for piece in again}, made, gone)

    def _stale(self, world: World) -> set[Piece]:
        """The pieces that may have another rendering now."""
        if self._last is None or not watched.settled(self._last, world):
            self._shares = watched.Shares()
            return set(self.renderings)
        # What is worked out of a whole place is taken over as far as it still holds.
        for before, after in zip(self._last.scenes, world.scenes, strict=True):
            after.follow(before)
        questions = watched.changed(self._last, world)
        self._shares.forget(questions)
        return {piece for asked in questions for piece in self._askers.get(asked, ())}

    def _pieces(self, world: World) -> Iterator[Piece]:
        for target in self._targets.values():
            for scene in world.scenes:
                if target.place is not None:
                    yield Piece(target.name, "place", scene.place)
                if target.entity is not None:
                    for address in target.asked(scene.binding.entities):
                        yield Piece(target.name, "entity", scene.place, address)
            if target.estate is not None:
                yield Piece(target.name, "estate")
            if target.across is not None:
                for address in target.asked(world.estate.entities):
                    yield Piece(target.name, "across", "", address)

    def _ask(self, piece: Piece, world: watched.WatchedWorld, watch: Watch) -> None:
        self._forget(piece)
        with watch.asking() as asked:
            target = self._targets[piece.target]
            self.renderings[piece] = target.ask(piece.hook, world, piece.place, piece.address)
        self._asked[piece] = frozenset(asked)
        for question in asked:
            self._askers.setdefault(question, set()).add(piece)

    def _forget(self, piece: Piece) -> None:
        self.renderings.pop(piece, None)
        for question in self._asked.pop(piece, ()):
            self._askers[question].discard(piece)
