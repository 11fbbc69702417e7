"""Ownership: everything on the road has an owner, and teams form a tree."""

from collections.abc import Iterator

from telford.estate.codes import Code, document, documents, service
from telford.estate.kinds import registry
from telford.estate.kinds.people import Team
from telford.estate.kinds.promises import Objective
from telford.rules.rule import EstateRule, Finding, Rule, Subject, World, base


def _missing(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    if spec.owner is None and not subject.lost("owner") and not _answered_for(subject):
        yield Finding(
            ("name",),
            f"the {spec.kind} `{spec.name}` has no owner",
            "add `owner: team/NAME`",
        )


def _answered_for(subject: Subject) -> bool:
    """Whether the owner of an objective's service answers for it: other formats name none."""
    if not isinstance(subject.spec, Objective):
        return False
    found = [names for reference, names in subject.references if reference.path == ("service",)]
    entities = subject.world.estate.entities
    return any(entities[name].spec.owner for names in found for name in names)


def _loops(world: World) -> Iterator[Finding]:
    """Teams that are above themselves, each loop once, at its first team by address."""
    parents: dict[str, str] = {}
    for entity in world.estate.of_kind("Team"):
        if isinstance(entity.spec, Team) and entity.spec.parent:
            found = world.index.refer("Team", entity.spec.parent, entity.spec)
            if len(found) == 1:
                parents[str(entity.address)] = found[0]
    done: set[str] = set()
    for start in parents:
        trail: list[str] = []
        current: str | None = start
        while current is not None and current not in done and current not in trail:
            trail.append(current)
            current = parents.get(current)
        if current in trail:
            loop = trail[trail.index(current) :]
            first = min(loop)
            shown = " -> ".join([*loop, loop[0]])
            yield Finding(
                ("parent",),
                "this team is above itself",
                "take one of the parents away",
                detail=shown,
                subject=base(world.estate.entities[first], world),
            )
        done.update(trail)


RULES = (
    Rule(
        Code(
            "TEL134",
            "no owner",
            "When it breaks, nobody is called; when it must change, nobody decides.",
            service("").replace("owner: team/shop\n", ""),
            service(""),
            "Everything but people and places has an `owner`; the owner of a service answers for its"
            " objectives. What is `as-found` may do without.",
        ),
        tuple(kind for kind in registry.KINDS if kind.owned),
        _missing,
        as_found=None,
    ),
)
ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL135",
            "a team above itself",
            "Escalation would never end.",
            documents(
                document("Team", "a", "parent: b").replace("owner: team/shop\n", ""),
                document("Team", "b", "parent: a").replace("owner: team/shop\n", ""),
            ),
            documents(
                document("Team", "a", "parent: b").replace("owner: team/shop\n", ""),
                document("Team", "b", "").replace("owner: team/shop\n", ""),
            ),
            "Following `parent` from team to team never comes back to where it began.",
        ),
        _loops,
    ),
)
