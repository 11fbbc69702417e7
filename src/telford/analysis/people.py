"""Who is who: the people of an estate, whom a name means, and who belongs to a group.

A group is what gates name: teams with the teams below them, people, members of rotas, a least
level, and who may not. Asked at the time of an act, so that whoever left a team cannot approve for
it any more. Called by `telford.app.gating` and by the rules on gates.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from telford.estate.kinds.people import Person, Rota, Team
from telford.estate.model import Entity, Estate

# A circle of teams is a diagnostic of its own; here it must only end.
MAX_DEPTH = 20
KINDS = frozenset({"team", "person", "rota"})


@dataclass(frozen=True, slots=True)
class Group:
    """Addresses of teams, people and rotas (anybody where empty), the least level ("" for any), and
    who may not, whatever else they are.
    """

    by: tuple[str, ...] = ()
    level: str = ""
    forbid: tuple[str, ...] = ()


def who(estate: Estate, text: str) -> tuple[Entity, ...]:
    """The people that a name means: an address, a name, an e-mail address or a handle."""
    wanted = text.strip().lower()
    if not wanted:
        return ()
    return tuple(one for one in estate.of_kind("Person") if wanted in _names(one))


def members(estate: Estate, group: Group) -> tuple[Entity, ...]:
    """Everybody who belongs to a group, by address."""
    found = (one for one in estate.of_kind("Person") if not why_not(estate, group, one))
    return tuple(sorted(found, key=lambda one: str(one.address)))


def why_not(estate: Estate, group: Group, person: Entity) -> str:
    """Why somebody does not belong to a group, in a clause; "" where they do."""
    spec = _person(person)
    barred = [text for text in group.forbid if _belongs(estate, text, person)]
    if barred:
        return f"{barred[0]} may not"
    if group.by and not any(_belongs(estate, text, person) for text in group.by):
        return f"not of {' or '.join(group.by)}"
    if group.level and spec.level < group.level:
        return f"of level {spec.level}, and {group.level} or above is asked for"
    return ""


def _belongs(estate: Estate, text: str, person: Entity) -> bool:
    """Whether a person is, or is of, what an address names."""
    found = estate.find(text)
    if person in found:
        return True
    for one in found:
        if isinstance(one.spec, Team) and one in _teams(estate, _person(person)):
            return True
        if isinstance(one.spec, Rota) and person in _on(estate, one.spec):
            return True
    return False


def _teams(estate: Estate, person: Person) -> list[Entity]:
    """The team of a person, and those that it is a part of."""
    found: list[Entity] = []
    text: str | None = person.team
    system = person.system
    while text is not None and len(found) < MAX_DEPTH:
        named = estate.refer("Team", text, system)
        if len(named) != 1 or named[0] in found:
            break
        found.append(named[0])
        team = named[0].spec
        assert isinstance(team, Team)
        text, system = team.parent, team.system
    return found


def _on(estate: Estate, rota: Rota) -> list[Entity]:
    names = (*rota.members, *(one.person for one in rota.overrides))
    return [one for name in names for one in estate.refer("Person", name, rota.system)]


def _names(entity: Entity) -> Iterator[str]:
    """Everything that a person is called, in small letters."""
    spec = _person(entity)
    address = str(entity.address)
    yield from (address.lower(), address.partition("/")[2].lower(), spec.name)
    if spec.email:
        yield spec.email.lower()
    yield from (handle.lower() for handle in spec.handles.values())


def _person(entity: Entity) -> Person:
    assert isinstance(entity.spec, Person)
    return entity.spec
