"""`telford init`: a starter that checks clean, an offer where there are manifests, no overwriting."""

import pathlib
import shutil

from cli_runs import run

MANIFESTS = pathlib.Path(__file__).resolve().parents[1] / "golden" / "import-harbour" / "manifests"


def test_an_empty_folder_gets_an_estate_that_checks_clean(capsys, tmp_path):
    folder = tmp_path / "new"
    ran = run(capsys, "init", str(folder), "--json")
    assert ran.code == 0
    assert ran.json["written"] == sorted(path.name for path in folder.iterdir())
    checked = run(capsys, "check", "--estate", str(folder), "--json", "--no-cache")
    assert checked.code == 0
    assert checked.json["diagnostics"] == []


def test_the_starter_builds_in_every_environment(capsys, tmp_path):
    run(capsys, "init", str(tmp_path / "new"))
    for place in ("dev", "staging", "prod"):
        out = tmp_path / "out"
        built = run(
            *(capsys, "build", "--estate", str(tmp_path / "new")),
            *("--in", place, "--out", str(out)),
        )
        assert built.code == 0


def test_a_folder_with_other_things_gets_its_estate_in_a_folder_below(capsys, tmp_path):
    (tmp_path / "main.py").write_text("")
    assert run(capsys, "init", str(tmp_path)).code == 0
    assert (tmp_path / "estate" / "people.yaml").is_file()


def test_a_second_init_is_refused_and_changes_nothing(capsys, tmp_path):
    run(capsys, "init", str(tmp_path / "new"))
    before = {path: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    ran = run(capsys, "init", str(tmp_path / "new"))
    assert ran.code == 1
    assert "already" in ran.err
    assert {path: path.read_bytes() for path in (tmp_path / "new").iterdir()} == before


def test_a_file_in_the_way_is_not_overwritten(capsys, tmp_path):
    (tmp_path / "estate").mkdir()
    (tmp_path / "estate" / "people.yaml").write_text("mine: 1\n")
    assert run(capsys, "init", str(tmp_path)).code == 1
    assert (tmp_path / "estate" / "people.yaml").read_text() == "mine: 1\n"
    assert not (tmp_path / "estate" / "places.yaml").exists()


def test_manifests_are_offered_and_not_imported_where_nobody_can_be_asked(capsys, tmp_path):
    folder = pathlib.Path(shutil.copytree(MANIFESTS, tmp_path / "there"))
    ran = run(capsys, "init", str(folder))
    assert ran.code == 0
    assert "1 StatefulSet" in ran.out
    assert "--yes" in ran.out
    assert not (folder / "estate").exists()


def test_yes_imports_the_manifests(capsys, tmp_path):
    folder = pathlib.Path(shutil.copytree(MANIFESTS, tmp_path / "there"))
    assert run(capsys, "init", str(folder), "--yes", "--json").code == 0
    assert run(capsys, "check", "--estate", str(folder / "estate")).code == 0


def test_a_file_is_no_folder_to_start_in(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert run(capsys, "init", str(tmp_path / "file")).code == 2


def test_where_the_estate_is_that_is_there_already_is_said(capsys, tmp_path):
    inner = tmp_path / "examples" / "people.yaml"
    inner.parent.mkdir()
    inner.write_text("apiVersion: telford/v1\nkind: Team\nname: a\n")
    ran = run(capsys, "init", str(tmp_path))
    assert ran.code == 1
    assert "examples/people.yaml" in ran.err
