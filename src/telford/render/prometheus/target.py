"""Target `prometheus`: for each objective a file of rules, and files that prove them; for a place
its rules about what runs, and a configuration that loads all of it.

Called by `telford.render.registry`.
"""

from collections.abc import Callable
from functools import partial

from telford.estate.kinds import places, promises
from telford.estate.model import Bound
from telford.render import monitoring
from telford.render.artifacts import NOTHING, Object, Rendering, Unit, key
from telford.render.prometheus import configuration, problems, proofs, rules
from telford.render.prometheus.promise import Promise, promise
from telford.render.scene import Scene
from telford.render.target import Target
from telford.road import conventions, health, scraping, yamlout

NAME = "prometheus"


def _entity(scene: Scene, address: str) -> Rendering:
    """The rules of an objective in a place, and their tests."""
    bound = scene.bound(address)
    if not isinstance(bound.spec, promises.Objective):
        return NOTHING
    one = _promise(scene, address, bound, bound.spec)
    return Rendering(tuple(_units(scene, bound, one)), tuple(problems.problems(one, bound)))


def _promise(scene: Scene, address: str, bound: Bound, spec: promises.Objective) -> Promise:
    server = scene.find("service", spec.service, spec.system)
    short = f"service/{spec.service.rpartition('.')[2]}"
    return promise(
        scene.binding.place,
        address,
        bound,
        scene.bound(server) if server is not None else None,
        namesakes=len(scene.names.short.get(short, ())) > 1,
        runbook=monitoring.runbook(scene, address, conventions.ALERT_BURN),
    )


def _units(scene: Scene, bound: Bound, one: Promise) -> list[Unit]:
    spec = one.spec
    place = scene.place
    stem = f"{spec.system}/{spec.name}" if spec.system else spec.name
    about = repr((one.labels, one.alert_labels, one.told_apart, one.runbook))
    digest = key(place, spec.model_dump_json(exclude_unset=True), about)
    base = f"{NAME}/{place}/{stem}"
    groups = partial(_groups, one)
    made = [
        Unit(f"{base}.rules.yaml", one.address, NAME, place, digest, partial(_text, groups), groups)
    ]
    wanted = _proven_here(scene, bound)
    for suffix, pace in (("test", proofs.QUICK), ("slow.test", proofs.SLOW)):
        if wanted and _provable(one, pace):
            make = partial(_proof, one, f"{spec.name}.rules.yaml", pace)
            made.append(Unit(f"{base}.{suffix}.yaml", one.address, NAME, place, digest, make))
    return made


def _proven_here(scene: Scene, bound: Bound) -> bool:
    """Whether a place has the proofs of an objective beside its rules: production has, and any place
    with numbers of its own. The rules of the others are production's with other labels.
    """
    if scene.binding.production or bound.layers:
        return True
    return not any(_is_production(one) for _, one in scene.of_kind("Environment"))


def _is_production(bound: Bound) -> bool:
    return isinstance(bound.spec, places.Environment) and bound.spec.production


def _groups(one: Promise) -> list[Object]:
    return [rules.groups(one)]


def _text(groups: Callable[[], list[Object]]) -> str:
    return yamlout.documents(groups())


def _provable(one: Promise, pace: proofs.Pace) -> bool:
    return bool(pace.pairs(one)) and proofs.feasible(one)


def _proof(one: Promise, rule_file: str, pace: proofs.Pace) -> str:
    return yamlout.document(proofs.file(one, rule_file, pace))


def _place(scene: Scene) -> Rendering:
    """The rules about what runs, and the configuration; nothing where nothing is watched."""
    facts = monitoring.facts(scene)
    groups = health.groups(scene.place, facts)
    promised = {bound.spec.system for _, bound in scene.of_kind("Objective")}
    if groups is None and not promised:
        return NOTHING
    folders = frozenset(filter(None, promised))
    told = _configuration(scene, facts.needs, folders)
    files = {"prometheus.yaml": told, "place.health.rules.yaml": groups}
    known = [(name, content) for name, content in files.items() if content is not None]
    return Rendering(tuple(monitoring.file(scene, NAME, name, content) for name, content in known))


def _configuration(scene: Scene, needs: frozenset[str], folders: frozenset[str]) -> Object | None:
    """None where an operator makes the configuration; the rules are told all the same."""
    if scene.choice("monitoring") != "scrape":
        return None
    read = filter(None, scene.each(_read, monitoring.addresses(scene)))
    return configuration.configuration(
        scene.binding.place,
        read,
        needs,
        folders=folders,
        namespaces=monitoring.namespaces(scene),
    )


def _read(scene: Scene, address: str) -> configuration.Read | None:
    """A workload that this Prometheus finds itself, where there is something to be read."""
    if scene.choice("monitoring", address) != "scrape":
        return None
    about = scene.subject(address)
    pages = scraping.pages(about)
    return configuration.Read(address, about.namespace, pages) if pages else None


TARGET = Target(
    NAME,
    "rules and their tests for each objective, alerts on what runs, and a configuration",
    entity=_entity,
    place=_place,
    kinds=frozenset({"Objective"}),
)
