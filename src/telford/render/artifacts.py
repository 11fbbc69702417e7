"""What a target gives: units that are rendered when their text is wanted, and diagnostics.

A **unit** is one file to be. Its `key` is a digest of everything its text depends on, so a build
that has seen the key need not render it again. Called by every target and by `telford.app.build`.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from telford.basics.diagnostics import Diagnostic, Position
from telford.estate.artifact import Artifact

Object = dict[str, Any]


def _no_objects() -> list[Object]:
    return []


@dataclass(frozen=True, slots=True)
class Unit:
    """One file to be: where it goes, whose it is, what it depends on, and how to make it.

    `place` is "" for a file that is about the whole estate. `objects` are what the text says, for
    a target that builds on this one (`needs`); none where the target gives no objects.
    """

    path: str
    owner: str
    target: str
    place: str
    key: str
    make: Callable[[], str]
    objects: Callable[[], list[Object]] = _no_objects

    def artifact(self) -> Artifact:
        """Render it."""
        return Artifact(self.path, self.make(), self.owner, self.target, self.place)


@dataclass(frozen=True, slots=True)
class Rendering:
    """Some units of a target, what is to be said about them, and where the patches are written that
    changed them (`telford.render.patching`).
    """

    units: tuple[Unit, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    hit: frozenset[Position] = frozenset()

    def artifacts(self) -> tuple[Artifact, ...]:
        """Render every unit."""
        return tuple(unit.artifact() for unit in self.units)


NOTHING = Rendering()


def ready(path: str, owner: str, target: str, place: str, text: str) -> Unit:
    """A unit whose text is made already: for what is small, its text is the best key."""
    return Unit(path, owner, target, place, key(path, text), partial(str, text))


def key(*parts: str) -> str:
    """A digest of texts, each delimited by its length: no two lists of parts share one by chance."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(b"%d:" % len(encoded))
        digest.update(encoded)
    return digest.hexdigest()


def by_path(units: Iterable[Unit]) -> tuple[Unit, ...]:
    """Units in the order of their paths."""
    return tuple(sorted(units, key=lambda unit: unit.path))


def joined(renderings: Iterable[Rendering]) -> Rendering:
    """Several as one, units by path."""
    known = tuple(renderings)
    units = by_path(unit for one in known for unit in one.units)
    said = tuple(said for one in known for said in one.diagnostics)
    hit = frozenset(position for one in known for position in one.hit)
    return Rendering(units, said, hit)
