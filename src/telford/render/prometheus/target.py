"""Target `prometheus`: for each objective a file of rules, and files that prove them.

Called by `telford.render.registry`.
"""

from functools import partial

from telford.basics.diagnostics import Diagnostic
from telford.estate.kinds import promises
from telford.estate.model import Binding
from telford.render.artifacts import Rendering, Unit, by_path, key
from telford.render.prometheus import problems, proofs, rules
from telford.render.prometheus.promise import Promise, promise
from telford.road import yamlout

NAME = "prometheus"


def render(binding: Binding) -> Rendering:
    """The rules of a place, and their tests."""
    units: list[Unit] = []
    said: list[Diagnostic] = []
    for address, bound in binding.entities.items():
        if isinstance(bound.spec, promises.Objective):
            one = promise(binding, address, bound)
            units += _units(binding, one)
            said += problems.problems(one, bound)
    return Rendering(by_path(units), tuple(said))


def _units(binding: Binding, one: Promise) -> list[Unit]:
    spec = one.spec
    place = str(binding.place)
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
