"""Real systems, imported and put on the road as they are: what watches them is accepted too."""

import json
import pathlib
import subprocess
from functools import cache

import pytest

import optional
import quick_yaml as yaml
from telford.app import importing, rendering
from telford.app.importing import Order
from telford.estate import loading, overlays
from telford.estate.model import Estate
from telford.render import artifacts, registry

# Folder -> places, and how many workloads there are at least in each.
SYSTEMS = {
    "online-boutique/release/kubernetes-manifests.yaml": (1, 12),
    "govuk": (3, 200),
}


@cache
def _estate(folder: str) -> Estate:
    """As it is imported, but paved: otherwise nothing is made for it."""
    order = Order((optional.real_estates() / folder,), recognised=True)
    answer = importing.run(order, pathlib.Path("nowhere"), dry_run=True)
    files = {
        name: text.replace("road: as-found", "road: paved") for name, text in answer.files.items()
    }
    loaded = loading.load(files)
    assert [d for d in loaded.diagnostics if d.severity == "error"] == []
    return loaded.estate


def _written(folder: str, target: str, out: pathlib.Path) -> list[pathlib.Path]:
    estate = _estate(folder)
    one = registry.BY_NAME[target]
    world = rendering.world(estate, overlays.places(estate), [one])
    made = artifacts.joined([one.everywhere(world), *map(one.in_place, world.scenes)])
    paths = []
    for artifact in made.artifacts():
        path = out / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(artifact.text, encoding="utf-8")
        paths.append(path)
    return paths


def _said(tool: str, *arguments: object) -> str:
    command = [optional.require_tool(tool), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.proves(
    "prometheus",
    tool="promtool check rules",
    shows="the alerts on what runs of online-boutique and govuk, in each environment",
)
@pytest.mark.parametrize("folder", SYSTEMS)
def test_alerts_on_a_real_system_are_well_formed(folder: str, tmp_path: pathlib.Path):
    places, least = SYSTEMS[folder]
    rules = [p for p in _written(folder, "prometheus", tmp_path) if p.name.endswith("rules.yaml")]
    assert _said("promtool", "check", "rules", *rules).count("SUCCESS") == places == len(rules)
    for path in rules:
        known = yaml.safe_load(path.read_text())["groups"][0]["rules"]
        assert sum(rule["record"] == "workload:info" for rule in known) >= least


@pytest.mark.proves(
    "alertmanager",
    tool="amtool check-config",
    shows="the routes of online-boutique and govuk, in each environment",
)
@pytest.mark.parametrize("folder", SYSTEMS)
def test_routes_of_a_real_system_are_accepted(folder: str, tmp_path: pathlib.Path):
    places, _ = SYSTEMS[folder]
    written = _written(folder, "alertmanager", tmp_path)
    found = [path for path in written if path.name == "alertmanager.yaml"]
    assert len(found) == places
    assert _said("amtool", "check-config", *found).count("SUCCESS") == 2 * places


@pytest.mark.proves(
    "grafana",
    tool="the types of @grafana/schema",
    shows="the dashboards of online-boutique and govuk",
)
@pytest.mark.parametrize("folder", SYSTEMS)
def test_dashboards_of_a_real_system_are_of_grafanas_types(folder: str, tmp_path: pathlib.Path):
    _, least = SYSTEMS[folder]
    written = [p for p in _written(folder, "grafana", tmp_path) if p.suffix == ".json"]
    assert len(written) >= least
    assert len({json.loads(path.read_text())["uid"] for path in written}) == len(written)
    # All are of four forms; the compiler takes its time for each.
    _said("check-dashboards", *written[:: len(written) // 10])


def test_nobody_owns_what_was_imported_and_that_is_said():
    """There is a team without any contact: its alerts would reach nobody."""
    estate = _estate("online-boutique/release/kubernetes-manifests.yaml")
    one = registry.BY_NAME["alertmanager"]
    (scene,) = rendering.world(estate, overlays.places(estate), [one]).scenes
    assert "TEL591" in {d.code for d in one.in_place(scene).diagnostics}
