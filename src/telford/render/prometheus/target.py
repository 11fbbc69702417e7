"""Target `prometheus`: for each objective a file of rules, and files that prove them.

Called by `telford.render.registry`.
"""

from functools import partial

from telford.estate.kinds import promises
from telford.render.artifacts import NOTHING, Rendering, Unit, key
from telford.render.prometheus import problems, proofs, rules
from telford.render.prometheus.promise import Promise, promise
from telford.render.scene import Scene
from telford.render.target import Target
from telford.road import yamlout

NAME = "prometheus"


def _entity(scene: Scene, address: str) -> Rendering:
    """The rules of an objective in a place, and their tests."""
    bound = scene.bound(address)
    if not isinstance(bound.spec, promises.Objective):
        return NOTHING
    one = promise(scene.binding, address, bound)
    return Rendering(tuple(_units(scene, one)), tuple(problems.problems(one, bound)))


def _units(scene: Scene, one: Promise) -> list[Unit]:
    spec = one.spec
    place = scene.place
    stem = f"{spec.system}/{spec.name}" if spec.system else spec.name
    digest = key(place, spec.model_dump_json(exclude_unset=True), repr(one.labels))
    base = f"{NAME}/{place}/{stem}"
    made = [Unit(f"{base}.rules.yaml", one.address, NAME, place, digest, partial(_rules, one))]
    for suffix, pace in (("test", proofs.QUICK), ("slow.test", proofs.SLOW)):
        if _provable(one, pace):
            make = partial(_proof, one, f"{spec.name}.rules.yaml", pace)
            made.append(Unit(f"{base}.{suffix}.yaml", one.address, NAME, place, digest, make))
    return made


def _rules(one: Promise) -> str:
    return yamlout.document(rules.groups(one))


def _provable(one: Promise, pace: proofs.Pace) -> bool:
    return bool(pace.pairs(one)) and proofs.feasible(one)


def _proof(one: Promise, rule_file: str, pace: proofs.Pace) -> str:
    return yamlout.document(proofs.file(one, rule_file, pace))


TARGET = Target(
    NAME,
    "rules and their tests, for each objective",
    entity=_entity,
    kinds=frozenset({"Objective"}),
)
