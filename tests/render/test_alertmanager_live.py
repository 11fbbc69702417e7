"""A real Alertmanager and a real Prometheus load what is made, and hold back what they should."""

import pathlib
from typing import Any

import pytest
import rendered
import watched_places

import optional
import quick_yaml as yaml
from telford.app import rendering
from telford.estate import overlays
from telford.render import registry
from telford.render.alertmanager import inhibition

STARTS = "2026-01-01T00:00:00Z"


def _alertmanager(file: pathlib.Path, folder: pathlib.Path) -> tuple[list[str], str]:
    port = watched_places.free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        optional.require_tool("prometheus-alertmanager"),
        f"--config.file={file}",
        f"--storage.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    return command, url


def _alert(about: str, name: str = "ErrorBudgetBurn", severity: str = "page") -> dict[str, Any]:
    labels = {"alertname": name, "about": about, "severity": severity, "environment": "prod"}
    return {"labels": {**labels, "region": "eu-west-1", "address": f"x/{about}"}}


def _held_back(url: str) -> set[str]:
    """The abouts of alerts that are held back now; the Alertmanager works it out when asked."""
    every = watched_places.ask(f"{url}/api/v2/alerts?inhibited=true&active=true")
    return {one["labels"]["about"] for one in every if one["status"]["inhibitedBy"]}


@pytest.mark.proves(
    "alertmanager",
    tool="Alertmanager 0.25",
    shows="it loads a place of each estate, and holds symptoms back while their cause fires",
)
def test_a_real_alertmanager_holds_back_symptoms_and_nothing_else(tmp_path: pathlib.Path):
    """The storefront needs orders; recommendations are not critical, and staging is elsewhere."""
    folder = watched_places.write("alertmanager", "shop", tmp_path / "files")
    file = folder / "prod/eu-west-1/alertmanager.yaml"
    command, url = _alertmanager(file, tmp_path / "data")
    with watched_places.served(command, f"{url}/-/ready", tmp_path / "log"):
        receivers = {one["name"] for one in watched_places.ask(f"{url}/api/v2/receivers")}
        assert receivers == {one["name"] for one in yaml.safe_load(file.read_text())["receivers"]}
        alerts = f"{url}/api/v2/alerts"
        watched_places.ask(alerts, [_alert("service/shop.storefront")])
        assert _held_back(url) == set()
        watched_places.ask(alerts, [_alert("service/shop.recommendations")])
        assert _held_back(url) == set()
        down = _alert("service/shop.storefront", "WorkloadUnavailable")
        watched_places.ask(alerts, [down | {"labels": down["labels"] | {"about": "x"}}])
        elsewhere = _alert("service/shop.orders")
        elsewhere["labels"]["region"] = "eu-central-1"
        watched_places.ask(alerts, [elsewhere])
        assert _held_back(url) == set()
        watched_places.ask(alerts, [_alert("service/shop.orders", "WorkloadUnavailable")])
        assert _held_back(url) == {"service/shop.storefront"}


CIRCLE = (
    rendered.service("a", "tier: 0\nuses: [{service: b, timeout: 1s}, {service: d, timeout: 1s}]\n")
    + rendered.service("b", "tier: 0\nuses: [{service: a, timeout: 1s}]\n")
    + rendered.service("c", "tier: 0\nuses: [{service: a, timeout: 1s}]\n")
    + rendered.service("d", "tier: 3\n")
    + "".join(
        rendered.service(
            f"{one}-up",
            f"service: {one}\ntarget: 99%\nsli: {{availability: {{}}}}\n",
            kind="Objective",
            image="",
        )
        for one in "abcd"
    )
)
REACHED = rendered.PLACES.replace("name: shop\n---", 'name: shop\nchat: "#shop"\n---', 1)


def _circle(folder: pathlib.Path) -> pathlib.Path:
    loaded = rendered.loading.load({"estate.yaml": REACHED + CIRCLE})
    target = registry.BY_NAME["alertmanager"]
    world = rendering.world(loaded.estate, overlays.places(loaded.estate), [target])
    (scene,) = [one for one in world.scenes if one.place == "prod"]
    result = target.in_place(scene)
    assert "TEL593" in [d.code for d in result.diagnostics]
    return next(p for p in rendered.write(result, folder) if p.name == "alertmanager.yaml")


