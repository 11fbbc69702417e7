"""A place's prometheus.yaml: its form by a published schema, and what it finds."""

import json
import re
from typing import Any

import jsonschema_rs
import pytest
import rendered
import watched_places

import optional
import quick_yaml as yaml


def _schema() -> jsonschema_rs.Draft7Validator:
    """SchemaStore's, which knows the discovery of Kubernetes."""
    optional.require_tool("otelcol")
    file = optional.REPOSITORY / ".tools" / "watchers" / "schemas" / "prometheus.json"
    return jsonschema_rs.Draft7Validator(json.loads(file.read_text(encoding="utf-8")))


def _configurations(name: str) -> dict[str, dict[str, Any]]:
    found = watched_places.files("prometheus", name)
    return {p: yaml.safe_load(text) for p, text in found.items() if p.endswith("prometheus.yaml")}


@pytest.mark.proves(
    "prometheus",
    tool="SchemaStore's schema of prometheus.yaml",
    shows="every configuration of three estates is valid, Kubernetes' discovery included",
)
@pytest.mark.parametrize("name", watched_places.NAMES)
def test_every_configuration_is_valid(name: str):
    schema = _schema()
    found = _configurations(name)
    assert len(found) == len(watched_places.places(name))
    said = [e.message for told in found.values() for e in schema.iter_errors(told)]
    assert said == []


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told["global"].update(scrape_interval="soon"),
        lambda told: told["scrape_configs"][0].update(metric_path="/x"),
        lambda told: told["scrape_configs"][0]["kubernetes_sd_configs"][0].update(role="pods"),
        lambda told: told["scrape_configs"][0]["relabel_configs"][0].update(action="kept"),
    ],
)
def test_a_broken_configuration_is_not(change: Any):
    """Or the test above would prove nothing."""
    told = _configurations("shop")["prod/eu-west-1/prometheus.yaml"]
    change(told)
    assert list(_schema().iter_errors(told))


SCRAPED = (
    rendered.service(
        "orders", "run: {image: x, ports: [{name: http, port: 80}, {name: metrics, port: 9090}]}\n"
    )
    + rendered.service(
        "pages",
        "run:\n  image: x\n  ports: [{name: http, port: 8080}]\n"
        "  monitors: [{by: endpoint, scrapes: [{port: http, path: /m, every: 10s}]}]\n",
    )
    + rendered.service("quiet")
)


def _jobs(text: str) -> dict[str, dict[str, Any]]:
    made = rendered.rendering(text, "prometheus").artifacts()
    (told,) = [yaml.safe_load(one.text) for one in made if one.path.endswith("prometheus.yaml")]
    return {job["job_name"]: job for job in told["scrape_configs"]}


def _kept(job: dict[str, Any], labels: dict[str, str]) -> dict[str, str] | None:
    """The labels of a target after the job's relabelling; None where it is dropped."""
    told = {f"__meta_kubernetes_{key}": value for key, value in labels.items()}
    for step in job["relabel_configs"]:
        value = ";".join(told.get(source, "") for source in step["source_labels"])
        matches = re.fullmatch(step.get("regex", "(.*)"), value) is not None
        if (step.get("action") == "keep" and not matches) or (
            step.get("action") == "drop" and matches
        ):
            return None
        if "target_label" in step and matches:
            told[step["target_label"]] = value
    return {key: value for key, value in told.items() if not key.startswith("__")}


def _pod(name: str, port: str, number: str) -> dict[str, str]:
    return {
        "namespace": "prod",
        "pod_name": f"{name}-x",
        "pod_phase": "Running",
        "pod_annotation_telford_dev_address": f"service/shop.{name}",
        "pod_label_app_kubernetes_io_name": name,
        "pod_label_app_kubernetes_io_part_of": "shop",
        "pod_label_app_kubernetes_io_managed_by": "telford",
        "pod_container_port_name": port,
        "pod_container_port_number": number,
    }


def test_a_workload_is_read_where_it_says_and_has_the_labels_of_its_rules():
    jobs = _jobs(SCRAPED)
    usual, told = jobs["workloads"], jobs["workloads http /m 10s"]
    assert told["scrape_interval"] == "10s"
    assert _kept(usual, _pod("orders", "metrics", "9090")) == {
        "about": "service/shop.orders",
        "namespace": "prod",
        "pod": "orders-x",
        "service_name": "orders",
        "system": "shop",
        "workload": "orders",
    }
    assert _kept(usual, _pod("orders", "http", "80")) is None
    assert _kept(usual, _pod("quiet", "http", "8080")) is None
    assert _kept(told, _pod("pages", "http", "8080")) is not None
    assert _kept(told, _pod("orders", "metrics", "9090")) is None
    ended = _pod("orders", "metrics", "9090") | {"pod_phase": "Succeeded"}
    assert _kept(usual, ended) is None


def test_the_clusters_of_a_mesh_are_called_as_the_rules_call_them():
    """Those of another place in the same Kubernetes cluster are not this place's."""
    _, *steps = _jobs(SCRAPED)["envoy"]["metric_relabel_configs"]

    def renamed(cluster: str) -> str | None:
        for step in steps:
            found = re.fullmatch(step["regex"], cluster)
            if found and step.get("action") == "drop":
                return None
            if found:
                cluster = found.expand(re.sub(r"\$(\d)", r"\\\1", step["replacement"]))
        return cluster

    assert renamed("outbound|8080||orders.prod.svc.cluster.local") == "orders"
    assert renamed("outbound|8080|1.4.2|orders.prod.svc.cluster.local") == "orders/1.4.2"
    assert renamed("outbound|8080||orders.staging.svc.cluster.local") is None
    assert renamed("inbound|8080||") is None
    assert renamed("orders/1.4.2") == "orders/1.4.2"


def test_an_operator_that_makes_the_configuration_is_left_to_it():
    chosen = (
        "apiVersion: telford/v1\nkind: Architecture\nname: a\nowner: team/shop\n"
        "choices: {monitoring: prometheus-operator}\n---\n"
    )
    made = rendered.rendering(SCRAPED + chosen, "prometheus").artifacts()
    assert [one.path for one in made] == ["prometheus/prod/place.health.rules.yaml"]
