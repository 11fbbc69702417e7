"""Dashboards: Grafana's own types accept them, and every question asks for something that is there."""

import json
import pathlib
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any

import promql_parser
import pytest
import watched_places

import optional
import quick_yaml as yaml
from telford.road import conventions, scraping

# What Prometheus itself makes.
OWN = frozenset({"ALERTS", "up"})
CALLS = re.compile(r"label_values\((?P<selector>.*), \w+\)")


def _dashboards(name: str) -> dict[str, dict[str, Any]]:
    found = watched_places.files("grafana", name)
    return {path: json.loads(text) for path, text in found.items() if path.endswith(".json")}


def _check(folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    files = sorted(map(str, folder.rglob("*.json")))
    tool = optional.require_tool("check-dashboards")
    return subprocess.run([tool, *files], capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.proves(
    "grafana",
    tool="the types of @grafana/schema",
    shows="every dashboard and the options of every panel of three estates are of Grafana's types",
)
def test_every_dashboard_is_of_grafanas_own_types(tmp_path: pathlib.Path):
    for name in watched_places.NAMES:
        watched_places.write("grafana", name, tmp_path / name)
    assert len(list(tmp_path.rglob("*.json"))) > 30
    done = _check(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_dashboard_is_not(tmp_path: pathlib.Path):
    """Or the test above would prove nothing: each is refused for what is wrong with it."""
    text = watched_places.files("grafana", "shop")["dashboards/services/shop/orders.json"]
    broken = {
        "Titel": text.replace('"title"', '"Titel"'),
        "multiple": text.replace('"mode": "multi"', '"mode": "multiple"'),
        "string": text.replace('"h": 8', '"h": "8"'),
    }
    for name, changed in broken.items():
        assert changed != text
        (tmp_path / f"{name}.json").write_text(changed)
    done = _check(tmp_path)
    assert done.returncode == 1
    assert all(f"{name}.json" in done.stdout for name in broken)
    assert all(name in done.stdout for name in broken)


def _questions(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for variable in dashboard["templating"]["list"]:
        found = CALLS.fullmatch(variable.get("query", ""))
        if found:
            yield found["selector"]


def _parsed(expression: str) -> Any:
    """Grafana's own variable of a range is no PromQL."""
    return promql_parser.parse(expression.replace("$__rate_interval", "5m"))


def _series(part: Any) -> Iterator[str]:
    """The names of all series that an expression reads."""
    if isinstance(part, promql_parser.VectorSelector):
        yield part.name
    for name in ("lhs", "rhs", "expr", "vector_selector", "param"):
        inner = getattr(part, name, None)
        if inner is not None and not isinstance(inner, str):
            yield from _series(inner)
    for inner in getattr(part, "args", None) or ():
        yield from _series(inner)


@cache
def _produced(name: str) -> frozenset[str]:
    """What the rules of an estate record, what its scrape jobs keep, and what counts its requests."""
    found = set(OWN)
    for path, text in watched_places.files("prometheus", name).items():
        told = yaml.safe_load(text) if path.endswith(("rules.yaml", "prometheus.yaml")) else {}
        rules = (rule for group in told.get("groups", ()) for rule in group["rules"])
        found |= {rule["record"] for rule in rules if "record" in rule}
        for job in told.get("scrape_configs", ()):
            for step in job.get("metric_relabel_configs", ()):
                if step["source_labels"] == ["__name__"]:
                    found |= _spelled_out(step["regex"])
    return frozenset(found | scraping.counted(conventions.HTTP_SERVER))


def _spelled_out(pattern: str) -> set[str]:
    every = {*scraping.series(frozenset({"certificate", "kafka", "rabbitmq", "nats"}))}
    every |= scraping.counted(conventions.ENVOY)
    return {series for series in every if re.fullmatch(pattern, series)}


@pytest.mark.proves(
    "grafana",
    tool="promql-parser",
    shows="every question parses, and asks only for series that the estate's rules and jobs make",
)
@pytest.mark.parametrize("name", watched_places.NAMES)
def test_every_question_parses_and_asks_for_what_is_there(name: str):
    produced = _produced(name)
    asked = 0
    for path, dashboard in _dashboards(name).items():
        for question in _questions(dashboard):
            missing = set(_series(_parsed(question))) - produced
            assert missing == set(), (path, question)
            asked += 1
    assert asked > 50


def test_a_question_for_what_nobody_makes_is_found_out():
    series = set(_series(_parsed("sum(rate(requests_total[5m])) / on (a) up{job='x'} > bool 1")))
    assert series == {"requests_total", "up"}
    assert "requests_total" not in _produced("shop")
    with pytest.raises(ValueError, match="unclosed"):
        _parsed("sum(rate(x[5m])")


@pytest.mark.parametrize("name", watched_places.NAMES)
def test_every_uid_is_its_own_short_and_says_nothing_of_order(name: str):
    found = [dashboard["uid"] for dashboard in _dashboards(name).values()]
    assert len(found) == len(set(found))
    assert all(re.fullmatch(r"[a-z0-9-]{1,40}", uid) for uid in found)


def test_a_uid_is_the_same_whatever_else_changes():
    """Links and bookmarks of people go by it."""
    found = _dashboards("shop")["dashboards/services/shop/orders.json"]
    assert found["uid"] == "telford-7defc5d6f29371002328"


@pytest.mark.parametrize("name", watched_places.NAMES)
def test_each_place_has_a_data_source_and_no_address_is_made_up(name: str):
    told = yaml.safe_load(
        watched_places.files("grafana", name)["provisioning/datasources/telford.yaml"]
    )
    sources = told["datasources"]
    assert [s["name"] for s in sources] == [
        f"Prometheus {place}" for place in watched_places.places(name)
    ]
    assert all(re.fullmatch(r"\$\{PROMETHEUS_URL_[A-Z0-9_]+\}", s["url"]) for s in sources)
    assert sum(s["isDefault"] for s in sources) == 1
