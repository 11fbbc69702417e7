"""Give places their old version back where a rollout turned back after it had finished there.

Derived level by level: what is bound in the place names the rollouts to look at, however long ago
they began. A place is given back once, for the release that does it has an id of its own, so this
may be killed between any two lines and asked again. Called by what runs beside a controller
(`telford.app.beside`), again and again.
"""

from dataclasses import dataclass, field

from telford.app import release as releases
from telford.app import release_again, rollout
from telford.basics.errors import TelfordError
from telford.flows import waves as turns
from telford.store.database import Lease
from telford.store.releases import Release
from telford.store.store import Store

# Rollouts that are looked at in one step; each costs about a millisecond for each of its places.
AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Report:
    """What a step began, and what it could not, in sentences: each is said once, not every step."""

    begun: tuple[Release, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class Undoing:
    """One place's. With `lease` a controller that was overtaken writes nothing.

    `_settled` holds rollouts that are over and ask nothing of this place, each with how many acts
    it had then: a cache of what cannot change but by an act.
    """

    store: Store
    place: str
    lease: Lease | None = None
    _settled: set[tuple[str, int]] = field(default_factory=set)
    _looked: dict[str, int] = field(default_factory=dict)
    _said: frozenset[str] = frozenset()
    _steps: int = 0

    def step(self, now: float) -> Report:
        """Begin what is due. A release that cannot be taken back holds up no other."""
        self._steps += 1
        bound = self.store.bindings.releases(self.place)
        chosen = self._chosen([rollout.rollout_id(key, self.place) for key in sorted(bound)])
        begun: list[Release] = []
        problems: list[str] = []
        for one in rollout.standings(self.store, self.store.rollouts.some(chosen), now):
            try:
                begun += self._undo(one, bound, now)
            except TelfordError as error:
                key = one.rollout.releases[self.place]
                problems.append(f"{key} cannot be taken back: {error.message}")
        new = [one for one in problems if one not in self._said]
        self._said = frozenset(problems)
        return Report(tuple(begun), tuple(new))

    def _chosen(self, keys: list[str]) -> list[str]:
        """Those that may ask for something, the ones that waited longest first."""
        asked = self.store.rollouts.asked(key for key in keys if key)
        open_ones = [key for key, acts in asked.items() if (key, len(acts)) not in self._settled]
        open_ones.sort(key=lambda key: self._looked.get(key, 0))
        chosen = open_ones[:AT_ONCE]
        self._looked = {key: self._looked.get(key, 0) for key in open_ones}
        self._looked |= dict.fromkeys(chosen, self._steps)
        return chosen

    def _undo(self, one: rollout.Standing, bound: frozenset[str], now: float) -> list[Release]:
        row = one.rows.get(self.place)
        due = self.place in one.view.undo and self.place not in one.backs
        # Whatever came after it there is not this rollout's to take back.
        if due and row is not None and row.id in bound:
            return [self._back(row, f"rollout {one.rollout.id} turned back", now)]
        if one.over:
            self._settled.add((one.rollout.id, len(one.asked)))
        return []

    def _back(self, row: Release, reason: str, now: float) -> Release:
        target = f"{row.service}{release_again.AT}{row.from_version}"
        prepared = release_again.back_to(self.store, target, place=self.place, now=now)
        key = f"{row.id}{rollout.BACK}"
        with self.store.writing(self.lease) as writing:
            made = releases.enter(
                self.store, writing, prepared, key, who=turns.ACTOR, reason=reason, at=now
            )
            detail = {"from": made.from_version, "to": made.to_version, "reason": reason}
            self.store.audit.append(writing, turns.ACTOR, "released", f"release/{key}", detail)
        return made
