"""What the Prometheus operator is given: its own types accept it, and it says what `prometheus` says."""

import custom_schemas
import pytest
import rendered
import watched_places

import quick_yaml as yaml

# The organisation scrapes: it has nothing for an operator.
NAMES = ("shop", "boutique")
WATCHED = rendered.service(
    "orders", "run: {image: x, ports: [{name: http, port: 80}, {name: metrics, port: 9090}]}\n"
) + rendered.objective("promise", "{availability: {}}")


def _objects(text: str) -> list[dict]:
    made = rendered.rendering(text, "prometheus-operator").artifacts()
    return [item for one in made for item in yaml.safe_load_all(one.text)]


@pytest.mark.proves(
    "prometheus-operator",
    tool="the package's CRD validators",
    shows="every PrometheusRule and PodMonitor of two estates is valid",
)
@pytest.mark.parametrize("name", NAMES)
def test_every_object_is_valid(name: str):
    texts = watched_places.files("prometheus-operator", name).values()
    found = [item for text in texts for item in yaml.safe_load_all(text)]
    assert {item["kind"] for item in found} == {"PrometheusRule", "PodMonitor"}
    assert [error for item in found for error in custom_schemas.errors(item)] == []


def test_the_monitor_of_a_workload_is_valid_and_a_broken_one_is_not():
    found = {(item["kind"], item["metadata"]["name"]): item for item in _objects(WATCHED)}
    monitor = found["PodMonitor", "orders"]
    assert monitor["spec"]["podMetricsEndpoints"][0]["port"] == "metrics"
    assert custom_schemas.errors(monitor) == []
    monitor["spec"]["podMetricsEndpoints"][0]["prot"] = "metrics"
    assert custom_schemas.errors(monitor) != []


def test_a_workload_that_prometheus_finds_itself_has_no_monitor():
    chosen = "apiVersion: telford/v1\nkind: Architecture\nname: a\nowner: team/shop\nchoices: {monitoring: scrape}\n---\n"
    assert _objects(WATCHED + chosen) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_rules_are_those_of_prometheus_word_for_word(name: str):
    def groups(target: str) -> dict[str, object]:
        found = {}
        for path, text in watched_places.files(target, name).items():
            if not path.endswith(".rules.yaml"):
                continue
            for item in yaml.safe_load_all(text):
                for group in item.get("spec", item).get("groups", []):
                    found[path.split("/")[0], group["name"]] = group
        return found

    assert groups("prometheus-operator") == groups("prometheus")
    assert len(groups("prometheus")) > 10
