"""What is said about an objective, and what its rules hold, without any tool."""

import objectives
import pytest
import rendered

import quick_yaml as yaml
from telford.render.prometheus import selectors


def _rules(text: str) -> dict[str, list[dict]]:
    """Rules by the name of what they record or alert."""
    found: dict[str, list[dict]] = {}
    for artifact in rendered.rendering(text, "prometheus").artifacts():
        if artifact.path.endswith(".rules.yaml"):
            for group in yaml.safe_load(artifact.text)["groups"]:
                for rule in group["rules"]:
                    found.setdefault(rule.get("record") or rule["alert"], []).append(rule)
    return found


def test_the_counts_are_made_every_five_minutes_so_that_none_is_counted_twice():
    made = rendered.rendering(objectives.text("ratio", "30d"), "prometheus").artifacts()
    text = next(one.text for one in made if one.path.endswith("promise.rules.yaml"))
    counts, burn = yaml.safe_load(text)["groups"]
    assert counts["interval"] == "5m"
    assert [rule["expr"].count("[5m]") for rule in counts["rules"][:2]] == [1, 3]
    assert burn["interval"] == "1m"


def test_the_four_burn_rates_of_thirty_days_stand_in_the_rules_exactly():
    alerts = _rules(objectives.text("availability", "30d"))["ErrorBudgetBurn"]
    said = [
        (a["labels"]["severity"], a["labels"]["burn_rate"], a["labels"]["long_window"])
        for a in alerts
    ]
    assert said == [
        ("page", "14.4", "1h"),
        ("page", "6", "6h"),
        ("ticket", "3", "1d"),
        ("ticket", "1", "3d"),
    ]
    thresholds = [a["expr"].splitlines()[0].rpartition(" ")[2] for a in alerts]
    assert thresholds == ["0.0144", "0.006", "0.003", "0.001"]


def test_an_alert_that_can_never_fire_is_left_out():
    text = objectives.text("availability", "30d", "90%")
    windows = [a["labels"]["long_window"] for a in _rules(text)["ErrorBudgetBurn"]]
    assert windows == ["6h", "1d", "3d"]


def test_an_objective_that_pages_nobody_tickets():
    text = rendered.service("orders") + rendered.objective(
        "calm", "{availability: {}}", more="alerting: {page: false}\n"
    )
    assert {a["labels"]["severity"] for a in _rules(text)["ErrorBudgetBurn"]} == {"ticket"}


def test_absent_data_is_an_alert_of_its_own_on_everything_that_is_needed():
    (alert,) = _rules(objectives.text("latency", "30d"))["ObjectiveDataAbsent"]
    assert alert["expr"].count("absent(") == 2
    assert alert["for"] == "10m"
    assert alert["labels"]["owner"] == "team/shop"


def test_one_objective_has_the_labels_that_lead_to_its_owner():
    (alert, *_) = _rules(objectives.text("availability", "30d"))["objective:target:ratio"]
    assert alert["labels"] == {
        "address": "objective/shop.promise",
        "environment": "prod",
        "service": "orders",
        "owner": "team/shop",
    }
    assert alert["expr"] == "vector(0.999)"


@pytest.mark.parametrize(
    ("more", "sli", "code"),
    [
        ("annotations: {telford.dev/metrics: nobody}\n", "{availability: {}}", "TEL512"),
        ("", "{latency: {threshold: 300ms}}", "TEL513"),
        ("", "{probe: {success: 'min(probe_success)'}}", "TEL515"),
    ],
)
def test_what_is_odd_about_an_objective_is_said_at_its_line(more: str, sli: str, code: str):
    text = rendered.service("orders") + rendered.objective("odd", sli, more=more)
    (said,) = rendered.rendering(text, "prometheus").diagnostics
    assert said.code == code
    assert said.position is not None
    assert said.position.line > rendered.PLACES.count("\n")


def test_a_calendar_month_has_alerts_and_a_budget():
    text = rendered.service("orders") + rendered.objective(
        "monthly", "{availability: {}}", more="calendar: month\n"
    )
    rules = _rules(text)
    assert len(rules["ErrorBudgetBurn"]) == 4
    assert len(rules["objective:error_budget_left:ratio"]) == 1


def test_services_of_one_short_name_are_told_apart_by_their_system():
    other = "apiVersion: telford/v1\nkind: System\nname: stall\nowner: team/shop\n---\n"
    text = objectives.text("availability", "30d") + other
    twin = rendered.service("orders").replace("system: shop", "system: stall")
    alone = _rules(text)["objective:events_total:increase5m"][0]["expr"]
    both = _rules(text + twin)["objective:events_total:increase5m"][0]["expr"]
    assert "system=" not in alone
    assert both == alone.replace('(/.+)?"', '(/.+)?",system="shop"')
    assert "TEL516" in rendered.codes(text + twin, "prometheus")


def test_an_alert_says_what_it_is_about_and_the_history_of_an_objective_does_not():
    """A new tier must not begin a new series: thirty days of counts would be lost."""
    rules = _rules(objectives.text("availability", "30d"))
    assert rules["ErrorBudgetBurn"][0]["labels"]["about"] == "service/shop.orders"
    assert rules["ErrorBudgetBurn"][0]["labels"]["tier"] == "2"
    assert "tier" not in rules["objective:events_total:increase5m"][0]["labels"]


@pytest.mark.parametrize(
    "text",
    [
        'requests_total{code=~"5.."}',
        'requests_total{code!~"5..|429",job="a\\"b"}',
        'requests_total{path=~"/api/.*",code=~"[45].."}',
        'requests_total{name=~"orders(/.+)?"}',
        "requests_total",
        'requests_total{code!="500"}',
        'requests_total{code=~"\\\\d+"}',
    ],
)
def test_an_example_series_is_one_that_its_selector_accepts(text: str):
    selector = selectors.parse(text)
    assert selector is not None
    labels = selectors.example(selector)
    assert labels is not None
    assert selector.accepts(labels)


@pytest.mark.parametrize("text", ["rate(x[5m])", "x offset 5m", 'x{a="b"', "{a='b'}", "sum(x)"])
def test_what_is_no_plain_selector_is_not_taken_for_one(text: str):
    assert selectors.parse(text) is None


def test_the_rest_of_the_events_is_told_apart_from_the_bad_ones():
    total, bad = selectors.parse('r{job="a"}'), selectors.parse('r{job="a",code=~"5.."}')
    assert total is not None
    assert bad is not None
    rest = selectors.example(total, unlike=bad)
    assert rest is not None
    assert total.accepts(rest)
    assert not bad.accepts(rest)


@pytest.mark.parametrize("period", ["7d", "28d", "30d", "90d"])
@pytest.mark.parametrize("target", ["1%", "50%", "80%", "83.3%", "85%", "95%", "99.999%"])
def test_rules_and_tests_are_made_for_modest_and_for_strict_targets(target: str, period: str):
    for kind in ("availability", "probe"):
        text = objectives.text(kind, period, target)
        paths = [a.path for a in rendered.rendering(text, "prometheus").artifacts()]
        assert any(path.endswith(".rules.yaml") for path in paths)
