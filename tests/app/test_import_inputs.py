"""An import reads what it is given and what its readers ask for, and nothing outside of it."""

import pathlib

import pytest

from telford.app import importing, inputs
from telford.app.importing import Order, UndecidedError
from telford.basics.diagnostics import Position
from telford.basics.errors import UsageError
from telford.intake import routing
from telford.intake.format import Format, Needs, Sources, Wanted
from telford.intake.imported import Imported, Options, Report

HERE = Position("a.yaml", 1, 1)
POD = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  template:\n    spec:\n      containers: [{{name: c, image: {image}}}]\n"


def deployment(name: str, image: str = "i:1") -> str:
    return POD.format(name=name, image=image)


def asker(*paths: str, folder: bool = False) -> Format:
    """A format whose reader wants some files, and notes what it was given."""

    def read(sources: Sources, options: Options) -> Imported | Needs:
        lacking = [path for path in paths if sources.lacks(path)]
        if lacking:
            return Needs(tuple(Wanted(path, HERE, folder) for path in lacking))
        given = {path: sources.texts.get(path, "") for path in sources.texts}
        return Imported(
            (),
            Report(
                objects={"|".join(sorted(given)): 1},
                comments={path: len(reason) for path, reason in sources.unreadable.items()},
            ),
            (),
        )

    return Format("asker", "asker", (".txt",), lambda path, text: True, read)


def nothing(*_: object) -> tuple[None, str]:
    return None, "no"


def ask(one: Format, folder: pathlib.Path) -> Report:
    read = inputs.read([folder])
    return inputs.gather(one, {}, read, Options(), nothing).report


@pytest.mark.parametrize(
    "path",
    [
        "../outside.txt",
        "/etc/passwd",
        "in/../../outside.txt",
        "https://example.com/x",
        "in/link.txt",
    ],
)
def test_what_lies_outside_is_not_read(tmp_path, path):
    (tmp_path / "outside.txt").write_text("secret")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.txt").symlink_to(tmp_path / "outside.txt")
    report = ask(asker(path), tmp_path / "in")
    assert report.objects == {"": 1}
    assert report.comments[path] > 5


def test_a_file_beside_is_read_even_where_no_walk_would_find_it(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / ".env").write_text("A=1")
    assert ask(asker("in/.env"), tmp_path / "in").objects == {"in/.env": 1}


def test_a_folder_is_given_file_by_file(tmp_path):
    (tmp_path / "in" / "m").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "c.bin"):
        (tmp_path / "in" / "m" / name).write_text("x")
    report = ask(asker("in/m", folder=True), tmp_path / "in")
    assert report.objects == {"in/m/a.txt|in/m/b.txt": 1}
    assert report.comments == {"in/m": 0}


def test_a_reader_that_always_wants_more_gets_an_end(tmp_path):
    def read(sources: Sources, options: Options) -> Imported | Needs:
        if "nothing else" in sources.unreadable.values() or len(sources.unreadable) < 60:
            return Needs((Wanted(f"in/{len(sources.unreadable)}", HERE),))
        return Imported((), Report(), ())

    one = Format("endless", "endless", (".txt",), lambda path, text: True, read)
    (tmp_path / "in").mkdir()
    assert (
        inputs.gather(one, {}, inputs.read([tmp_path / "in"]), Options(), nothing).documents == ()
    )


def test_environments_that_names_tell_are_asked_about(tmp_path):
    for name in ("production", "staging"):
        (tmp_path / f"{name}.yaml").write_text(deployment("web", f"web:{name}"))
    with pytest.raises(UndecidedError) as error:
        importing.run(Order((tmp_path,)), tmp_path / "out")
    assert [p.environment for p in error.value.recognition.proposals] == ["staging", "production"]
    assert not (tmp_path / "out").exists()
    answer = importing.run(Order((tmp_path,), recognised=True), tmp_path / "out")
    assert answer.ok
    (text,) = (text for name, text in answer.files.items() if name.endswith("web.yaml"))
    assert "image: web:staging" in text
    assert "production:" in text


def test_said_to_be_one_environment_they_are(tmp_path):
    for name in ("production", "staging"):
        (tmp_path / f"{name}.yaml").write_text(deployment(name))
    answer = importing.run(Order((tmp_path,), recognised=False), tmp_path / "out")
    assert {"production.yaml", "staging.yaml"} <= {pathlib.Path(n).name for n in answer.files}


def test_paths_assigned_to_environments_are_theirs_and_the_rest_is_everybodys(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.yaml").write_text(deployment("web" if name != "c" else "all", name))
    order = Order(
        (tmp_path / "c.yaml",),
        assigned={"blue": (tmp_path / "a.yaml",), "green": (tmp_path / "b.yaml",)},
    )
    answer = importing.run(order, tmp_path / "out")
    assert answer.ok
    texts = {pathlib.Path(name).name: text for name, text in answer.files.items()}
    assert "in:" in texts["web.yaml"]
    assert "in:" not in texts["all.yaml"]


def test_a_folder_without_anything_is_refused(tmp_path):
    with pytest.raises(UsageError):
        importing.run(Order((tmp_path,)), tmp_path / "out")


def test_the_owner_of_a_file_owns_what_it_describes(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "web.yaml").write_text(deployment("web"))
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "CODEOWNERS").write_text("/shop/ @org/merchants\n")
    answer = importing.run(Order((tmp_path,)), tmp_path / "out")
    assert "owner: team/merchants" in "".join(answer.files.values())


def test_documents_of_one_file_go_to_their_own_readers():
    mixed = "a: 1\n---\nkind: X\n---\nb: 2\n"
    first = Format("one", "one", (".yaml",), lambda p, t: "a: 1" in t, asker().read)
    second = Format("two", "two", (".yaml",), lambda p, t: "b: 2" in t, asker().read)
    routed = routing.route({"m.yaml": mixed}, (first, second))
    assert routed.texts["one"]["m.yaml"] == "a: 1\n\n\n\n\n"
    assert routed.texts["two"]["m.yaml"] == "\n\n\n---\nb: 2\n"
    assert not routed.unknown


def test_what_nobody_claims_of_a_known_file_goes_to_the_reader_that_reports_it():
    first = Format("one", "one", (".yaml",), lambda p, t: "a: 1" in t, asker().read)
    general = Format("g", "g", (".yaml",), lambda p, t: "kind" in t, asker().read, general=True)
    routed = routing.route({"m.yaml": "a: 1\n---\nx: 2\n", "n.yaml": "y: 1\n"}, (first, general))
    assert routed.texts["g"] == {"m.yaml": "\n---\nx: 2\n"}
    assert routed.unknown == ["n.yaml"]


def test_a_list_of_owners_behind_a_link_that_leads_out_is_not_read(tmp_path: pathlib.Path):
    inside = tmp_path / "repo" / ".github"
    inside.mkdir(parents=True)
    (tmp_path / "owners").write_text("* @acme/elsewhere\n")
    (inside / "CODEOWNERS").symlink_to(tmp_path / "owners")
    (tmp_path / "repo" / "compose.yaml").write_text("services: {}\n")
    assert list(inputs.read([tmp_path / "repo"]).texts) == ["repo/compose.yaml"]
