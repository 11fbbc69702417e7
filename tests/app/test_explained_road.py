"""`telford explain` says what the road adds on build, and says it truly."""

import copy
from typing import Any

import pytest

from telford.app import explain
from telford.basics import resources, yamltext
from telford.basics.errors import UsageError
from telford.estate import loading, overlays
from telford.render import registry
from telford.render.kubernetes import target
from telford.road import yamlout

PLACES = """\
apiVersion: telford/v1
kind: Environment
name: dev
order: 1
---
apiVersion: telford/v1
kind: Environment
name: prod
order: 2
production: true
---
"""
SERVICES = [
    {"type": "http", "run": {"image": "x:1"}},
    {"type": "http", "run": {"image": "x:1", "replicas": 3, "ports": [{"port": 80}]}},
    {"type": "worker", "run": {"image": "x:1", "resources": {"limits": {"memory": "1Gi"}}}},
    {"type": "http", "run": {"image": "x:1", "resources": {"requests": {"memory": "1Gi"}}}},
    {"type": "grpc", "run": {"image": "x:1", "rollout": {"strategy": "Recreate"}}},
    {"type": "cron", "run": {"image": "x:1", "schedule": "0 3 * * *"}},
    {"type": "job", "run": {"image": "x:1", "batch": {"retries": 1}}},
    {"type": "http", "run": {"image": "x:1", "workload": "StatefulSet"}},
    {"type": "http", "run": {"image": "x:1", "security": {"runAsNonRoot": False}}},
    {"type": "http", "run": {"image": "x:1", "replicas": {"min": 2, "max": 4}}},
]


# Another word for all that the road fills in.
ROAD = """\
---
apiVersion: telford/v1
kind: Architecture
name: a
defaults:
  workload: {revisionHistory: 7}
  replicas: {production: 4, other: 3}
  rollout: {maxUnavailable: 10%, maxSurge: 2}
  resources: {cpu: 70m, memory: 70Mi}
  health: {path: /up, everySeconds: 7, timeoutSeconds: 3, readyFailures: 5}
  security: {allowPrivilegeEscalation: true, dropCapabilities: [CHOWN], seccomp: Unconfined, runAsUser: 7}
  jobs: {backoff: 1, ttlSeconds: 7, concurrency: Replace}
choices: {delivery: flux}
---
apiVersion: telford/v1
kind: Recipe
name: r
match: {environment: prod, name: x}
defaults: {resources: {cpu: 90m}, replicas: {production: 9}}
choices: {traffic: istio}
why: It must be so.
"""


def estate_of(fields: dict[str, Any], road: str = "") -> Any:
    head = {"apiVersion": "telford/v1", "kind": "Service", "name": "x"}
    loaded = loading.load({"a.yaml": PLACES + yamlout.document({**head, **fields}) + road})
    assert not [d for d in loaded.diagnostics if d.severity == "error"], loaded.diagnostics
    return loaded.estate


def built(fields: dict[str, Any], place: str, road: str = "") -> list[Any]:
    """The objects of the service in a place, without the digest of its fields."""
    estate = estate_of(fields, road)
    here = next(one for one in overlays.places(estate) if str(one) == place)
    scene = registry.scene(overlays.bind(estate, here), [target.NAME])
    (unit,) = target.entity(scene, "service/x").units
    assert unit is not None
    text = "".join(
        line for line in unit.make().splitlines(True) if "telford.dev/digest" not in line
    )
    nodes, _ = yamltext.read(text, "")
    return [yamltext.plain(node) for node in nodes]


