"""Why each file of a plan changes: the line of the estate behind it, and what many have in common.

A change that many files share is looked up once (`telford.plan.grouping`): where its line is in a
document that they share, it is the cause of all; where it is in the document of one of them, the
others have it at the same field of their own. Called by `telford.app.planning`.
"""

from collections.abc import Sequence
from functools import cached_property

from telford.app import rendering, source_leaves, source_map
from telford.app.desires import Scope
from telford.app.source_leaves import Leaf
from telford.app.source_map import How, Origin, SourceMap
from telford.basics.clock import Clock
from telford.estate.model import Estate
from telford.plan import grouping, placing, table
from telford.plan.actions import Action, Entry
from telford.plan.grouping import Signature
from telford.plan.meaning import Meant
from telford.render.scene import World

# So many changes that are unlike any other are looked up one by one; the rest is of its document.
# One costs a few milliseconds, in an estate of a thousand services some tens.
MAX_LOOKED_UP = 200
# So many are looked up whose value stands on no line of the estate: each tries every value.
MAX_THOROUGH = 3
# All of it takes no longer than this: whoever reads a plan waits for it. What is left is of its
# document.
MAX_SECONDS = 4.0
# So many values that are known to be behind a change are tried for the others.
MAX_SUSPECTS = 20


# Target, place, and what the change is.
_Key = tuple[str, str, Signature]


class Causes:
    """Finds causes in one estate. `texts` gives the file as it is to be."""

    def __init__(self, estate: Estate, scope: Scope, clock: Clock) -> None:
        self._estate = estate
        self._clock = clock
        self._until = clock.monotonic() + MAX_SECONDS
        self.tired = False
        self._scope = scope
        # Whose change was looked up, and what came of it.
        self._known: dict[_Key, tuple[str, Origin | None]] = {}
        self._left = MAX_LOOKED_UP
        self._thorough = 0
        self._suspects: tuple[Leaf, ...] = ()

    def suspect(self) -> None:
        """From now on try first what was found behind other changes, and then all there is: a sum
        hangs on many values, and the one that changed is the cause.
        """
        found = [origin for _, origin in self._known.values() if _is_exact(origin)]
        self._known = {key: one for key, one in self._known.items() if _is_exact(one[1])}
        leaves = (self._leaf(origin) for origin in dict.fromkeys(found) if origin is not None)
        self._suspects = tuple(filter(None, leaves))[:MAX_SUSPECTS]
        self._thorough = MAX_THOROUGH

    def _leaf(self, origin: Origin) -> Leaf | None:
        """The value at an origin."""
        entity = self._estate.entities.get(origin.address)
        every = source_leaves.of_defaults() if entity is None else source_leaves.leaves(entity)
        return next((leaf for leaf in every if leaf.position == origin.position), None)

    @cached_property
    def _world(self) -> World:
        places = rendering.places(self._estate, self._scope)
        targets = rendering.chosen(self._estate, self._scope)
        return rendering.world(self._estate, places, targets)

    def of_file(
        self, action: Action, found: Sequence[Meant], old: str, new: str
    ) -> tuple[tuple[Origin | None, ...], Origin | None]:
        """The origin of each change, and the cause of the whole: of the gravest that has one."""
        document = self._document(action.owner)
        origins: list[Origin | None] = []
        maps: list[SourceMap | None] = []
        for meant in found:
            if not (old and new) or meant.change.whole or grouping.is_digest(meant.change):
                origins.append(document)
            else:
                origins.append(self._of_change(action, meant, old, new, maps) or document)
        by_meant = dict(zip(map(id, found), origins, strict=True))
        ranked = sorted(grouping.telling(found), key=_gravity)
        known = [by_meant[id(meant)] for meant in ranked]
        told = [one for one in known if one is not None and one.how is not How.ENTITY]
        return tuple(origins), next(iter([*told, *known]), document)

    def _document(self, owner: str) -> Origin | None:
        entity = self._estate.entities.get(owner)
        return None if entity is None else source_map.of_entity(entity)

    def _of_change(
        self, action: Action, meant: Meant, old: str, new: str, maps: list[SourceMap | None]
    ) -> Origin | None:
        key = (action.target, action.place, grouping.signature(meant, action.owner))
        if key in self._known:
            return self._translated(*self._known[key], action.owner)
        if self._left <= 0 or self._is_tired():
            return None
        self._left -= 1
        if not maps:
            maps.append(self._map(action))
        mapped = maps[0]
        origin = None if mapped is None else self._looked_up(mapped, action, meant, old, new)
        self._known[key] = (action.owner, origin)
        return origin

    def _map(self, action: Action) -> SourceMap | None:
        entry = Entry(action.path, "", "", action.owner, action.target, action.place)
        return source_map.of_file(self._world, entry, self._is_tired)

    def _is_tired(self) -> bool:
        self.tired = self.tired or self._clock.monotonic() > self._until
        return self.tired

    def _looked_up(
        self, mapped: SourceMap, action: Action, meant: Meant, old: str, new: str
    ) -> Origin | None:
        lines = placing.lines(action.path, old, new, meant.change)
        lines = [line for line in lines if line <= len(mapped.lines)]
        found = [mapped.line(line, suspects=self._suspects, thorough=False) for line in lines]
        best = min(found, key=lambda origin: _RANKS[origin.how], default=None)
        if best is not None and best.how is How.ENTITY and self._thorough > 0:
            self._thorough -= 1
            best = mapped.line(lines[0])
        return best

    def _translated(self, first: str, origin: Origin | None, owner: str) -> Origin | None:
        """The same of another owner: a shared line as it is, a line of the first one's own document
        at the same field of the other's.
        """
        if origin is None or origin.address != first or first == owner:
            return origin
        entity = self._estate.entities.get(owner)
        if entity is None:
            return None
        for leaf in source_leaves.leaves(entity):
            if leaf.field == origin.field:
                return source_map.of_leaf(origin.how, leaf)
        return None


def _is_exact(origin: Origin | None) -> bool:
    return origin is not None and origin.how is How.EXACT


def _gravity(meant: Meant) -> int:
    """How far down the list of meanings its gravest one stands."""
    return min((_MEANINGS[one.name] for one in meant.meanings), default=len(_MEANINGS))


_MEANINGS = {name: rank for rank, name in enumerate(table.names())}
_RANKS = {how: rank for rank, how in enumerate(How)}
