"""The rules of each SLI kind and period pass promtool, and so do the tests generated with them."""

import pathlib
import subprocess

import objectives
import pytest
import rendered

import optional
import quick_yaml as yaml


def _promtool(*arguments: object) -> str:
    tool = optional.require_tool("promtool")
    done = subprocess.run(
        [tool, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _written(text: str, folder: pathlib.Path) -> list[pathlib.Path]:
    """The files of the objectives."""
    written = rendered.write(rendered.rendering(text, "prometheus"), folder)
    return [path for path in written if path.parent.name == "shop"]


@pytest.mark.proves(
    "prometheus",
    tool="promtool check rules",
    shows="rules of every kind of indicator and period are well formed",
)
@pytest.mark.parametrize("target", objectives.TARGETS)
def test_every_rule_of_every_kind_and_period_is_well_formed(target: str, tmp_path: pathlib.Path):
    rules = []
    for kind in objectives.KINDS:
        for period in objectives.PERIODS:
            folder = tmp_path / kind / period
            written = _written(objectives.text(kind, period, target), folder)
            rules += [p for p in written if p.name.endswith(".rules.yaml")]
    assert len(rules) == len(objectives.KINDS) * len(objectives.PERIODS)
    assert _promtool("check", "rules", *rules).count("SUCCESS") == len(rules)


@pytest.mark.proves(
    "prometheus",
    tool="promtool test rules",
    shows="alerts fire, wait and stop as the generated tests say",
)
@pytest.mark.parametrize(("kind", "period"), objectives.QUICK)
def test_the_alerts_do_what_their_generated_test_says(
    kind: str, period: str, tmp_path: pathlib.Path
):
    """The quick file, by the minute: predicted start and end, 0.95 and 1.05 of the threshold, one
    error at little traffic, absent data. `make test-rules` proves the slow windows too.
    """
    written = _written(objectives.text(kind, period), tmp_path)
    quick = [p for p in written if p.name == "promise.test.yaml"]
    assert len(quick) == 1
    assert "SUCCESS" in _promtool("test", "rules", *quick)


def test_a_modest_target_does_what_its_generated_test_says(tmp_path: pathlib.Path):
    """At 80% the strictest alerts cannot fire, and the next needs most of its window to fail."""
    written = _written(objectives.text("availability", "7d", "80%"), tmp_path)
    tests = [p for p in written if p.name.endswith(".test.yaml")]
    assert _promtool("test", "rules", *tests).count("SUCCESS") == len(tests) >= 1


def test_the_slow_windows_of_a_week_do_what_their_generated_test_says(tmp_path: pathlib.Path):
    written = _written(objectives.text("ratio", "7d"), tmp_path)
    slow = [p for p in written if p.name == "promise.slow.test.yaml"]
    assert "SUCCESS" in _promtool("test", "rules", *slow)


@pytest.mark.parametrize(
    ("target", "old", "new"),
    [
        ("99.9%", "> 0.0144", "> 0.0153"),
        ("99.9%", "> 0.0144", "> 0.0136"),
        ("99.9%", "for: 10m", "for: 30m"),
        ("99.9%", "[1h]", "[55m]"),
        ("99.9%", "[5m]", "[10m]"),
        ("99.99%", "> 1.5", "> 0.5"),
    ],
)
def test_the_generated_test_fails_when_a_rule_is_wrong(
    target: str, old: str, new: str, tmp_path: pathlib.Path
):
    """Or it would prove nothing: each mutation of the rules is found out."""
    tool = optional.require_tool("promtool")
    written = _written(objectives.text("availability", "30d", target), tmp_path)
    rules = next(p for p in written if p.name == "promise.rules.yaml")
    text = rules.read_text()
    assert old in text
    rules.write_text(text.replace(old, new))
    quick = next(p for p in written if p.name == "promise.test.yaml")
    done = subprocess.run(
        [tool, "test", "rules", quick], capture_output=True, check=False, timeout=120
    )
    assert done.returncode == 1


TRAFFIC = """\
rule_files: [promise.rules.yaml]
evaluation_interval: 5m
group_eval_order: ["objective/shop.promise in prod: counts", "objective/shop.promise in prod: burn"]
tests:
- interval: 1m
  input_series:
  - series: 'http_requests_total{job="orders",code="200"}'
    values: '0 10000+10000x719 7200009+9x719'
  - series: 'http_requests_total{job="orders",code="500"}'
    values: '0+0x720 1+1x719'
  promql_expr_test:
  - expr: abs(objective:error_ratio:30d - %s) < bool 1e-12
    eval_time: 24h
    exp_samples: [{labels: '%s', value: 1}]
  - expr: abs(objective:error_budget_left:ratio - %s) < bool 1e-9
    eval_time: 24h
    exp_samples: [{labels: '%s', value: 1}]
"""
LABELS = '{address="objective/shop.promise",environment="prod",owner="team/shop",service="orders"}'


def test_budgets_are_weighted_by_traffic(tmp_path: pathlib.Path):
    """Twelve busy hours without an error, then twelve quiet ones with 10%: not the 5% that an
    average of ratios says. The truth is counted from the raw samples, one by one.
    """
    good = bad = 0
    for minute in range(24 * 60):
        quiet = minute >= 12 * 60
        good += 9 if quiet else 10_000
        bad += 1 if quiet else 0
    truth = bad / (good + bad)
    assert truth == pytest.approx(0.0000999, abs=1e-7)
    left = 1 - truth / 0.001
    written = _written(objectives.text("ratio", "30d"), tmp_path)
    test = written[0].parent / "traffic.test.yaml"
    test.write_text(TRAFFIC % (truth, LABELS, left, LABELS))
    assert "SUCCESS" in _promtool("test", "rules", test)


UNALIGNED = """\
rule_files: [promise.rules.yaml]
evaluation_interval: 5m
group_eval_order: ["objective/shop.promise in prod: counts", "objective/shop.promise in prod: burn"]
tests:
- interval: 70s
  input_series:
  - series: 'http_requests_total{job="orders",code="200"}'
    values: '%s'
  - series: 'http_requests_total{job="orders",code="500"}'
    values: '%s'
  promql_expr_test:
  - expr: abs(objective:error_ratio:30d / %s - 1) < bool 0.01
    eval_time: 12h
    exp_samples: [{labels: '%s', value: 1}]
  - expr: abs(objective:events_total:30d / %s - 1) < bool 0.01
    eval_time: 12h
    exp_samples: [{labels: '%s', value: 1}]
"""


def test_extrapolation_stays_within_one_percent_of_the_raw_samples(tmp_path: pathlib.Path):
    """Scrapes that fall on no edge of a slice, traffic that rises and falls over hours."""
    good, bad = [0], [0]
    for step in range(12 * 3600 // 70):
        busy = 100 + abs(step % 200 - 100)
        good.append(good[-1] + busy)
        bad.append(bad[-1] + (2 if step % 3 else 1))
    total = good[-1] + bad[-1]
    written = _written(objectives.text("ratio", "30d"), tmp_path)
    test = written[0].parent / "unaligned.test.yaml"
    series = [" ".join(map(str, values)) for values in (good, bad)]
    test.write_text(UNALIGNED % (*series, bad[-1] / total, LABELS, total, LABELS))
    assert "SUCCESS" in _promtool("test", "rules", test)


MONTH = """\
rule_files: [counts.rules.yaml]
evaluation_interval: %s
tests:
- interval: 5m
  input_series:
  - {series: 'http_requests_total{job="orders",code="200"}', values: '0+90x9500'}
  - {series: 'http_requests_total{job="orders",code="500"}', values: '0+10x8064 80640+0x1500'}
  promql_expr_test:
%s"""
CHECK = """\
  - expr: abs(%s - %s) < bool %s
    eval_time: %s
    exp_samples: [{labels: '%s', value: 1}]
"""


def _monthly(folder: pathlib.Path, pace: str, checks: list[tuple[str, float, float, str]]) -> str:
    """A tenth of the events are bad for four weeks from 1 January on, and none after that."""
    objective = rendered.objective("promise", objectives.KINDS["ratio"], "80%", "calendar: month\n")
    written = _written(rendered.service("orders") + objective, folder)
    rules = next(path for path in written if path.name == "promise.rules.yaml")
    counts = yaml.safe_load(rules.read_text())["groups"][0]
    (rules.parent / "counts.rules.yaml").write_text(yaml.safe_dump({"groups": [counts]}))
    told = "".join(CHECK % (*check, LABELS) for check in checks)
    test = rules.parent / "month.test.yaml"
    test.write_text(MONTH % (pace, told))
    return str(test)


def test_the_budget_of_a_month_counts_from_its_first_day_on(tmp_path: pathlib.Path):
    """Evaluated by the hour: after two weeks a tenth of the events was bad, half of the budget; on
    1 February the budget is whole again, and what was bad in January is no more.
    """
    left = "objective:error_budget_left:ratio"
    checks = [
        (left, 0.5, 1e-6, "336h"),
        ("objective:error_ratio:month", 0.1 * 28 / 30.8, 0.005, "743h"),
        (left, 1, 1e-9, "745h"),
    ]
    assert "SUCCESS" in _promtool("test", "rules", _monthly(tmp_path, "1h", checks))


def test_the_counts_of_a_month_add_up_every_five_minutes(tmp_path: pathlib.Path):
    checks = [
        ("objective:events_total:month / 28800", 1, 0.01, "24h"),
        ("objective:events_bad:month / 2880", 1, 0.01, "24h"),
    ]
    assert "SUCCESS" in _promtool("test", "rules", _monthly(tmp_path, "5m", checks))
    checks = [("objective:events_total:month / 28800", 1.1, 0.01, "24h")]
    tool = optional.require_tool("promtool")
    wrong = [tool, "test", "rules", _monthly(tmp_path, "5m", checks)]
    assert subprocess.run(wrong, capture_output=True, check=False, timeout=120).returncode == 1
