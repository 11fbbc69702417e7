"""`telford import`: what it writes, what it refuses, what it says."""

import json
import os
import pathlib
import shutil

import pytest
from cli_runs import run

import optional

MANIFESTS = pathlib.Path(__file__).resolve().parents[1] / "golden" / "import-harbour" / "manifests"


@pytest.fixture
def manifests(tmp_path: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(shutil.copytree(MANIFESTS, tmp_path / "manifests"))


def _files(folder: pathlib.Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_import_writes_an_estate_that_checks(capsys, manifests, tmp_path):
    out = tmp_path / "estate"
    ran = run(capsys, "import", str(manifests), "--out", str(out))
    assert ran.code == 0
    assert {"people.yaml", "environments.yaml", "systems.yaml"} < _files(out).keys()
    assert "harbour/berths.yaml" in _files(out)
    assert run(capsys, "check", "--estate", str(out)).code == 0


def test_names_of_files_do_not_depend_on_the_machine(capsys, manifests, tmp_path):
    run(capsys, "import", str(manifests), "--out", str(tmp_path / "a"))
    everything = "".join(_files(tmp_path / "a").values())
    assert "# from manifests/berths.yaml:" in everything
    assert str(tmp_path) not in everything


def test_a_second_import_changes_nothing(capsys, manifests, tmp_path):
    run(capsys, "import", str(manifests), "--out", str(tmp_path / "a"))
    before = _files(tmp_path / "a")
    ran = run(capsys, "import", str(manifests), "--out", str(tmp_path / "a"), "--json")
    assert ran.code == 0
    assert ran.json["written"] == []
    assert _files(tmp_path / "a") == before


def test_a_dry_run_writes_nothing(capsys, manifests, tmp_path):
    ran = run(capsys, "import", str(manifests), "--out", str(tmp_path / "a"), "--dry-run")
    assert ran.code == 0
    assert "would write" in ran.out
    assert not (tmp_path / "a").exists()


def test_an_edited_file_is_not_overwritten_unless_forced(capsys, manifests, tmp_path):
    out = tmp_path / "a"
    run(capsys, "import", str(manifests), "--out", str(out))
    edited = out / "harbour" / "berths.yaml"
    edited.write_text(edited.read_text("utf-8") + "# mine\n", "utf-8")
    (out / "systems.yaml").unlink()
    ran = run(capsys, "import", str(manifests), "--out", str(out))
    assert ran.code == 1
    assert "harbour/berths.yaml" in ran.err
    # Nothing is half-applied.
    assert not (out / "systems.yaml").exists()
    assert run(capsys, "import", str(manifests), "--out", str(out), "--force").code == 0
    assert "# mine" not in edited.read_text("utf-8")


def test_a_foreign_file_in_the_way_is_not_overwritten(capsys, manifests, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "people.yaml").write_text("a: 1\n")
    ran = run(capsys, "import", str(manifests), "--out", str(tmp_path / "a"))
    assert ran.code == 1
    assert _files(tmp_path / "a") == {"people.yaml": "a: 1\n"}


def test_what_an_earlier_import_left_is_named(capsys, manifests, tmp_path):
    run(capsys, "import", str(manifests), "--out", str(tmp_path / "a"))
    (manifests / "rest.yaml").write_text("")
    ran = run(capsys, "import", str(manifests), "--out", str(tmp_path / "a"), "--json")
    assert "harbour/logbook.yaml" in ran.json["left"]


def test_the_report_names_the_fate_of_every_leaf(capsys, manifests, tmp_path):
    report = tmp_path / "deep" / "report.json"
    ran = run(
        *(capsys, "import", str(manifests), "--out", str(tmp_path / "a")),
        *("--report", str(report), "--json"),
    )
    written = json.loads(report.read_text("utf-8"))
    assert written["leaves"] == ran.json["report"]["leaves"]
    assert {leaf["status"] for leaf in written["leaves"]} == {"mapped", "carried", "dropped"}
    assert all(leaf["reason"] for leaf in written["leaves"] if leaf["status"] == "dropped")
    totals = sum(sum(counts.values()) for counts in written["totals"].values())
    assert totals == len(written["leaves"])


def test_no_value_of_a_secret_is_printed_or_written(capsys, manifests, tmp_path):
    report = tmp_path / "report.json"
    out = tmp_path / "a"
    ran = run(capsys, "import", str(manifests), "--out", str(out), "--report", str(report))
    said = ran.out + ran.err + report.read_text("utf-8") + "".join(_files(out).values())
    for secret in ("swordfish", "c3dvcmRmaXNo", "c2VjcmV0"):
        assert secret not in said
    assert "logbook (password, other)" in ran.out


def test_a_broken_file_is_reported_without_its_text_and_nothing_is_written(
    capsys, manifests, tmp_path
):
    """The offending line may hold a secret, so it is not quoted."""
    (manifests / "broken.yaml").write_text("kind: Secret\ndata: {password: 'hunter2\n")
    ran = run(capsys, "import", str(manifests), "--out", str(tmp_path / "a"))
    assert ran.code == 1
    assert "broken.yaml:" in ran.out
    assert "hunter2" not in ran.out + ran.err
    assert not (tmp_path / "a").exists()


def test_system_owner_and_environment_are_as_said(capsys, manifests, tmp_path):
    out = tmp_path / "a"
    chosen = ("--system", "Old Harbour", "--owner", "port-authority", "--environment", "prod")
    assert run(capsys, "import", str(manifests), "--out", str(out), *chosen).code == 0
    assert "name: old-harbour" in (out / "systems.yaml").read_text("utf-8")
    assert "name: prod" in (out / "environments.yaml").read_text("utf-8")
    assert "owner: team/port-authority" in (out / "old-harbour/tides.yaml").read_text("utf-8")
    # A label still goes before the default.
    assert "owner: team/quay-crew" in (out / "old-harbour/berths.yaml").read_text("utf-8")


def test_a_folder_without_manifests_is_no_import(capsys, tmp_path):
    (tmp_path / "empty").mkdir()
    assert run(capsys, "import", str(tmp_path / "empty")).code == 2
    assert run(capsys, "import", str(tmp_path / "nowhere")).code == 2
    (tmp_path / "empty" / "notes.yaml").write_text("a: 1\n")
    ran = run(capsys, "import", str(tmp_path / "empty"), "--out", str(tmp_path / "a"))
    assert "nothing to write" in ran.out
    assert not (tmp_path / "a").exists()


def test_an_estate_among_the_manifests_is_left_alone(capsys, manifests):
    """Importing again from a folder that holds the imported estate gives the same estate."""
    out = manifests / "estate"
    run(capsys, "import", str(manifests), "--out", str(out))
    before = _files(out)
    assert run(capsys, "import", str(manifests), "--out", str(out)).code == 0
    assert _files(out) == before


def test_what_was_rendered_is_what_a_build_is_compared_with(capsys, tmp_path, monkeypatch):
    """The patch of a kustomization is in the estate, and the base by itself is not asked for."""
    tool = pathlib.Path(optional.require_tool("kubectl"))
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    base, over = tmp_path / "in" / "base", tmp_path / "in" / "over"
    base.mkdir(parents=True)
    over.mkdir()
    (base / "kustomization.yaml").write_text("resources: [web.yaml]\n")
    (base / "web.yaml").write_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n"
        "  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n"
        "    spec: {containers: [{name: web, image: 'web:1'}]}\n"
    )
    (over / "kustomization.yaml").write_text(
        "resources: [../base]\nreplicas: [{name: web, count: 5}]\n"
    )
    out = str(tmp_path / "out")
    arguments = ("import", str(tmp_path / "in"), "--out", out, "--render", "kustomize", "--verify")
    ran = run(capsys, *arguments, "--json")
    assert ran.code == 0
    (compared,) = ran.json["verified"]["environments"].values()
    assert compared["objects"] == 1
    (text,) = (p.read_text("utf-8") for p in (tmp_path / "out").rglob("web.yaml"))
    assert "replicas: 5" in text
    assert "running: " in ran.err
