"""OpenSLO documents are what v1 demands, and our importer reads the same objectives out of them."""

import copy
from decimal import Decimal
from functools import cache
from typing import Any

import openslo_facts
import pytest
import rendered
import target_estates
import yaml

from telford.app import rendering
from telford.basics import units
from telford.estate import overlays
from telford.estate.kinds import promises
from telford.estate.model import Estate
from telford.intake.format import Sources
from telford.intake.imported import Imported, Options
from telford.intake.objectives import openslo
from telford.render import registry
from telford.road import counted


@cache
def by_place(name: str) -> dict[str, dict[str, str]]:
    """Place -> path -> text, of an example."""
    return places(target_estates.estate(name))


def places(estate: Estate) -> dict[str, dict[str, str]]:
    target = registry.BY_NAME["openslo"]
    world = rendering.world(estate, overlays.places(estate), [target])
    return {
        scene.place: {one.path: one.text for one in target.in_place(scene).artifacts()}
        for scene in world.scenes
    }


def documents(texts: dict[str, str]) -> list[Any]:
    return [one for text in texts.values() for one in yaml.load_all(text, yaml.CSafeLoader)]


@pytest.mark.proves(
    "openslo",
    tool="the facts of the published OpenSLO v1 schema, written down in the tests",
    shows="every document of three estates has the fields and forms of v1, and every reference is met",
)
@pytest.mark.parametrize("name", target_estates.EXAMPLES)
def test_every_document_is_what_the_first_version_demands(name: str):
    for place, texts in by_place(name).items():
        found = documents(texts)
        assert openslo_facts.errors(found) == [], place
        kinds = {one["kind"] for one in found}
        assert kinds == set(openslo_facts.SPECS), place


def broken(kind: str, *path: str | int, value: Any) -> list[Any]:
    """The shop's documents with one value of the first of a kind changed."""
    found = copy.deepcopy(documents(by_place("shop")["prod/eu-west-1"]))
    at = next(one for one in found if one["kind"] == kind)
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return found


@pytest.mark.parametrize(
    "found",
    [
        broken("SLO", "apiVersion", value="openslo/v2"),
        broken("SLO", "spec", "service", value="nothing"),
        broken("SLO", "spec", "indicatorRef", value="nothing"),
        broken("SLO", "spec", "objectives", 0, "target", value=99.5),
        broken("SLO", "spec", "timeWindow", 0, "duration", value="30 days"),
        broken("SLO", "spec", "budget", value=1),
        broken("SLI", "spec", "ratioMetric", "good", value={}),
        broken("SLI", "metadata", "name", value="Not A Name"),
        broken("SLI", "metadata", "annotations", value={"telford.dev/address": "a/b"}),
        broken("AlertPolicy", "spec", "conditions", value=[]),
        broken("AlertCondition", "spec", "condition", "lookbackWindow", value="90s"),
        broken("Service", "kind", value="Servise"),
    ],
)
def test_what_is_broken_is_refused(found: list[Any]):
    assert openslo_facts.errors(found)


@pytest.mark.proves(
    "openslo",
    tool="telford import (intake/objectives)",
    shows="services, targets, periods, owners and selectors of three estates come back as they were",
)
@pytest.mark.parametrize("name", target_estates.EXAMPLES)
def test_the_objectives_of_a_place_come_back(name: str):
    estate = target_estates.estate(name)
    for place in overlays.places(estate):
        answer = openslo.read(Sources(by_place(name)[str(place)]), Options())
        assert isinstance(answer, Imported)
        assert [d.code for d in answer.diagnostics] == ["TEL693"] * probes(estate)
        back = {
            one.value["name"]: one.value
            for one in answer.documents
            if one.value["kind"] == "Objective"
        }
        for bound in overlays.bind(estate, place).of_kind("Objective"):
            spec = bound.spec
            assert isinstance(spec, promises.Objective)
            if spec.sli.probe is None:
                same(spec, back.pop(spec.name))
        assert back == {}


def probes(estate: Estate) -> int:
    """Objectives on probes: a gauge is no pair of counters, so they are carried as they are."""
    return sum(one.spec.sli.probe is not None for one in estate.of_kind("Objective"))


def same(spec: promises.Objective, back: dict[str, Any]) -> None:
    """Whether an imported objective promises the same, of the same, by the same."""
    own = {key: said for key, said in back.items() if not key.startswith("x-")}
    read = promises.Objective.model_validate(own)
    assert (read.owner, read.service) == (spec.owner, spec.service.rpartition(".")[2])
    assert units.ratio(read.target) == units.ratio(spec.target)
    assert counted.period_seconds(read) == counted.period_seconds(spec)
    assert read.calendar == spec.calendar
    assert read.sli.ratio is not None
    expected = counted.counted(spec, spec.service.rpartition(".")[2])
    assert read.sli.ratio.total == expected.total
    assert (read.sli.ratio.bad or "", read.sli.ratio.good or "") == (expected.bad, expected.good)


def test_a_target_keeps_all_of_its_digits():
    text = rendered.service("orders") + rendered.objective(
        "up", "{availability: {}}", target="99.995%"
    )
    (slo,) = [
        one for one in documents(places(rendered.estate(text))["prod"]) if one["kind"] == "SLO"
    ]
    assert Decimal(str(slo["spec"]["objectives"][0]["target"])) == Decimal("0.99995")


def test_objectives_of_one_name_in_two_systems_keep_apart():
    other = "apiVersion: telford/v1\nkind: System\nname: depot\nowner: team/shop\n---\n"
    one = rendered.service("orders") + rendered.objective("up", "{availability: {}}")
    twin = one.replace("system: shop", "system: depot")
    found = documents(places(rendered.estate(other + one + twin))["prod"])
    assert openslo_facts.errors(found) == []
    names = sorted(d["metadata"]["name"] for d in found if d["kind"] == "SLO")
    assert names == ["depot.up", "shop.up"]
    queries = [
        d["spec"]["ratioMetric"]["total"]["metricSource"]["spec"]["query"]
        for d in found
        if d["kind"] == "SLI"
    ]
    assert len(set(queries)) == 2


def test_a_place_without_promises_has_no_documents():
    assert places(rendered.estate(rendered.service("orders"))) == {"dev": {}, "prod": {}}
