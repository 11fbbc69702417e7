"""`telford confirm`: facts listed, confirmed, refused, and kept by the next import."""

import pathlib

import pytest
from cli_runs import run

from telford.cli import confirm
from telford.estate import graph, loading
from telford.intake import emission

MANIFESTS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, labels: {app: orders}}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec:
      containers:
        - name: orders
          image: orders:1
          env:
            - {name: STOCK_URL, value: "http://stock:80"}
            - {name: MAIL_URL, value: "http://mail:80"}
"""
CALLED = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: {name}, image: "{name}:1"}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}
"""


@pytest.fixture
def estate(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> pathlib.Path:
    """An imported estate in which orders uses stock and mail, as far as one can tell."""
    source = tmp_path / "shop"
    source.mkdir()
    text = MANIFESTS + CALLED.format(name="stock") + CALLED.format(name="mail")
    (source / "all.yaml").write_text(text)
    assert run(capsys, "import", str(source), "--out", str(tmp_path / "estate")).code == 0
    return tmp_path / "estate"


def edges(folder: pathlib.Path) -> dict[str, bool]:
    texts = {str(path): path.read_text() for path in folder.rglob("*.yaml")}
    found = graph.Graph(loading.load(texts).estate)
    return {edge.target.rpartition(".")[2]: edge.policed for edge in found.edges}


def test_facts_are_listed_with_their_source(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = run(capsys, "confirm", "--json", "--estate", str(estate))
    facts = [(f["address"], f["what"], f["state"]) for f in ran.json["facts"]]
    assert facts == [
        ("service/shop.orders", "service/shop.stock", "open"),
        ("service/shop.orders", "service/shop.mail", "open"),
    ]
    assert ran.json["facts"][0]["from"] == "env STOCK_URL in shop/all.yaml:13"
    assert "2 inferred, 2 of all" in run(capsys, "confirm", "--estate", str(estate)).out


def test_a_dry_run_shows_the_lines_and_writes_nothing(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_text() for path in estate.rglob("*.yaml")}
    ran = run(capsys, "confirm", "orders", "stock", "--dry-run", "--estate", str(estate))
    assert "+    confirmed: true" in ran.out
    assert "would confirm service/shop.orders -> service/shop.stock" in ran.out
    assert before == {path: path.read_text() for path in estate.rglob("*.yaml")}


def test_confirmed_and_refused_facts_outlive_the_next_import(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One is policed from now on, the other is no edge and does not come back."""
    assert edges(estate) == {"stock": False, "mail": False}
    folder = ("--estate", str(estate))
    assert run(capsys, "confirm", "service/orders", "service/stock", *folder).code == 0
    ran = run(capsys, "confirm", "service/orders", "mail", "--refuse", *folder)
    assert "refused service/shop.orders -> service/shop.mail" in ran.out
    assert edges(estate) == {"stock": True}
    assert all(emission.untouched(path.read_text()) for path in estate.rglob("*.yaml"))
    source = str(estate.parent / "shop")
    assert run(capsys, "import", source, "--out", str(estate)).code == 0
    assert edges(estate) == {"stock": True}
    states = run(capsys, "confirm", "--json", *folder).json["facts"]
    assert [fact["state"] for fact in states] == ["confirmed", "refused"]
    assert run(capsys, "check", "--estate", str(estate)).code == 0


def test_a_file_that_somebody_edited_stays_theirs(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Comments and order stay, and the next import refuses as before."""
    path = next(path for path in estate.rglob("orders.yaml"))
    path.write_text(path.read_text() + "# mine\n")
    run(capsys, "confirm", "orders", "stock", "--estate", str(estate))
    text = path.read_text()
    assert text.endswith("# mine\n")
    assert "confirmed: true" in text
    assert not emission.untouched(text)


def test_several_are_settled_by_pattern_or_by_answers(
    estate: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran = run(capsys, "confirm", "service/shop.*", "--estate", str(estate))
    assert (ran.code, "nobody to ask" in ran.err) == (2, True)
    monkeypatch.setattr(confirm.sys.stdin, "isatty", lambda: True, raising=False)
    answers = iter(["x", "y", "n"])
    monkeypatch.setattr(confirm.typer, "prompt", lambda *_, **__: next(answers))
    ran = run(capsys, "confirm", "service/shop.*", "--estate", str(estate))
    assert edges(estate) == {"stock": True}
    ran = run(capsys, "confirm", "*", "--yes", "--json", "--estate", str(estate))
    assert [found["what"] for found in ran.json["confirmed"]] == ["service/shop.mail"]
    assert edges(estate) == {"stock": True, "mail": True}
    ran = run(capsys, "confirm", "*", "--yes", "--estate", str(estate))
    assert (ran.code, "nothing to change" in ran.out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["service/nothing"], "nothing of service/nothing was inferred"),
        (["service/orders", "service/other"], "has no inferred service/other"),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_ones(
    estate: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    ran = run(capsys, "confirm", *arguments, "--estate", str(estate))
    assert (ran.code, said in ran.err, "fix:" in ran.err) == (2, True, True)


def test_a_team_from_a_label_is_refused_once_and_for_all(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it owned is nobody's, and stays so when the label is read again."""
    (tmp_path / "shop").mkdir()
    labelled = MANIFESTS.replace("labels: {app: orders}}\nspec", "labels: {team: old}}\nspec")
    (tmp_path / "shop" / "all.yaml").write_text(labelled)
    source, out = str(tmp_path / "shop"), tmp_path / "estate"
    assert run(capsys, "import", source, "--out", str(out)).code == 0
    asked = ("confirm", "team/old", "--refuse", "--yes", "--estate", str(out))
    assert run(capsys, *asked).code == 0

    def owner() -> str | None:
        texts = {str(path): path.read_text() for path in out.rglob("*.yaml")}
        estate = loading.load(texts).estate
        assert "team/unassigned" in estate.entities
        return next(estate.of_kind("Service")).spec.owner

    assert owner() == "team/unassigned"
    assert run(capsys, "import", source, "--out", str(out)).code == 0
    assert owner() == "team/unassigned"
    assert run(capsys, *asked).out.strip() == "nothing to change"
