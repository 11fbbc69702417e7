"""The systems and teams that documents name: what an estate needs around them. Called by the readers of
`telford.intake`.
"""

from collections.abc import Iterable
from typing import Any

from telford.estate.kinds.base import API_VERSION
from telford.intake import names
from telford.intake.imported import Document, Options
from telford.road import conventions

# The team that owns what names no owner, and its address: somebody has to fill it.
UNASSIGNED = "unassigned"
NOBODY = f"team/{UNASSIGNED}"
_FILL = "Nobody yet: give each thing that it owns to a team."


def owner(options: Options, found: str = "") -> str:
    """The owner of a thing: the team that was found, the one that was ordered, or nobody yet."""
    return f"team/{names.slug(found or options.owner or UNASSIGNED)}"


def system(options: Options, found: str = "") -> str:
    """The system of a thing: the one ordered, the one found, or that of what names none."""
    return names.slug(options.system or found or options.fallback)


def of(documents: Iterable[Document], options: Options) -> tuple[Document, ...]:
    """A System and a Team for each that the documents name and do not hold."""
    listed = list(documents)
    held = {(document.value["kind"], document.value["name"]) for document in listed}
    systems = {str(d.value["system"]) for d in listed if d.value.get("system")}
    lacking = sorted(name for name in systems if ("System", name) not in held)
    owners = {str(d.value["owner"]) for d in listed if d.value.get("owner")}
    owners |= {owner(options)} if lacking else set()
    teams = sorted(name.removeprefix("team/") for name in owners if name.startswith("team/"))
    people = sorted(name.removeprefix("person/") for name in owners if name.startswith("person/"))
    return (
        *(team(name) for name in teams if ("Team", name) not in held),
        *(_person(name) for name in people if ("Person", name) not in held),
        *(_system(name, owner(options)) for name in lacking),
    )


def team(name: str, inferred_from: str = "") -> Document:
    """A team that is named and not described; `inferred_from` says what it was concluded from."""
    value: dict[str, Any] = {"apiVersion": API_VERSION, "kind": "Team", "name": name}
    if name == UNASSIGNED:
        value["description"] = _FILL
    if inferred_from:
        value["annotations"] = {conventions.ANNOTATION_INFERRED_FROM: inferred_from}
    return Document("people.yaml", value)


def _person(name: str) -> Document:
    value = {"apiVersion": API_VERSION, "kind": "Person", "name": name}
    return Document("people.yaml", value)


def _system(name: str, owned_by: str) -> Document:
    value = {"apiVersion": API_VERSION, "kind": "System", "name": name, "owner": owned_by}
    return Document("systems.yaml", value)
