"""`telford adopt`: what each capability would change, by plan, on imported systems."""

import json
import pathlib
from typing import Any

import pytest
from cli_runs import run

from optional import real_estates
from telford.basics import yamltext
from telford.road import patch

ESTATE = """\
apiVersion: telford/v1
kind: Environment
name: prod
production: true
---
apiVersion: telford/v1
kind: Team
name: a
---
apiVersion: telford/v1
kind: System
name: shop
owner: a
---
apiVersion: telford/v1
kind: Service
name: orders  # ours since 2019
system: shop
owner: a
road: as-found
labels: {app: orders}
run:
  image: orders:1
  ports: [{port: 8080}]
"""
CARRIED = """\
carried:
  - object: Deployment/orders
    patch:
      spec:
        template:
          spec:
            containers:
              - name: orders
                securityContext: {allowPrivilegeEscalation: true}
"""


@pytest.fixture
def estate(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "estate").mkdir()
    (tmp_path / "estate" / "all.yaml").write_text(ESTATE)
    return tmp_path / "estate"


def objects(folder: pathlib.Path) -> dict[str, Any]:
    """Every leaf of every object of a build, by file, object and path."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*.yaml")):
        nodes, _ = yamltext.read(path.read_text(), path.name)
        for node in nodes:
            item: Any = yamltext.plain(node)
            name = f"{path.stem}:{item['kind']}/{item['metadata']['name']}"
            for leaf, value in patch.leaves(item):
                found[f"{name} {'.'.join(map(str, leaf))}"] = value
    return found


def build(
    capsys: pytest.CaptureFixture[str], estate: pathlib.Path, out: pathlib.Path
) -> dict[str, Any]:
    command = ("build", "--estate", str(estate), "--out", str(out), "--target", "kubernetes")
    assert run(capsys, *command).code == 0
    return objects(out)


def test_one_capability_changes_exactly_its_fields_of_an_imported_system(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Import online-boutique, adopt one capability, build: those fields, and no other leaf."""
    estate, out = tmp_path / "estate", tmp_path / "out"
    source = real_estates() / "online-boutique"
    assert run(capsys, "import", str(source), "--out", str(estate)).code == 0
    before = build(capsys, estate, out)
    asked = ("adopt", "service/cartservice", "rollout", "--estate", str(estate))
    plan = run(capsys, *asked, "--json").json
    assert plan["written"] == []
    assert build(capsys, estate, out) == before
    assert run(capsys, *asked, "--yes").code == 0
    after = build(capsys, estate, out)
    where = "cartservice:Deployment/cartservice spec"
    assert {key: after[key] for key in after if key not in before} == {
        f"{where}.revisionHistoryLimit": 3,
        f"{where}.strategy.type": "RollingUpdate",
        f"{where}.strategy.rollingUpdate.maxUnavailable": 0,
        f"{where}.strategy.rollingUpdate.maxSurge": 1,
    }
    assert {key: before[key] for key in before if after.get(key) != before[key]} == {}
    assert [field["path"] for field in plan["changes"][0]["fields"]] == [
        "Deployment/cartservice spec.revisionHistoryLimit",
        "Deployment/cartservice spec.strategy",
    ]
    again = run(capsys, *asked, "--yes")
    assert "has adopted that already" in again.out
    assert run(capsys, "import", str(source), "--out", str(estate)).code == 0
    assert build(capsys, estate, out) == after


def test_without_a_yes_nothing_is_written(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = run(capsys, "adopt", "service/orders", "probes", "--estate", str(estate))
    assert "+adopted:" in ran.out
    assert "a build would then change:" in ran.out
    assert "readinessProbe: + {httpGet: {path: /healthz, port: 8080}" in ran.out
    assert "nothing was written" in ran.out
    assert (estate / "all.yaml").read_text() == ESTATE


def test_the_list_says_what_each_would_change(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = run(capsys, "adopt", "service/orders", "--json", "--estate", str(estate))
    offered = {one["capability"]: one for one in ran.json["capabilities"]}
    assert "jobs" not in offered
    (change,) = offered["replicas"]["changes"]
    assert change["path"] == "kubernetes/prod/shop/orders.yaml"
    assert change["fields"] == [
        {"path": "Deployment/orders spec.replicas", "old": None, "new": "2"}
    ]
    said = run(capsys, "adopt", "service/orders", "--estate", str(estate)).out
    assert "spread: replicas spread over zones and machines (nothing to add)" in said


def test_the_last_capability_is_the_road(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    """All of them together are `road: paved`, the selector and the container's name kept."""
    build(capsys, estate, tmp_path / "out")
    listed = run(capsys, "adopt", "service/orders", "--json", "--estate", str(estate)).json
    names = [one["capability"] for one in listed["capabilities"]]
    ran = run(capsys, "adopt", "service/orders", *names, "--yes", "--estate", str(estate))
    assert "is then on the road: road: paved" in ran.out
    text = (estate / "all.yaml").read_text()
    assert "road: paved" in text
    assert "name: orders  # ours since 2019" in text
    assert "adopted" not in text
    made = build(capsys, estate, tmp_path / "out")
    where = "orders:Deployment/orders spec"
    assert made[f"{where}.selector.matchLabels.app"] == "orders"
    assert made[f"{where}.template.spec.containers.0.name"] == "orders"
    assert run(capsys, "adopt", "service/orders", "--estate", str(estate)).code == 2


def test_what_is_carried_and_says_otherwise_is_named(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (estate / "all.yaml").write_text(ESTATE + CARRIED)
    asked = ("adopt", "service/orders", "security", "--yes", "--estate", str(estate))
    ran = run(capsys, *asked)
    assert ran.code == 1
    assert "`carried` says True at spec.template.spec.containers.name=orders" in ran.err
    assert "all.yaml:33:61" in ran.err
    listed = run(capsys, "adopt", "service/orders", "--json", "--estate", str(estate)).json
    refused = {one["capability"]: one["refused"] for one in listed["capabilities"]}
    assert refused["security"] is not None
    assert refused["probes"] is None


def test_what_is_carried_keeps_a_thing_off_the_road_to_the_end(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With everything adopted it stays as-found: the road gives nothing carried back."""
    carried = CARRIED.replace("securityContext: {allowPrivilegeEscalation: true}", "tty: true")
    (estate / "all.yaml").write_text(ESTATE + carried)
    listed = run(capsys, "adopt", "service/orders", "--json", "--estate", str(estate)).json
    names = [one["capability"] for one in listed["capabilities"]]
    ran = run(capsys, "adopt", "service/orders", *names, "--json", "--yes", "--estate", str(estate))
    assert json.loads(ran.out)["paved"] is False
    assert "road: as-found" in (estate / "all.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["team/a"], "a Team adopts nothing"),
        (["service/none"], "nothing has the address"),
        (["service/orders", "jobs"], "jobs is not for a Deployment"),
        (["service/orders", "wings"], "there is no capability wings"),
    ],
)
def test_a_wrong_question_is_answered_with_what_there_is(
    estate: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    ran = run(capsys, "adopt", *arguments, "--estate", str(estate))
    assert (ran.code, said in ran.err, "fix:" in ran.err) == (2, True, True)