def test_a_real_alertmanager_tells_somebody_of_a_circle(tmp_path: pathlib.Path):
    """Two services that need each other fail together, and whatever needs them: both are told.
    Something quiet that a loud one needs hides nothing.
    """
    command, url = _alertmanager(_circle(tmp_path / "files"), tmp_path / "data")
    with watched_places.served(command, f"{url}/-/ready", tmp_path / "log"):
        every = [_alert(f"service/shop.{one}") for one in "abcd"]
        watched_places.ask(f"{url}/api/v2/alerts", every)
        assert _held_back(url) == {"service/shop.c"}


def test_of_all_that_fails_at_once_something_is_always_told():
    """For every set of failing services of a graph with circles, one is not held back."""
    needs = {
        "a": ("b", "c"), "b": ("c",), "c": ("d", "a"), "d": ("e",), "e": ("f",), "f": ("e", "g"),
    }  # fmt: skip
    every = sorted("abcdefg")
    voices = inhibition.Voices(frozenset(every), frozenset(every))
    cut = inhibition.rules(needs, voices)[2:]
    held = {user for rule in cut for user in rule["target_matchers"][0].split('"')[1].split("|")}
    assert held == {"c", "d", "f"}
    group = inhibition.circles(needs)
    assert {frozenset(m for m in group if group[m] == n) for n in group.values()} == {
        frozenset("abc"), frozenset("d"), frozenset("ef"), frozenset("g"),
    }  # fmt: skip
    for number in range(1, 2 ** len(every)):
        failing = {one for bit, one in enumerate(every) if number >> bit & 1}
        causes = {
            (rule["source_matchers"][0].split('"')[1], user)
            for rule in cut
            for user in rule["target_matchers"][0].split('"')[1].split("|")
        }
        told = {one for one in failing if not any((c, one) in causes for c in failing)}
        assert told


def _undiscovered(target: str, name: str, folder: pathlib.Path) -> pathlib.Path:
    """Debian's Prometheus is built without the discovery of Kubernetes: in its place stands a list
    of files, of which there is none. What it cannot say of the rest, the schema says.
    """
    watched_places.write(target, name, folder)
    for path in folder.rglob("prometheus.yaml"):
        told = yaml.safe_load(path.read_text())
        for found in (*told["alerting"]["alertmanagers"], *told["scrape_configs"]):
            del found["kubernetes_sd_configs"]
            found["file_sd_configs"] = [{"files": ["nothing-*.json"]}]
            for key in ("authorization", "tls_config"):
                found.pop(key, None)
        path.write_text(yaml.safe_dump(told))
    return folder


@pytest.mark.proves(
    "prometheus",
    tool="Prometheus 2.42",
    shows="it loads the configuration and every rule of a place of each estate",
)
@pytest.mark.parametrize("name", watched_places.NAMES)
def test_a_real_prometheus_loads_every_rule(name: str, tmp_path: pathlib.Path):
    folder = _undiscovered("prometheus", name, tmp_path / "files")
    place = next(p for p in watched_places.places(name) if p.startswith("prod"))
    port = watched_places.free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        optional.require_tool("prometheus"),
        f"--config.file={folder / place / 'prometheus.yaml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with watched_places.served(command, f"{url}/-/ready", tmp_path / "log"):
        groups = watched_places.ask(f"{url}/api/v1/rules")["data"]["groups"]
    loaded = {(group["name"], len(group["rules"])) for group in groups}
    made = {
        (group["name"], len(group["rules"]))
        for path, text in watched_places.files("prometheus", name).items()
        if path.startswith(f"{place}/") and path.endswith(".rules.yaml")
        for group in yaml.safe_load(text)["groups"]
    }
    assert loaded == made
    assert len(made) > 4
    assert [r["health"] for g in groups for r in g["rules"] if r["health"] == "err"] == []


def test_a_real_prometheus_refuses_a_broken_rule(tmp_path: pathlib.Path):
    folder = _undiscovered("prometheus", "shop", tmp_path / "files") / "prod/eu-west-1"
    health = folder / "place.health.rules.yaml"
    health.write_text(health.read_text().replace("max by (", "max bye (", 1))
    url = f"http://127.0.0.1:{watched_places.free_port()}"
    command = [
        optional.require_tool("prometheus"),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    with (
        pytest.raises(AssertionError, match="parse error"),
        watched_places.served(command, f"{url}/-/ready", tmp_path / "log"),
    ):
        pass
