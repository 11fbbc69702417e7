"""A folder beside the estate: what was edited, what is missing and what is left over, and by whom."""

import json
import pathlib
import subprocess

import pytest
from drift_clusters import PLACES, desired, folder, objects

import optional
import quick_yaml as yaml
from telford.app import building, drift_folder, planning
from telford.app.desires import Scope
from telford.backends import files, git
from telford.basics.errors import RefusedError, UsageError
from telford.plan.drift import Cause, Drift, State

PLACE = Scope((), PLACES["shop"])
CATALOGUE = "kubernetes/prod/eu-west-1/shop/catalogue.yaml"


def compared(
    where: pathlib.Path, scope: Scope = PLACE, estate: pathlib.Path | None = None
) -> Drift:
    found = files.read([estate or folder("shop")])
    return drift_folder.of_folder(found, scope, where, lambda text: None)


@pytest.fixture
def built(tmp_path: pathlib.Path) -> pathlib.Path:
    """The shop, built for one place."""
    out = tmp_path / "out"
    building.carry_out(planning.plan(folder("shop"), out, PLACE))
    return out


def edit(file: pathlib.Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def run_git(where: pathlib.Path, *arguments: str, who: str = "ann") -> None:
    names = ["-c", f"user.name={who}", "-c", f"user.email={who}@example.com"]
    subprocess.run(
        [optional.require_tool("git"), "-C", str(where), *names, *arguments],
        check=True,
        capture_output=True,
    )


def test_what_was_just_built_is_no_drift(built: pathlib.Path):
    drift = compared(built)
    assert drift.items == ()
    assert drift.compared == drift.equal > 20


def test_another_layout_is_no_drift(built: pathlib.Path):
    file = built / CATALOGUE
    documents = list(yaml.safe_load_all(file.read_text()))
    file.write_text(
        "# mine\n" + yaml.safe_dump_all(documents, sort_keys=True, default_flow_style=True)
    )
    drift = compared(built)
    assert drift.items == ()
    assert drift.left["layout"] == 1


def test_an_edit_by_hand_is_named_field_by_field_with_its_author(built: pathlib.Path):
    run_git(built, "init", "-q")
    run_git(built, "add", "-A")
    run_git(built, "commit", "-qm", "Build")
    edit(built / CATALOGUE, "shop/catalogue:1.0.0", "shop/catalogue:6.6.6")
    (item,) = compared(built).items
    assert item.by == "somebody who has not committed it"
    run_git(built, "commit", "-qam", "Hotfix", who="bob")
    (item,) = compared(built).items
    assert (item.state, item.subject, item.by) == (State.DIFFERENT, CATALOGUE, "bob")
    assert item.at[:2] == "20"
    assert (item.owned.address, item.owned.team) == ("service/shop.catalogue", "team/storefront")
    (field,) = item.fields
    assert field.path == "Deployment/shop/catalogue spec.template.spec.containers[main].image"
    assert (field.found[-5:], field.wanted[-5:], field.cause) == ("6.6.6", "1.0.0", Cause.CHANGED)


def test_files_that_are_gone_or_left_over_are_told_and_others_are_nobodys_business(
    built: pathlib.Path,
):
    (built / CATALOGUE).unlink()
    (built / "README.md").write_text("mine")
    inventory = built / ".telford-inventory.json"
    data = json.loads(inventory.read_text())
    entry = next(iter(data["entries"].values()))
    data["entries"]["kubernetes/prod/eu-west-1/shop/old.yaml"] = {**entry, "place": PLACES["shop"]}
    data["entries"]["kubernetes/dev/shop/old.yaml"] = {**entry, "place": "dev"}
    inventory.write_text(json.dumps(data))
    for path in ("kubernetes/prod/eu-west-1/shop/old.yaml", "kubernetes/dev/shop/old.yaml"):
        (built / path).parent.mkdir(parents=True, exist_ok=True)
        (built / path).write_text("a: b\n")
    found = {item.subject: item.state for item in compared(built).items}
    assert found == {
        CATALOGUE: State.MISSING,
        "kubernetes/prod/eu-west-1/shop/old.yaml": State.EXTRA,
    }


def test_what_lies_there_as_it_was_built_and_the_estate_moved_on_is_behind(
    built: pathlib.Path, tmp_path: pathlib.Path
):
    moved = tmp_path / "estate"
    moved.mkdir()
    for file in folder("shop").glob("*.yaml"):
        (moved / file.name).write_text(
            file.read_text().replace("catalogue:1.0.0", "catalogue:2.0.0")
        )
    (item,) = [i for i in compared(built, estate=moved).items if i.subject == CATALOGUE]
    assert {field.cause for field in item.fields} == {Cause.BEHIND}
    assert "the estate has changed since" in item.detail


def test_a_folder_of_somebody_elses_manifests_is_compared_object_by_object(tmp_path: pathlib.Path):
    """No inventory: their files, names and order."""
    items = [item for item in objects(desired("shop")) if item["kind"] != "Namespace"]
    for item in items:
        item["metadata"] = {k: v for k, v in item["metadata"].items() if k != "annotations"}
        for mark in (
            "app.kubernetes.io/managed-by",
            "telford.dev/environment",
            "telford.dev/region",
        ):
            item["metadata"].get("labels", {}).pop(mark, None)
        item["metadata"].pop("namespace", None)
    service = next(i for i in items if i["kind"] == "Service")
    service["spec"]["ports"][0]["port"] += 1
    items.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}})
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(items))
    drift = compared(tmp_path)
    assert {(i.state, i.subject) for i in drift.items} == {
        (State.MISSING, "Namespace/shop"),
        (State.DIFFERENT, f"Service/shop/{service['metadata']['name']}"),
    }
    different = next(i for i in drift.items if i.state is State.DIFFERENT)
    assert [f.path.partition("[")[0] for f in different.fields] == ["spec.ports"] * len(
        different.fields
    )
    assert different.detail.endswith("all.yaml")
    assert drift.left["own-marks"] > 10


