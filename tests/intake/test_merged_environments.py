"""Several environments become one estate: a base, and overlays that hold only the differences."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import import_cases as cases

from telford.intake.environments import merging
from telford.intake.environments.stages import Stage
from telford.intake.imported import Imported, Options
from telford.intake.kubernetes import reading

Value = dict[str, Any]

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {owner: TEAM}}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: web:IMAGE
          env: [{name: STAGE, value: ENVIRONMENT}, {name: CACHE, value: "http://cache:80"}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
CACHE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: cache}
spec:
  selector: {matchLabels: {app: cache}}
  template:
    metadata: {labels: {app: cache}}
    spec: {containers: [{name: cache, image: "IMAGE"}]}
---
apiVersion: v1
kind: Service
metadata: {name: cache}
spec: {selector: {app: cache}, ports: [{port: 80}]}
"""


def _web(environment: str, image: int = 1, replicas: int = 1, team: str = "shop") -> str:
    text = WEB.replace("TEAM", team).replace("REPLICAS", str(replicas))
    return text.replace("IMAGE", str(image)).replace("ENVIRONMENT", environment)


def _inputs(texts: Mapping[str, str]) -> dict[str, Imported]:
    return {
        name: reading.read({f"{name}.yaml": text}, Options(environment=name, system="shop"))
        for name, text in texts.items()
    }


def _merged(texts: Mapping[str, str], known: Mapping[str, Stage] | None = None) -> Imported:
    return merging.merge(_inputs(texts), known)


def _document(imported: Imported, kind: str, name: str) -> Value:
    (found,) = (
        dict(document.value)
        for document in imported.documents
        if (document.value["kind"], document.value["name"]) == (kind, name)
    )
    return found


def test_overlays_hold_only_the_differences() -> None:
    merged = _merged(
        {
            "dev": _web("dev"),
            "staging": _web("staging", replicas=2),
            "production": _web("production", replicas=2),
        }
    )
    web = _document(merged, "Service", "web")
    assert web["run"]["replicas"] == 2
    assert web["in"] == {
        "dev": {"run": {"replicas": 1}},
        "staging": {"run": {"env": {"STAGE": "staging"}}},
        "production": {"run": {"env": {"STAGE": "production"}}},
    }


def test_equal_overlays_share_a_key() -> None:
    merged = _merged(
        {
            "dev": _web("x"),
            "qa": _web("x", image=2),
            "staging": _web("x", image=2),
            "prod": _web("x"),
        }
    )
    assert _document(merged, "Service", "web")["in"] == {"qa, staging": {"run": {"image": "web:2"}}}


def test_what_is_not_there_is_null() -> None:
    texts = {"dev": _web("x") + "---" + CACHE, "qa": _web("x"), "prod": _web("x")}
    merged = _merged(texts)
    assert _document(merged, "Service", "cache")["in"] == {"qa, prod": None}
    web = _document(merged, "Service", "web")
    assert "uses" not in web
    assert [use["service"] for use in web["in"]["dev"]["uses"]] == ["cache"]


def test_every_place_is_what_its_own_import_gave() -> None:
    texts = {
        "dev": _web("dev") + "---" + CACHE,
        "qa": _web("qa", replicas=3),
        "prod": _web("prod", image=2) + "---" + CACHE,
    }
    inputs = _inputs(texts)
    merged = cases.loaded(merging.merge(inputs))
    assert cases.errors(merged) == []
    for name, imported in inputs.items():
        alone = cases.loaded(imported)
        assert cases.differing(merged.estate, alone.estate, name) == []


def test_environments_know_their_order_and_which_is_production() -> None:
    merged = _merged({name: _web("x") for name in ("dev", "stg", "live")})
    environments = [_document(merged, "Environment", name) for name in ("dev", "stg", "live")]
    assert [item.get("production", False) for item in environments] == [False, False, True]
    orders = [item["order"] for item in environments]
    assert orders == sorted(set(orders))


def test_the_order_given_counts_where_names_say_none() -> None:
    merged = _merged({name: _web("x") for name in ("blue", "green")})
    assert [_document(merged, "Environment", name)["order"] for name in ("blue", "green")] == [0, 1]


def test_who_imports_may_say_which_is_production() -> None:
    merged = _merged({"blue": _web("x")}, {"blue": Stage("production", 7, production=True)})
    blue = _document(merged, "Environment", "blue")
    assert (blue["order"], blue["production"]) == (7, True)


def test_each_environment_keeps_its_namespace() -> None:
    texts = {
        name: _web("x").replace("{name: web", f"{{namespace: {name}, name: web")
        for name in ("dev", "prod")
    }
    merged = _merged(texts)
    assert [_document(merged, "Environment", name)["namespace"] for name in texts] == [*texts]
    assert _document(merged, "Service", "web")["in"]["prod"]["namespace"] == "prod"


def test_an_owner_that_differs_is_asked_about_and_one_counts() -> None:
    texts = {"dev": _web("x", team="a"), "qa": _web("x", team="b"), "prod": _web("x", team="b")}
    merged = _merged(texts)
    assert _document(merged, "Service", "web")["owner"] == "team/b"
    assert "team/a in dev" in next(d.summary for d in merged.diagnostics if d.code == "TEL611")
    assert cases.errors(cases.loaded(merged)) == []


def test_a_service_here_and_a_data_store_there_are_two_things() -> None:
    texts = {
        "dev": CACHE.replace("IMAGE", "cache:1"),
        "prod": CACHE.replace("IMAGE", "redis:7"),
    }
    merged = _merged(texts)
    assert _document(merged, "Service", "cache")["in"] == {"prod": None}
    assert _document(merged, "Datastore", "cache")["in"] == {"dev": None}
    assert "TEL610" in [d.code for d in merged.diagnostics]


def test_every_input_is_counted() -> None:
    inputs = _inputs({"dev": _web("dev"), "prod": _web("prod") + "---" + CACHE})
    merged = merging.merge(inputs)
    assert len(merged.report.fates) == sum(len(item.report.fates) for item in inputs.values())
    assert {fate.file for fate in merged.report.fates} == {"dev.yaml", "prod.yaml"}
    assert merged.report.objects == {"Deployment": 3, "Service": 3}


def test_one_environment_stays_as_it_is() -> None:
    merged = _merged({"prod": _web("x")})
    assert "in" not in _document(merged, "Service", "web")


def test_a_dependency_of_several_environments_is_one() -> None:
    text = _web("x") + "---" + CACHE
    merged = _merged({"dev": text, "prod": text})
    assert [(edge.source, edge.target) for edge in merged.report.edges] == [
        ("service/shop.web", "service/shop.cache")
    ]
    (use,) = _document(merged, "Service", "web")["uses"]
    assert use["inferred"]["from"].startswith("env CACHE in dev.yaml")


def test_people_and_systems_are_the_same_everywhere() -> None:
    """What only one environment says of a team is said; nothing of it is laid over."""
    inputs = _inputs({"dev": _web("x"), "prod": _web("x")})
    documents = [
        replace(item, value={**item.value, "chat": "#shop"})
        if item.value["kind"] == "Team" and item.value["name"] == "shop"
        else item
        for item in inputs["prod"].documents
    ]
    inputs["prod"] = replace(inputs["prod"], documents=tuple(documents))
    team = _document(merging.merge(inputs), "Team", "shop")
    assert team["chat"] == "#shop"
    assert "in" not in team
