"""Places: environments stand in an order, and in regions that there are, once each."""

from collections.abc import Iterator

from telford.basics.diagnostics import Severity
from telford.estate import overlays, pruning
from telford.estate.codes import Code, documents
from telford.estate.kinds.places import Environment
from telford.rules.rule import EstateRule, Finding, Rule, Subject, World, base


def _environment(name: str, fields: str) -> str:
    return f"apiVersion: telford/v1\nkind: Environment\nname: {name}\n{fields}\n"


_EU = "apiVersion: telford/v1\nkind: Region\nname: eu\n"


def _twice(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Environment)
    names = [text.rpartition(".")[2] for text in spec.regions]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Finding(
                ("regions", index), f"the region `{name}` is there twice", "keep one of the two"
            )
    for index, cluster in enumerate(spec.clusters):
        region, _, rest = cluster.partition("/")
        if not rest or (region not in names and not subject.shortened("regions")):
            yield Finding(
                ("clusters", index),
                f"`{cluster}` is no cluster of a region of `{spec.name}`",
                "write REGION/CLUSTER with one of its `regions`",
            )


def _same_order(world: World) -> Iterator[Finding]:
    seen: dict[int, str] = {}
    for spec in overlays.environments(world.estate):
        entity = next(e for e in world.estate.of_kind("Environment") if e.spec.name == spec.name)
        if pruning.lost(entity.node, ("order",)):
            continue
        earlier = seen.setdefault(spec.order, spec.name)
        if earlier == spec.name:
            continue
        yield Finding(
            ("order",) if "order" in entity.node.values else ("name",),
            f"`{earlier}` and `{spec.name}` have the same order",
            "give each environment an `order` of its own: changes travel in it",
            subject=base(entity, world),
        )


RULES = (
    Rule(
        Code(
            "TEL170",
            "regions or clusters that do not fit",
            "A place would exist twice, or nowhere.",
            documents(_environment("prod", "regions: [eu, eu]"), _EU),
            documents(_environment("prod", "regions: [eu]"), _EU),
            "Each region stands once in an environment; a cluster is written REGION/CLUSTER.",
        ),
        (Environment,),
        _twice,
    ),
)
ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL171",
            "two environments in the same order",
            "A change travels from environment to environment; with equal orders the name decides.",
            documents(_environment("dev", "order: 1"), _environment("prod", "order: 1")),
            documents(_environment("dev", "order: 1"), _environment("prod", "order: 2")),
            "Every Environment has an `order` of its own.",
        ),
        _same_order,
        severity=Severity.WARNING,
    ),
)
