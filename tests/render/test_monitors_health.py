"""Alerts on what runs: each fires for what it is about, says whose it is, and is silent otherwise."""

import pathlib
import subprocess
from typing import Any

import pytest
import rendered

import optional
import quick_yaml as yaml

ESTATE = (
    rendered.service(
        "orders",
        "tier: 0\nuses: [{stream: placed, role: consume}]\n"
        "run:\n  image: shop/orders:1\n  workload: StatefulSet\n"
        "  ports: [{name: http, port: 8080}, {name: metrics, port: 9090}]\n"
        "  volumes: [{name: state, path: /state, type: storage, size: 1Gi}]\n"
        "ingresses: [{tls: [{hosts: [shop.example], secret: shop-tls}]}]\n"
        "routes: [{host: shop.example, path: /}]\n",
    )
    + rendered.service("pages", "tier: 3\n")
    + rendered.service("nightly", "type: cron\nrun: {image: x, schedule: '0 3 * * *'}\n")
    + rendered.service("placed", "engine: kafka\n", kind="Stream", image="")
    + rendered.service(
        "orders-down",
        "of: [service/orders]\nsteps: [{name: look}]\n",
        kind="Runbook",
        image="",
    )
)
POD = 'namespace="prod",pod="orders-0"'
OWNED = {
    f'kube_pod_owner{{{POD},owner_kind="StatefulSet",owner_name="orders"}}': "1+0x100",
    'kube_pod_owner{namespace="prod",pod="pages-5d4f-x",owner_kind="ReplicaSet",'
    'owner_name="pages-5d4f"}': "1+0x100",
    f'kube_pod_spec_volumes_persistentvolumeclaims_info{{{POD},persistentvolumeclaim="s-0"}}': (
        "1+0x100"
    ),
}
CLAIM = 'namespace="prod",persistentvolumeclaim="s-0"'
SET = '{namespace="prod",statefulset="orders"}'
DEPLOYMENT = '{namespace="prod",deployment="pages"}'
CASES: dict[str, tuple[dict[str, str], str, str]] = {
    # alert: its series, the same when all is well for the last one, what it is about
    "WorkloadUnavailable": (
        {f"kube_statefulset_replicas{SET}": "2+0x100",
         f"kube_statefulset_status_replicas_ready{SET}": "0+0x100"},
        "1+0x100",
        "service/shop.orders",
    ),
    "WorkloadDegraded": (
        {f"kube_deployment_spec_replicas{DEPLOYMENT}": "2+0x100",
         f"kube_deployment_status_replicas_available{DEPLOYMENT}": "1+0x100"},
        "2+0x100",
        "service/shop.pages",
    ),
    "ContainerCrashLooping": (
        {"kube_pod_container_status_waiting_reason"
         '{namespace="prod",pod="pages-5d4f-x",container="pages",reason="CrashLoopBackOff"}': (
             "1+0x100"
         )},
        "0+0x100",
        "service/shop.pages",
    ),
    "ContainerOutOfMemory": (
        {f'kube_pod_container_status_restarts_total{{{POD},container="orders"}}': "0+0x50 1+1x50",
         "kube_pod_container_status_last_terminated_reason"
         f'{{{POD},container="orders",reason="OOMKilled"}}': "1+0x100"},
        "0+0x100",
        "service/shop.orders",
    ),
    "JobFailed": (
        {'kube_job_failed{namespace="prod",job_name="nightly-28934560",condition="true"}': (
            "1+0x100"
        )},
        "0+0x100",
        "service/shop.nightly",
    ),
    "VolumeAlmostFull": (
        {f"kubelet_volume_stats_capacity_bytes{{{CLAIM}}}": "100+0x100",
         f"kubelet_volume_stats_available_bytes{{{CLAIM}}}": "2+0x100"},
        "4+0x100",
        "service/shop.orders",
    ),
    "VolumeFillsUp": (
        {f"kubelet_volume_stats_capacity_bytes{{{CLAIM}}}": "1000+0x100",
         f"kubelet_volume_stats_available_bytes{{{CLAIM}}}": "149-1x100"},
        "149+0x100",
        "service/shop.orders",
    ),
    "CertificateEnds": (
        {'certmanager_certificate_expiration_timestamp_seconds{namespace="prod",name="shop-tls"}': (
            "1728000+0x100"
        )},
        "1900800+0x100",
        "service/shop.orders",
    ),
    "CertificateEndsSoon": (
        {'certmanager_certificate_expiration_timestamp_seconds{namespace="prod",name="shop-tls"}': (
            "172800+0x100"
        )},
        "518400+0x100",
        "service/shop.orders",
    ),
    "MetricsUnread": (
        {'up{job="workloads",about="service/shop.orders",pod="orders-0"}': "0+0x100"},
        "1+0x100",
        "service/shop.orders",
    ),
    "ConsumerBehind": (
        {'kafka_consumergroup_lag{topic="placed",consumergroup="orders",partition="0"}': (
            "10+1x100"
        )},
        "10+0x100",
        "stream/shop.placed",
    ),
}  # fmt: skip
TIERS = {"service/shop.orders": "0", "service/shop.pages": "3", "service/shop.nightly": "2"}
# Old enough for every wait, the longest being an hour.
MINUTE = 95


