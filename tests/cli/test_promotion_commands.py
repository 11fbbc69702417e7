"""`telford set`, `quarantine`, `promotions` and `gitops` on an estate in a repository."""

import dataclasses
import pathlib

import pytest
from cli_runs import run

import bare_git
import bindings
import git_estates
import stores
from telford.basics.clock import SystemClock
from telford.deliver.contents import Contents
from telford.store.store import Store
from telford.store.versions import Version
from telford.testing.place import a_workload

SERVICE = "service/shop.orders"
OLD, NEW = (f"registry.example.com/orders:1.{n}.0@sha256:{d * 64}" for n, d in ((0, "a"), (1, "b")))
SERVICES = {"orders": f"run:\n  image: {OLD}  # by digest"}


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A clone of a bare repository with the estate in `estate`."""
    origin = tmp_path / "origin.git"
    text = git_estates.shop(("staging", "prod"), SERVICES, url=str(origin))
    bare_git.bare(origin, {"estate/shop.yaml": text})
    bare_git.git("clone", "--quiet", str(origin), str(tmp_path / "work"))
    for key, value in {"AUTHOR": "ann", "COMMITTER": "ann"}.items():
        monkeypatch.setenv(f"GIT_{key}_NAME", value)
        monkeypatch.setenv(f"GIT_{key}_EMAIL", "ann@example.com")
    monkeypatch.setenv("TELFORD_STATE", str(tmp_path / "state"))
    return tmp_path / "work" / "estate"


def _bound(folder: pathlib.Path, place: str, version: str, image: str) -> None:
    state = folder.parents[1] / "state"
    state.mkdir(exist_ok=True)
    file = state / "store.db"
    url = f"sqlite:///{file}" if file.exists() else stores.fresh(file)
    store = Store(url, SystemClock())
    contents = Contents(SERVICE, version, image, "base")
    with store.writing() as writing:
        store.versions.record(writing, Version(SERVICE, contents.digest, version, image, 1.0))
    generation = bindings.following(store, place, SERVICE)
    workload = a_workload("orders", version, generation=generation)
    bindings.bind(store, place, SERVICE, workload, digest=contents.digest)
    store.close()


def test_set_writes_one_place_and_keeps_comments(
    folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--estate", str(folder))
    shown = run(capsys, "set", SERVICE, f"run.image={NEW}", "--in", "prod", "--dry-run", *where)
    assert shown.code == 0
    assert f"+      image: {NEW}" in shown.out
    assert NEW not in (folder / "shop.yaml").read_text()
    done = run(
        capsys, "set", SERVICE, f"run.image={NEW}", "run.replicas=3", "--in", "prod",
        "--commit", "--reason", "ready", "--json", *where,
    )  # fmt: skip
    assert done.code == 0, done.err
    text = (folder / "shop.yaml").read_text()
    assert f"image: {OLD}  # by digest" in text
    assert "replicas: 3" in text
    message = bare_git.git("-C", str(folder), "log", "-1", "--format=%B")
    assert message.splitlines()[0] == f"Set run.image, run.replicas of {SERVICE} in prod"
    assert "ready" in message
    assert done.json["commit"] == bare_git.git("-C", str(folder), "rev-parse", "HEAD").strip()


def test_set_leaves_what_else_is_staged_alone(
    folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "other.txt").write_text("mine")
    bare_git.git("-C", str(folder), "add", "other.txt")
    hook = folder.parent / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\ntouch hooked\nexit 1\n")
    hook.chmod(0o755)
    ran = run(capsys, "set", SERVICE, "tier=1", "--commit", "--estate", str(folder))
    assert ran.code == 0, ran.err
    names = bare_git.git("-C", str(folder), "show", "--name-only", "--format=", "HEAD").split()
    assert names == ["estate/shop.yaml"]
    assert not list(folder.parent.rglob("hooked"))


def test_a_quarantined_image_cannot_be_set_back(
    folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--estate", str(folder))
    listed = f"quarantine=[{{image: '{NEW}', reason: 'twice the errors'}}]"
    assert run(capsys, "set", SERVICE, listed, "--in", "prod", *where).code == 0
    again = run(capsys, "set", SERVICE, f"run.image={NEW}", "--in", "prod", *where)
    assert again.code == 1
    assert "quarantined here: twice the errors" in again.err
    assert run(capsys, "set", SERVICE, f"run.image={NEW}", "--in", "staging", *where).code == 0


def test_set_asks_for_a_change_once(
    folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("set", SERVICE, f"run.image={NEW}", "--in", "prod", "--request", "--json")
    first = run(capsys, *asked, "--estate", str(folder))
    assert first.code == 0, first.err
    again = run(capsys, *asked, "--estate", str(folder))
    assert first.json["request"] == again.json["request"]
    origin = folder.parents[1] / "origin.git"
    assert NEW in bare_git.checkout(origin, first.json["request"])["estate/shop.yaml"]
    assert NEW not in bare_git.checkout(origin)["estate/shop.yaml"]
    assert NEW not in (folder / "shop.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run.image",), "sets nothing"),
        (("run.image=[",), "no value of YAML"),
        (("run.image=a:1", "--in", "nowhere"), "there is no place"),
        (("run.imaeg=a:1",), "would have an error"),
        (("tier=1", "--commit", "--request"), "not both"),
    ],
)
def test_what_cannot_be_set_says_why(
    folder: pathlib.Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    before = (folder / "shop.yaml").read_text()
    ran = run(capsys, "set", SERVICE, *arguments, "--estate", str(folder))
    assert ran.code in (1, 2)
    assert says in ran.err
    assert "Traceback" not in ran.err
    assert (folder / "shop.yaml").read_text() == before


def test_promotions_and_quarantines_by_hand(
    folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--estate", str(folder))
    _bound(folder, "staging", "1.1.0", NEW)
    _bound(folder, "prod", "1.0.0", OLD)
    said = run(capsys, "promotions", *where)
    assert "1.1.0 from staging may come now" in said.out
    kept = run(
        capsys, "quarantine", "add", "orders", "--version", "1.1.0", "--in", "prod",
        "--reason", "leaks memory", "--json", *where,
    )  # fmt: skip
    assert kept.code == 0, kept.err
    [row] = run(capsys, "promotions", "orders", "--json", *where).json["promotions"]
    prod = next(one for one in row["places"] if one["place"] == "prod")
    assert not prod["next"]["open"]
    assert "leaks memory" in prod["next"]["why"][0]
    assert "leaks memory" in run(capsys, "quarantine", "list", *where).out
    [made] = kept.json["quarantines"]
    bad = run(capsys, "quarantine", "lift", made["id"], *where)
    assert (bad.code, "say why" in bad.err) == (2, True)
    good = run(capsys, "quarantine", "lift", made["id"], "--reason", "was the host", *where)
    assert good.code == 0
    assert run(capsys, "quarantine", "list", "--json", *where).json["quarantines"] == []
    status = run(capsys, "status", "--in", "prod", "--json", *where).json
    assert (status["git"], status["quarantined"]) == ({"behind_since": None, "owed": []}, [])


def test_git_is_kept_by_a_process_of_its_own(
    folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--estate", str(folder), "--in", "prod")
    _bound(folder, "prod", "1.1.0", NEW)
    origin = folder.parents[1] / "origin.git"
    away = origin.rename(folder.parents[1] / "away.git")
    ran = run(capsys, "gitops", "--once", *where)
    assert ran.code == 3
    assert "Git is behind the cluster since" in run(capsys, "status", *where).out
    away.rename(origin)
    store = Store(f"sqlite:///{folder.parents[1]}/state/store.db", SystemClock())
    [owed] = store.git_changes.open("prod")
    lease = store.leases.take("prod", "test", 3.0, gone=lambda other: True)
    with store.writing(lease) as writing:  # do not wait for its turn
        store.git_changes.save(writing, dataclasses.replace(owed, next_at=0.0))
    store.close()
    done = run(capsys, "gitops", "--once", "--json", *where)
    assert (done.code, done.json["behind_since"]) == (0, None), done.err
    assert NEW in bare_git.checkout(origin)["deploy/kubernetes/prod/shop/orders.yaml"]
    none = run(capsys, "gitops", "--once", "--in", "nowhere", "--estate", str(folder))
    assert none.code == 2
