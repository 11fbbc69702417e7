"""Objectives on the services of real systems: their rules and generated tests pass promtool."""

import pathlib
import subprocess

import pytest
import rendered

import optional
from telford.app import importing
from telford.app.importing import Order
from telford.estate import loading, overlays

# Proving an objective costs promtool about a second; every rule file is checked, some are proven.
PROVEN = 3

PROMISE = """\
apiVersion: telford/v1
kind: Objective
name: {name}-availability
system: {system}
owner: team/unassigned
service: {name}
target: 99.5%
sli: {{availability: {{}}}}
"""


def _promises(files: dict[str, str]) -> str:
    """One availability objective for each service of an imported estate."""
    estate = loading.load(files).estate
    return "---\n".join(
        PROMISE.format(name=entity.spec.name, system=entity.spec.system)
        for entity in estate.of_kind("Service")
    )


def _promtool(*arguments: object) -> str:
    done = subprocess.run(
        [optional.require_tool("promtool"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.proves(
    "prometheus",
    tool="promtool check rules, promtool test rules",
    shows="objectives on the services of online-boutique and bank-of-anthos pass",
)
@pytest.mark.parametrize(
    ("folder", "services"),
    [("online-boutique/release/kubernetes-manifests.yaml", 11), ("bank-of-anthos", 7)],
)
def test_the_rules_of_a_real_system_and_their_tests_pass_promtool(
    folder: str, services: int, tmp_path: pathlib.Path
):
    source = optional.real_estates() / folder
    answer = importing.run(Order((source,)), tmp_path / "out", dry_run=True)
    files = {**answer.files, "promises.yaml": _promises(answer.files)}
    loaded = loading.load(files)
    assert [d for d in loaded.diagnostics if d.severity == "error"] == []
    place = overlays.places(loaded.estate)[-1]
    result = rendered.in_place(overlays.bind(loaded.estate, place), "prometheus")
    for artifact in result.artifacts():
        path = tmp_path / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(artifact.text, encoding="utf-8")
    rules = sorted(tmp_path.rglob("*.rules.yaml"))
    tests = sorted(path for path in tmp_path.rglob("*.test.yaml") if ".slow." not in path.name)
    assert len(rules) == len(tests) == services
    assert _promtool("check", "rules", *rules).count("SUCCESS") == services
    assert _promtool("test", "rules", *tests[:PROVEN]).count("SUCCESS") == PROVEN
