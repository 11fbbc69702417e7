"""What changed between two estates by meaning: resolved values per place, never lines of text.

Things are matched by address, by `moved`, and by equal content under another name. What is equal
by digest is not looked at; what differs is resolved in every place that both estates have, so that
a change in base which an overlay hides in prod is no change in prod. Files, comments, order and
style do not count. Pure; called by `telford.app.diff`.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from telford.basics import yamltext
from telford.basics.diagnostics import Position
from telford.basics.errors import RefusedError
from telford.estate import comparing, effects, overlays
from telford.estate.address import parse as parse_address
from telford.estate.comparing import FieldChange, Side, Sides
from telford.estate.graph import BlastRadius, Graph
from telford.estate.model import Entity, Estate
from telford.estate.place import Place

ADDED, REMOVED, RENAMED, CHANGED = "added", "removed", "renamed", "changed"
# A thing under another name is the same only where it says as much as this; two empty teams are
# not one team renamed.
_MIN_CONTENT = 3


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not what it was. `what` is added, removed, renamed or changed.

    `was` is its address before, "" where it is new; `before` and `after` are where its name stands
    in the two estates. `appears` and `leaves` are places that both estates have and in which it
    exists only after or only before. `unclear` says why it could not be compared, or "".
    """

    address: str
    kind: str
    what: str
    was: str
    before: Position | None
    after: Position | None
    fields: tuple[FieldChange, ...] = ()
    appears: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    unclear: str = ""

    @property
    def effects(self) -> tuple[str, ...]:
        """Every class of effect that it has somewhere, the gravest first."""
        found = {change.effect for change in self.fields if change.places}
        if self.what in (ADDED, REMOVED):
            found.add(effects.of_whole(self.kind, added=self.what == ADDED))
        if self.what == RENAMED:
            found.add("identity")
        if self.appears or self.leaves:
            found.add("place")
        return tuple(effect for effect in effects.names() if effect in found)

    @property
    def places(self) -> tuple[str, ...]:
        """Where it takes effect; empty for what is added or removed as a whole."""
        found = [place for change in self.fields for place in change.places]
        return tuple(filter(None, dict.fromkeys([*found, *self.appears, *self.leaves])))


@dataclass(frozen=True, slots=True)
class Diff:
    """Every change, by address. `places` are those that both estates have, and were looked at;
    `gained` and `lost` those that only one has.
    """

    old: Estate = field(repr=False)
    new: Estate = field(repr=False)
    changes: tuple[Change, ...]
    places: tuple[str, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]

    def radii(self) -> dict[str, BlastRadius]:
        """Whom each changed thing touches if it fails: of what is gone, as it was before."""
        before, after = Graph(self.old), Graph(self.new)
        found = {}
        for change in self.changes:
            graph, address = (
                (before, change.was) if change.what == REMOVED else (after, change.address)
            )
            found[change.address] = graph.blast_radius(address)
        return found


def compare(old: Estate, new: Estate, *, where: str = "", kinds: Collection[str] = ()) -> Diff:
    """What changed from one estate to the other.

    `where` narrows it to one environment or place (ENV, ENV/REGION), `kinds` to some kinds
    (``Service``); both are everything where empty.
    """
    before, after = _places(old), _places(new)
    common = [place for text, place in after.items() if text in before and _covers(where, text)]
    pairs = _pairs(old, new)
    renames = {str(one.address): str(other.address) for one, other in pairs}
    changes = [
        *_changed(Sides(old, new, common, renames, hidden=not where), pairs),
        *_alone(new, {str(other.address) for _, other in pairs}, ADDED),
        *_alone(old, set(renames), REMOVED),
    ]
    wanted = [change for change in changes if not kinds or change.kind in kinds]
    return Diff(
        old,
        new,
        tuple(sorted(wanted, key=lambda change: change.address)),
        tuple(map(str, common)),
        tuple(text for text in after if text not in before and _covers(where, text)),
        tuple(text for text in before if text not in after and _covers(where, text)),
    )


