"""Names in the estate for what compose files describe: no two things share one. Called by
`reading`.
"""

from telford.estate.address import Address
from telford.intake import names
from telford.intake.compose import hiding, nodes, roles
from telford.intake.compose.nodes import Table

Taken = set[tuple[str, str, str]]


def unique(wish: str, space: str, system: str, taken: Taken) -> str:
    """A name that nothing else of the space (``running``, ``configs``) and system has."""
    label = names.slug(wish)
    number = 2
    while (space, system, label) in taken:
        label = names.slug(f"{wish}-{number}")
        number += 1
    taken.add((space, system, label))
    return label


def services(model: Table, system: str, taken: Taken) -> dict[str, Address]:
    """An address for each service. Services and data stores share one space: people call both by
    their bare names.
    """
    kinds = roles.kinds(model)
    return {
        name: Address(kind, system, unique(name, "running", system, taken))
        for name, kind in kinds.items()
    }


def granted(model: Table, part: str, system: str, taken: Taken) -> dict[str, str]:
    """A name for each of the `configs` or `secrets`; one from outside is called as it is there."""
    found = {}
    for name, node in nodes.table(model, part).items():
        outside = nodes.flag(nodes.table(node).get("external")) is True
        said = nodes.text(nodes.table(node).get("name")) or name
        if outside:
            found[name] = names.slug(said)
            taken.add((part, system, found[name]))
        else:
            found[name] = unique(name, part, system, taken)
    return found


def secrets(model: Table) -> frozenset[str]:
    """The values that the files of a project call secrets, in settings."""
    found = set()
    for service in nodes.table(model, "services").values():
        for name, node in nodes.table(service, "environment").items():
            value = nodes.written(node)
            if (
                value is not None
                and hiding.named(name)
                and hiding.secret(name, value)
                and not hiding.refers(value)
            ):
                found.add(value)
    return frozenset(found)