def _rules(folder: pathlib.Path) -> pathlib.Path:
    written = rendered.write(rendered.rendering(ESTATE, "prometheus"), folder)
    return next(path for path in written if path.name == "place.health.rules.yaml")


def _tested(rules: pathlib.Path, tests: list[dict[str, Any]]) -> tuple[int, str]:
    file = rules.parent / "health.test.yaml"
    whole = {"rule_files": [rules.name], "evaluation_interval": "1m", "tests": tests}
    names = [group["name"] for group in yaml.safe_load(rules.read_text())["groups"]]
    file.write_text(yaml.safe_dump(whole | {"group_eval_order": names}))
    done = subprocess.run(
        [optional.require_tool("promtool"), "test", "rules", file],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def _test(alerts: list[str], *, well: bool) -> dict[str, Any]:
    """One run of the clock for several alerts whose series are not the same."""
    told = dict(OWNED)
    for alert in alerts:
        series, calm, _ = CASES[alert]
        told |= series
        if well:
            told[list(series)[-1]] = calm
    return {
        "name": f"{', '.join(alerts)}; well: {well}",
        "interval": "1m",
        "input_series": [{"series": s, "values": v} for s, v in told.items()],
        "promql_expr_test": [_fires(alert, well=well) for alert in alerts],
    }


def _fires(alert: str, *, well: bool) -> dict[str, Any]:
    about = CASES[alert][2]
    labels = f'alertname="{alert}",alertstate="firing",about="{about}"'
    tier = f',tier="{TIERS[about]}"' if about in TIERS else ""
    expected = [{"labels": f'{{about="{about}",owner="team/shop"{tier}}}', "value": 1}]
    return {
        "expr": f"count by (about, tier, owner) (ALERTS{{{labels}}})",
        "eval_time": f"{MINUTE}m",
        "exp_samples": [] if well else expected,
    }


def _batches() -> list[list[str]]:
    """The alerts in as few runs as there can be: in each no series has two values."""
    batches: list[list[str]] = []
    for alert, (series, _, _) in CASES.items():
        free = [b for b in batches if not any(set(series) & set(CASES[one][0]) for one in b)]
        if free:
            free[0].append(alert)
        else:
            batches.append([alert])
    return batches


@pytest.mark.proves(
    "prometheus",
    tool="promtool test rules",
    shows="each alert on what runs fires for its owner, and is silent when all is well",
)
def test_each_alert_fires_for_its_owner_and_is_silent_when_all_is_well(tmp_path: pathlib.Path):
    rules = _rules(tmp_path)
    alerts = [r["alert"] for g in yaml.safe_load(rules.read_text())["groups"] for r in g["rules"]
              if "alert" in r]  # fmt: skip
    assert sorted(alerts) == sorted(CASES)
    tests = [_test(batch, well=well) for batch in _batches() for well in (False, True)]
    code, said = _tested(rules, tests)
    assert code == 0, said


@pytest.mark.parametrize(
    ("alert", "old", "new"),
    [
        ("WorkloadUnavailable", "ready == 0", "ready == 1"),
        ("MetricsUnread", "== 0)", "== 1)"),
        ("ConsumerBehind", "topic: placed", "topic: other"),
        ("VolumeAlmostFull", "< 0.03", "< 0.01"),
        ("JobFailed", "-[0-9]{8,}", "-[0-9]{9,}"),
        ("ContainerCrashLooping", "(.+)-[a-z0-9]+", "(.+)"),
    ],
)
def test_a_rule_that_is_wrong_is_found_out(alert: str, old: str, new: str, tmp_path: pathlib.Path):
    """Or the test above would prove nothing."""
    rules = _rules(tmp_path)
    text = rules.read_text()
    assert old in text
    rules.write_text(text.replace(old, new))
    assert _tested(rules, [_test([alert], well=False)])[0] == 1


def test_an_alert_leads_to_the_runbook_of_what_it_is_about():
    (health,) = [
        one.text
        for one in rendered.rendering(ESTATE, "prometheus").artifacts()
        if one.path.endswith("place.health.rules.yaml")
    ]
    info = yaml.safe_load(health)["groups"][0]["rules"]
    told = {rule["labels"]["about"]: rule["labels"].get("runbook") for rule in info[:3]}
    assert told == {
        "service/shop.orders": "runbook/shop.orders-down",
        "service/shop.pages": None,
        "service/shop.nightly": None,
    }
