"""`telford confirm`: what was inferred, and what people say of it, once and for all."""

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from telford.app import changing, loading
from telford.app.changing import Edit, Rewrite
from telford.backends import files
from telford.basics import yamltext
from telford.basics.diagnostics import Position
from telford.basics.errors import UsageError
from telford.estate import fields, suggestions
from telford.estate.model import Entity, Estate
from telford.intake import settled, surroundings
from telford.intake.settled import Fact, State
from telford.road import conventions, yamlout


@dataclass(frozen=True, slots=True)
class Found:
    """An inferred fact of an estate: the thing that says it and where, what was concluded (a
    canonical address where there is one), and the fact itself.
    """

    address: str
    what: str
    position: Position
    fact: Fact

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "address": self.address,
            "fact": "dependency" if self.fact.key else "team",
            "what": self.what,
            "from": self.fact.origin,
            "state": self.fact.state.value,
            "at": str(self.position),
        }


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every inferred fact of an estate, and the texts it was read from."""

    folder: Path
    texts: files.Texts
    estate: Estate
    facts: tuple[Found, ...]

    def of(self, *states: State) -> tuple[Found, ...]:
        """Those in some states."""
        return tuple(found for found in self.facts if found.fact.state in states)

    def matching(self, address: str, dependency: str = "") -> tuple[Found, ...]:
        """Those of an address or a pattern (``service/shop.*``), and of a target or a pattern.

        Raises `UsageError` where the estate has no such address, or nothing of it was inferred.
        """
        of_thing = [f for f in self.facts if _names(address, f.address)] if address else self.facts
        if not of_thing:
            raise UsageError(f"nothing of {address} was inferred", fix=self._near(address))
        found = [f for f in of_thing if not dependency or _names(dependency, f.what)]
        if not found:
            known = ", ".join(f.what for f in of_thing)
            raise UsageError(f"{address} has no inferred {dependency}", fix=f"it has: {known}")
        return tuple(found)

    def _near(self, address: str) -> str:
        known = {found.address for found in self.facts}
        meant = suggestions.nearest(address, known)
        return f"did you mean {meant}?" if meant else "`telford confirm --list` lists all"


def _names(asked: str, address: str) -> bool:
    """Whether a text names an address: in full, without its system, as a bare name, by a pattern."""
    kind, _, name = address.partition("/")
    bare = name.rpartition(".")[2]
    return any(fnmatch.fnmatchcase(form, asked) for form in (address, f"{kind}/{bare}", name, bare))


def inventory(folder: Path) -> Inventory:
    """Every inferred fact of a folder's estate. Raises `UsageError` where there is no folder."""
    found = files.read([folder])
    estate = loading.of_texts(found).estate
    facts = tuple(_facts(estate))
    return Inventory(folder, found, estate, facts)


def _facts(estate: Estate) -> Iterator[Found]:
    for address, entity in estate.entities.items():
        for fact in settled.of_document(_plain(entity)):
            yield Found(address, _meant(estate, entity, fact), _position(entity, fact), fact)


def settle(known: Inventory, chosen: Sequence[Found], *, refused: Sequence[Found] = ()) -> Rewrite:
    """The files with facts confirmed (`chosen`) and refused; nothing is written yet.

    Raises `RefusedError` as `changing.rewrite` does.
    """
    edits = [*_edits(known, chosen, refuse=False), *_edits(known, refused, refuse=True)]
    return changing.rewrite(known.folder, known.texts, edits, _nobody(known, edits))


def _nobody(known: Inventory, edits: Sequence[Edit]) -> dict[str, str]:
    """The team of what nobody owns any more, beside the first team, where there is none yet."""
    disowned = any(list(edit.changes) == settled.disowning() for edit in edits)
    if not disowned or surroundings.NOBODY in known.estate.entities:
        return {}
    beside = next(known.estate.of_kind("Team")).file
    return {beside: yamlout.document(surroundings.team(surroundings.UNASSIGNED).value)}


def _edits(known: Inventory, facts: Sequence[Found], *, refuse: bool) -> Iterator[Edit]:
    wanted = State.REFUSED if refuse else State.CONFIRMED
    for found in facts:
        if found.fact.state is wanted:
            continue
        entity = known.estate.entities[found.address]
        changes = settled.refusing(found.fact) if refuse else settled.confirming(found.fact)
        yield Edit(entity.file, entity.address, tuple(changes))
        if refuse and not found.fact.key:
            yield from _disowned(known.estate, found.fact.address.name)


def _disowned(estate: Estate, team: str) -> Iterator[Edit]:
    """What a refused team owns goes to nobody in particular."""
    for entity in estate.entities.values():
        owner = entity.spec.owner
        if owner is not None and owner.removeprefix("team/") == team:
            yield Edit(entity.file, entity.address, tuple(settled.disowning()))


def _plain(entity: Entity) -> dict[str, object]:
    value = yamltext.plain(entity.node)
    assert isinstance(value, dict), "a document is a mapping"
    return value


def _meant(estate: Estate, entity: Entity, fact: Fact) -> str:
    """The canonical address of what was concluded, or as it is written where that is not one."""
    if not fact.key:
        return str(entity.address)
    found = estate.refer(fact.key.capitalize(), fact.text, entity.address.system or None)
    return str(found[0].address) if len(found) == 1 else fact.title


def _position(entity: Entity, fact: Fact) -> Position:
    """The line that says it."""
    item = f"{fact.key}:{fact.text}"
    path: tuple[str, ...] = ("annotations", conventions.ANNOTATION_INFERRED_FROM)
    if fact.key and fact.state is State.REFUSED:
        path = ("refused", item)
    elif fact.key:
        layer = fact.layers[0]
        path = (*(("in", layer) if layer else ()), "uses", item)
    node = fields.node_at(entity.node, path) or entity.node
    return Position(entity.file, node.line, node.column)