def test_a_file_that_is_no_yaml_is_told_and_the_others_are_compared(tmp_path: pathlib.Path):
    (tmp_path / "broken.yaml").write_text("a: [\n")
    drift = compared(tmp_path)
    assert "TEL703" in {d.code for d in drift.diagnostics}
    assert {item.state for item in drift.items} == {State.MISSING}


def test_a_folder_that_is_not_there_and_an_estate_with_errors_are_told(tmp_path: pathlib.Path):
    with pytest.raises(UsageError, match="there is no folder"):
        compared(tmp_path / "nowhere")
    (tmp_path / "estate.yaml").write_text("apiVersion: telford/v1\nkind: Service\nname: a\nx: 1\n")
    with pytest.raises((RefusedError, UsageError)):
        compared(tmp_path, estate=tmp_path)


def test_the_author_of_a_file_is_asked_without_running_what_a_repository_names(
    tmp_path: pathlib.Path,
):
    file = tmp_path / "a.txt"
    file.write_text("one\n")
    assert git.last_author(file) is None
    run_git(tmp_path, "init", "-q")
    assert git.last_author(file) is None or git.last_author(file) == git.Author()
    run_git(tmp_path, "config", "filter.evil.clean", f"touch {tmp_path}/ran")
    (tmp_path / ".gitattributes").write_text("")
    run_git(tmp_path, "add", "-A")
    run_git(tmp_path, "commit", "-qm", "One", who="carol")
    (tmp_path / ".gitattributes").write_text("* filter=evil\n")
    author = git.last_author(file)
    assert author is not None
    assert author.name == "carol"
    file.write_text("two\n")
    assert git.last_author(file) == git.Author()
    assert not (tmp_path / "ran").exists()


def test_a_build_remembers_the_objects_that_it_wrote(built: pathlib.Path):
    subjects = [one.item["kind"] for one in drift_folder.remembered(built, PLACE)]
    assert subjects.count("Deployment") >= 3
    assert {
        one.owned.address.partition("/")[0] for one in drift_folder.remembered(built, PLACE)
    } >= {"service"}
    assert list(drift_folder.remembered(built, Scope((), "dev"))) == []
    edit(built / CATALOGUE, "catalogue", "edited")
    after = [one.item["metadata"]["name"] for one in drift_folder.remembered(built, PLACE)]
    assert "edited" not in after
