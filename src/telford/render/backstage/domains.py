"""Domains: what stands above systems, made of what systems say. Called by `target`."""

from collections.abc import Iterator

from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.estate.kinds import people, structure
from telford.estate.model import Entity
from telford.render.artifacts import Object
from telford.render.backstage.descriptors import API_VERSION, Catalogue

# Teams above one another; more is a circle.
MAX_TEAMS_ABOVE = 20


def domains(known: Catalogue) -> Iterator[tuple[Object, Diagnostic | None]]:
    """Each domain, and what is to be said of its owner: Backstage wants one, and the estate does
    not say it.
    """
    found: dict[str, list[Entity]] = {}
    for entity in known.world.estate.of_kind("System"):
        if isinstance(entity.spec, structure.System) and entity.spec.domain:
            found.setdefault(entity.spec.domain, []).append(entity)
    for name, systems in sorted(found.items()):
        owner = _owner(known, systems)
        body = {"owner": owner or known.owner(systems[0].spec)}
        head = {"apiVersion": API_VERSION, "kind": "Domain", "metadata": {"name": name}}
        yield head | {"spec": body}, None if owner else _guessed(name, systems)


def _owner(known: Catalogue, systems: list[Entity]) -> str:
    """The nearest team that all owners of the systems belong to; "" where there is none."""
    lines = [_line(known, entity) for entity in systems]
    return next((team for team in lines[0] if all(team in line for line in lines[1:])), "")


def _line(known: Catalogue, entity: Entity) -> list[str]:
    """The owner of a system and the teams above it, nearest first."""
    found = [known.owner(entity.spec)]
    for _ in range(MAX_TEAMS_ABOVE):
        team = known.world.estate.find(f"team/{found[-1]}")
        spec = team[0].spec if team else None
        if not isinstance(spec, people.Team) or not spec.parent or spec.parent in found:
            break
        found.append(spec.parent)
    return found


def _guessed(name: str, systems: list[Entity]) -> Diagnostic:
    first = systems[0]
    node = first.node.values.get("domain", first.node)
    return Diagnostic(
        "TEL582",
        Severity.INFO,
        f"no team stands above the owners of all systems of domain {name}",
        address=str(first.address),
        position=Position(first.file, node.line, node.column),
        detail="Backstage wants one owner for a domain; the owner of its first system is named.",
        fix="give the teams that own its systems a common `parent`",
    )