def _places(estate: Estate) -> dict[str, Place]:
    return {str(place): place for place in overlays.places(estate)}


def _covers(where: str, place: str) -> bool:
    return not where or place == where or place.startswith(f"{where}/")


def _pairs(old: Estate, new: Estate) -> list[tuple[Entity, Entity]]:
    """The two sides of each thing that both estates have, under whatever address."""
    pairs = [(entity, new.entities[a]) for a, entity in old.entities.items() if a in new.entities]
    gone = {a: e for a, e in old.entities.items() if a not in new.entities}
    come = {a: e for a, e in new.entities.items() if a not in old.entities}
    for one, other in (*_moved(gone, come, old), *_alike(gone, come)):
        if gone.pop(str(one.address), None) and come.pop(str(other.address), None):
            pairs.append((one, other))
    return pairs


def _moved(
    gone: Mapping[str, Entity], come: Mapping[str, Entity], old: Estate
) -> Iterator[tuple[Entity, Entity]]:
    """What the new documents say was elsewhere before."""
    for entity in come.values():
        for said in entity.spec.moved:
            found = [e for e in old.find(said.from_) if str(e.address) in gone]
            if len(found) == 1 and _leads(said.to, entity):
                yield found[0], entity
                break


def _leads(to: str, entity: Entity) -> bool:
    """Whether an address names the entity, with its system or without."""
    try:
        parsed = parse_address(to)
    except ValueError:
        return False
    address = entity.address
    same = (parsed.kind, parsed.name) == (address.kind, address.name)
    return same and parsed.system in ("", address.system)


def _alike(
    gone: Mapping[str, Entity], come: Mapping[str, Entity]
) -> Iterator[tuple[Entity, Entity]]:
    """What says exactly the same under another name, where there is just one such on each side."""
    if not gone or not come:
        return
    before, after = _by_content(gone.values()), _by_content(come.values())
    for content, found in before.items():
        others = after.get(content, [])
        if len(found) == len(others) == 1:
            yield found[0], others[0]


def _by_content(entities: Iterable[Entity]) -> dict[str, list[Entity]]:
    """Entities by all that they say but their names."""
    found: dict[str, list[Entity]] = {}
    for entity in entities:
        said = yamltext.plain(entity.node)
        assert isinstance(said, dict), "a document is a mapping"
        rest = {k: v for k, v in said.items() if k not in ("name", "system", "moved")}
        # What nearly nothing is said of is not known by it: apiVersion, kind and the owner.
        if len(rest) > _MIN_CONTENT:
            text = json.dumps(rest, sort_keys=True, default=str)
            found.setdefault(text, []).append(entity)
    return found


def _changed(known: Sides, pairs: Iterable[tuple[Entity, Entity]]) -> Iterator[Change]:
    for one, other in pairs:
        renamed = one.address != other.address
        if not renamed and one.mark == other.mark:
            continue
        before, after = Side(known.old, one), Side(known.new, other)
        try:
            found, unclear = comparing.compare(before, after, known), ""
        except RefusedError as error:
            found, unclear = comparing.Found(), error.message
        if not (renamed or found.fields or found.appears or found.leaves or unclear):
            continue
        yield Change(
            str(other.address),
            type(other.spec).__name__,
            RENAMED if renamed else CHANGED,
            str(one.address),
            before.position,
            after.position,
            tuple(f for f in found.fields if not (renamed and f.field in ("name", "system"))),
            found.appears,
            found.leaves,
            unclear,
        )


def _alone(estate: Estate, known: Collection[str], what: str) -> Iterator[Change]:
    """What only one of the two estates has."""
    for address, entity in estate.entities.items():
        if address in known:
            continue
        position = Side(estate, entity).position
        kind = type(entity.spec).__name__
        if what == ADDED:
            yield Change(address, kind, what, "", None, position)
        else:
            yield Change(address, kind, what, address, position, None)