def with_field(fields: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(fields)
    current = made
    *way, last = path.split(".")
    for step in way:
        current = current.setdefault(step, {})
    current[last] = value
    return made


@pytest.mark.parametrize("place", ["dev", "prod"])
@pytest.mark.parametrize("road", ["", ROAD], ids=["own", "said"])
@pytest.mark.parametrize("fields", SERVICES, ids=range(len(SERVICES)))
def test_writing_what_the_road_gives_changes_nothing(
    fields: dict[str, Any], place: str, road: str
) -> None:
    """Each value that explain says comes from the road, an architecture or a recipe is the one that a
    build uses.
    """
    found = explain.explain(estate_of(fields, road), "service/x", "", place)
    layers = {"road", "architecture/a", "recipe/r"}
    given = [origin for origin in found.origins if origin.decided.layer in layers]
    assert len(given) > 3
    before = built(fields, place, road)
    # A probe is one thing: the road's is taken as a whole or not at all.
    probe = fields
    for origin in given:
        if origin.field.startswith("run.health"):
            probe = with_field(probe, origin.field, origin.value)
        else:
            made = with_field(fields, origin.field, origin.value)
            assert built(made, place, road) == before, origin
    assert built(probe, place, road) == before


def test_the_road_is_the_last_link_and_names_its_entry() -> None:
    estate = estate_of({"run": {"image": "x:1"}})
    (origin,) = explain.explain(estate, "service/x", "run.replicas", "prod").origins
    assert (origin.value, origin.decided.layer) == (2, "road")
    position = origin.decided.position
    assert position is not None
    line = resources.text("telford.road", "defaults.toml").splitlines()[position.line - 1]
    assert line == "production = 2"
    (origin,) = explain.explain(estate, "service/x", "run.replicas", "").origins
    assert origin.decided.layer == "default"


def test_what_the_estate_says_is_not_the_roads() -> None:
    estate = estate_of({"run": {"image": "x:1", "replicas": 7}})
    (origin,) = explain.explain(estate, "service/x", "run.replicas", "prod").origins
    assert (origin.value, origin.decided.layer) == (7, "base")


def test_something_as_found_gets_what_it_adopted_only() -> None:
    fields = {"road": "as-found", "run": {"image": "x:1"}}
    found = explain.explain(estate_of(fields), "service/x", "", "prod").origins
    assert not [one for one in found if one.decided.layer == "road"]
    fields["adopted"] = ["replicas"]
    found = explain.explain(estate_of(fields), "service/x", "", "prod").origins
    assert [one.field for one in found if one.decided.layer == "road"] == ["run.replicas"]


def test_a_block_is_explained_field_by_field() -> None:
    """What an overlay says of a part is not shown as all that there is; the road's come last."""
    fields = {
        "run": {"image": "x:1", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}},
        "uses": [{"service": "x", "critical": False}],
        "in": {"prod": {"run": {"resources": {"requests": {"cpu": "2"}}}}},
    }
    estate = estate_of(fields)
    found = explain.explain(estate, "service/x", "run.resources", "prod").origins
    assert [(one.field, one.value, one.decided.layer) for one in found] == [
        ("run.resources.requests.cpu", "2", "prod"),
        ("run.resources.requests.memory", "1Gi", "base"),
        ("run.resources.limits.memory", "1Gi", "road"),
    ]
    for item in ("uses.0", "uses[x]", "uses[service:x]"):
        found = explain.explain(estate, "service/x", item, "").origins
        assert [one.field for one in found] == ["uses[x].service", "uses[x].critical"]


def test_a_value_of_a_recipe_names_it_and_all_that_it_overrules() -> None:
    estate = estate_of({"run": {"image": "x:1"}}, ROAD)
    (origin,) = explain.explain(estate, "service/x", "run.replicas", "prod").origins
    assert [(link.layer, link.value) for link in origin.links] == [
        ("default", None),
        ("road", 2),
        ("architecture/a", 4),
        ("recipe/r", 9),
    ]
    assert origin.decided.why == "name x, environment prod. It must be so."
    assert origin.decided.position is not None
    assert origin.decided.position.file == "a.yaml"
    (origin,) = explain.explain(estate, "service/x", "run.replicas", "dev").origins
    assert (origin.value, origin.decided.layer) == (3, "architecture/a")


def test_the_ways_of_a_thing_are_explained() -> None:
    estate = estate_of({"run": {"image": "x:1"}}, ROAD)
    found = explain.explain(estate, "service/x", "choices", "prod").origins
    assert {one.field: (one.value, one.decided.layer) for one in found} == {
        "choices.traffic": ("istio", "recipe/r"),
        "choices.mesh": ("none", "road"),
        "choices.scaling": ("horizontal-pod-autoscaler", "road"),
        "choices.monitoring": ("scrape", "road"),
        "choices.packaging": ("kubernetes", "road"),
        "choices.delivery": ("flux", "architecture/a"),
        "choices.pipeline": ("none", "road"),
    }
    (one,) = explain.explain(estate, "service/x", "choices.traffic", "").origins
    assert (one.value, one.decided.layer) == ("ingress", "road")
    with pytest.raises(UsageError, match="there is no aspect trafic"):
        explain.explain(estate, "service/x", "choices.trafic", "")


def test_a_way_that_is_a_target_of_the_architecture_says_so() -> None:
    road = ROAD.replace("choices: {delivery: flux}", "targets: [kubernetes, flux]")
    estate = estate_of({"run": {"image": "x:1"}}, road)
    (one,) = explain.explain(estate, "service/x", "choices.delivery", "prod").origins
    assert (one.value, one.decided.layer) == ("flux", "architecture/a")
    assert one.decided.why == "flux is among the targets"
