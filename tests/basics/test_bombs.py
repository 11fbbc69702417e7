"""What is made to hang, crash or fill the memory is a diagnostic: at the door, and in the YAML."""

import os
import pathlib
import resource
import socket
import subprocess
import sys

import pytest

from telford.app import loading
from telford.backends import files
from telford.basics import yamltext
from telford.basics.errors import UsageError
from telford.estate import kept, overlays
from telford.estate import loading as estates
from telford.rules import rule

HEAD = "apiVersion: telford/v1\nkind: Service\nname: orders\nowner: team/shop\n"
TEAM = "apiVersion: telford/v1\nkind: Team\nname: shop\n---\n"


def bomb(levels: int, width: int = 10) -> str:
    """A text of a few lines that means `width ** levels` values."""
    lines = [f"x-0: &a0 [{', '.join(['x'] * width)}]"]
    lines += [f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def block(depth: int) -> str:
    return "\n".join(" " * level + "a:" for level in range(depth))


DEEP = {
    "flow lists": "x-a: " + "[" * 10_000 + "]" * 10_000,
    "flow lists, never closed": "x-a: " + "[" * 1_000_000,
    "flow mappings": "x-a: " + "{a: " * 10_000 + "}" * 10_000,
    "flow pairs": "x-a: " + "[a: " * 10_000 + "]" * 10_000,
    "block mappings": block(4_000),
    "block lists": "x-a:\n  " + "- " * 10_000 + "b",
    "complex keys": "? " * 10_000,
    "JSON": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "aliases": "x-a: &a0 [1]\n" + "".join(f"x-{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 10_000)),
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_ten_thousand_levels_are_refused_wherever_they_stand(text: str):
    for whole in (text, TEAM + text, TEAM + HEAD + text):
        found = loading.of_texts(files.Texts({"e.yaml": whole}))
        assert {"TEL100", "TEL103"} & {d.code for d in found.diagnostics}
    assert [d.code for d in yamltext.read(text, "f")[1]][-1] == "TEL103"


@pytest.mark.parametrize("levels", [7, 12, 100])
def test_a_billion_laughs_are_refused(levels: int):
    found = loading.of_texts(files.Texts({"e.yaml": TEAM + HEAD + bomb(levels)}))
    assert "TEL103" in [d.code for d in found.diagnostics]


def test_merge_keys_cannot_multiply_without_end():
    lines = ["x-0: &a0 {" + ", ".join(f"k{i}: 1" for i in range(100)) + "}"]
    lines += [f"x-{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 100)}]}}" for n in range(1, 6)]
    assert [d.code for d in yamltext.read("\n".join(lines), "f")[1]] == ["TEL103"]


def test_a_text_that_writes_too_many_values_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(yamltext, "MAX_NODES", 1000)
    for text in (
        "- 1\n" * 1001,
        "[" + "[]," * 1001 + "]",
        "{" + "".join(f"k{n}," for n in range(600)) + "}",
    ):
        assert [d.code for d in yamltext.read(text, "f")[1]] == ["TEL103"]


@pytest.mark.parametrize(
    "flood",
    [
        "".join(f"unknown{n}: 1\n" for n in range(20_000)),
        "tier: 1\n" * 20_000,
        "in: {" + ", ".join(f"place{n}: {{tier: 1}}" for n in range(20_000)) + "}\n",
        "uses: [" + ", ".join(f"{{service: s{n}, what: 1}}" for n in range(20_000)) + "]\n",
        "labels: {" + ", ".join(f"l{n}: [1]" for n in range(20_000)) + "}\n",
        "x-a: [" + "*none, " * 20_000 + "]\n",
        "x-a: [" + "!tag 1, " * 20_000 + "]\n",
        "x-a: {" + "[1]: 1, " * 20_000 + "}\n",
    ],
    ids=["keys", "twice", "places", "uses", "values", "aliases", "tags", "complex"],
)
def test_a_flood_of_mistakes_is_cut_off(flood: str):
    found = loading.of_texts(files.Texts({"e.yaml": TEAM + HEAD + flood}))
    said = [d.code for d in found.diagnostics]
    assert "TEL103" in said
    assert len([code for code in said if code < "TEL130"]) <= yamltext.MAX_PROBLEMS + 10
    assert max(len(d.source) for d in found.diagnostics) <= estates.MAX_SOURCE_CHARACTERS


def test_the_deepest_nesting_that_is_read_can_be_worked_with():
    depth = yamltext.MAX_DEPTH - 4
    fields = "x-deep: 1\nlabels: {a: b}\n"
    carried = "[" * depth + "]" * depth
    places = "apiVersion: telford/v1\nkind: Environment\nname: prod\n---\n"
    manifest = f"apiVersion: telford/v1\nkind: Manifest\nname: m\nowner: team/shop\nobject: {{a: {carried}}}\n"
    overlay = f"in: {{prod: {{object: {{a: {carried[2:-2]}}}}}}}\n"
    found = files.Texts({"e.yaml": f"{TEAM}{places}{HEAD}{fields}---\n{manifest}{overlay}"})
    loaded = loading.of_texts(found)
    assert loaded.diagnostics == ()
    again = estates.load(found.texts, keep=True)
    assert again.memory is not None
    text = kept.encode(again.memory, found.hashes())
    warm = estates.load(found.texts, (), kept.decode(text, found.hashes(), found.texts))
    for estate in (loaded.estate, warm.estate):
        for place in overlays.places(estate):
            assert overlays.bind(estate, place).entities["manifest/m"].spec == (
                overlays.bind(loaded.estate, place).entities["manifest/m"].spec
            )


# What the folder of the next tests is called, and the one good file in it.
GOOD = "good.yaml"


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "estate").mkdir()
    (tmp_path / "estate" / GOOD).write_text(TEAM + HEAD)
    return tmp_path / "estate"


def codes(folder: pathlib.Path) -> list[str]:
    """What is said of a folder; the good file is always read."""
    loaded = loading.load_folder(folder)
    assert "service/orders" in loaded.estate.entities
    return [d.code for d in loaded.diagnostics]


def test_a_file_of_200_megabytes_is_refused_before_it_is_read(folder: pathlib.Path):
    with (folder / "big.yaml").open("wb") as stream:
        stream.truncate(200 * 1024 * 1024)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert codes(folder) == ["TEL103"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


def test_files_that_are_too_much_together_are_refused(
    folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(files, "MAX_TOTAL_BYTES", 300)
    for name in ("h.yaml", "i.yaml", "j.yaml"):
        (folder / name).write_text("#" * 150)
    assert codes(folder) == ["TEL103", "TEL103"]


def test_a_file_that_does_not_say_its_size_is_read_up_to_the_limit(monkeypatch: pytest.MonkeyPatch):
    endless = pathlib.Path("/proc/self/status")
    if not endless.exists():
        pytest.skip("this system has no files of unknown size")
    assert list(files.read([endless]).texts)
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 100)
    assert [d.code for d in files.read([endless]).diagnostics] == ["TEL103"]


def test_pipes_sockets_and_devices_are_never_opened(folder: pathlib.Path):
    os.mkfifo(folder / "pipe.yaml")
    listening = socket.socket(socket.AF_UNIX)
    here = pathlib.Path.cwd()
    os.chdir(folder)
    try:
        listening.bind("socket.yaml")
    finally:
        os.chdir(here)
        listening.close()
    (folder / "link.yaml").symlink_to(folder / "pipe.yaml")
    assert codes(folder) == ["TEL106", "TEL106"]
    for path in (folder / "pipe.yaml", pathlib.Path("/dev/zero"), pathlib.Path("/dev/tty")):
        if path.exists():
            assert [d.code for d in files.read([path]).diagnostics] == ["TEL106"]


def test_links_that_run_in_circles_lead_nowhere_or_out_are_not_followed(folder: pathlib.Path):
    (folder / "a.yaml").symlink_to(folder / "b.yaml")
    (folder / "b.yaml").symlink_to(folder / "a.yaml")
    (folder / "self.yaml").symlink_to("self.yaml")
    (folder / "gone.yaml").symlink_to("nothing.yaml")
    (folder / "out.yaml").symlink_to("/etc/hostname")
    (folder / "above").symlink_to("..")
    (folder / "here").symlink_to(".")
    (folder / "proc.yaml").symlink_to("/proc/self/mem")
    nested = folder / "x" / "y"
    nested.mkdir(parents=True)
    (nested / "back").symlink_to(folder)
    assert set(codes(folder)) == {"TEL107"}
    assert len(codes(folder)) == 7


def test_a_mounted_folder_whose_files_are_links_into_a_hidden_one_is_read_once(
    tmp_path: pathlib.Path,
):
    hidden = tmp_path / "..2026_11_22"
    hidden.mkdir()
    (hidden / "e.yaml").write_text(TEAM + HEAD)
    (tmp_path / "..data").symlink_to(hidden.name)
    (tmp_path / "e.yaml").symlink_to("..data/e.yaml")
    assert codes(tmp_path) == []


def test_names_that_are_no_text_are_shown_and_left_out(folder: pathlib.Path):
    try:
        (pathlib.Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff.yaml"))).write_text(HEAD)
    except OSError:
        pytest.skip("this file system takes text only")
    loaded = loading.load_folder(folder)
    assert [d.code for d in loaded.diagnostics] == ["TEL106"]
    position = loaded.diagnostics[0].position
    assert position is not None
    assert position.file.endswith("bad\\udcff.yaml")
    position.file.encode()


def test_odd_names_are_names(folder: pathlib.Path):
    for name in (
        "with space.yaml",
        "new\nline.yaml",
        "'quote\".yaml",
        "é😀.yaml",
        "-rf.yaml",
        "*.yaml",
    ):
        (folder / name).write_text(
            "apiVersion: telford/v1\nkind: Team\nname: t" + str(len(name)) + "\n"
        )
    assert set(codes(folder)) <= {"TEL120"}


def test_what_may_not_be_read_is_said(folder: pathlib.Path):
    if os.geteuid() == 0:
        pytest.skip("root reads anything")
    (folder / "secret.yaml").write_text("a")
    (folder / "secret.yaml").chmod(0)
    (folder / "closed").mkdir(mode=0)
    assert codes(folder) == ["TEL106", "TEL106"]


def test_a_folder_in_the_place_of_a_file_is_a_folder(folder: pathlib.Path):
    (folder / "folder.yaml").mkdir()
    (folder / "folder.yaml" / "t.yaml").write_text("apiVersion: telford/v1\nkind: Team\nname: t\n")
    assert codes(folder) == []


def test_too_many_files_are_one_diagnostic(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "MAX_FILES", 20)
    for number in range(30):
        (folder / f"z{number:02d}.yaml").write_text("# nothing\n")
    assert codes(folder) == ["TEL103"]


def test_too_many_entries_are_one_diagnostic(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "MAX_LOOKED_AT", 20)
    for number in range(40):
        (folder / f"z{number:02d}.txt").touch()
    found = files.read([folder])
    assert [d.code for d in found.diagnostics] == ["TEL103"]


def test_a_hundred_thousand_files_are_walked_over(folder: pathlib.Path):
    """Names alone: what is no YAML is never opened."""
    many = folder / "many"
    many.mkdir()
    for number in range(100_000):
        os.close(os.open(f"{many}/{number}", os.O_CREAT | os.O_WRONLY))
    assert codes(folder) == []


def test_a_tree_without_end_is_not_followed_to_it(folder: pathlib.Path):
    here = folder
    for _ in range(files.MAX_DEPTH + 5):
        here /= "d"
    here.mkdir(parents=True)
    (here / "e.yaml").write_text(HEAD)
    assert codes(folder) == []


def test_a_path_that_cannot_even_be_looked_at_is_a_sentence():
    for path in ("x" * 5000, "a\0b", "\udcff", "no/such"):
        with pytest.raises(UsageError):
            files.read([pathlib.Path(path)])


# A process of its own: the limit on its memory holds for nothing else.
LIMITED = """
import resource, sys
from telford.app import loading
from telford.backends import files
resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))
text = sys.stdin.read()
found = loading.of_texts(files.Texts({"e.yaml": text}))
print(sorted({d.code for d in found.diagnostics}))
"""


@pytest.mark.parametrize(
    "text",
    [
        bomb(9),
        "[" * 15_000_000,
        "- &a\n" * 2_100_000,
        "a: b: c\n---\n" * 1_200_000,
        "\n" * 15_000_000,
        "&a " * 5_000_000,
    ],
    ids=["laughs", "brackets", "anchors", "errors", "empty", "spaces"],
)
def test_sixteen_megabytes_of_anything_stay_within_bounds(text: str):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_thousands_of_references_to_nothing_are_each_told_and_the_first_get_a_guess():
    known = "".join(
        f"---\napiVersion: telford/v1\nkind: Team\nname: team-{n:05d}\n" for n in range(3000)
    )
    uses = "".join(f"  - service: service-{n:05d}\n" for n in range(3000))
    people = "".join(
        f"---\napiVersion: telford/v1\nkind: Person\nname: p{n}\nteam: taem-{n:05d}\n"
        for n in range(300)
    )
    found = loading.of_texts(
        files.Texts({"e.yaml": TEAM + HEAD + "uses:\n" + uses + known + people})
    )
    dangling = [d for d in found.diagnostics if d.code == "TEL130"]
    assert len(dangling) == 3300
    assert sum("did you mean" in d.fix for d in dangling) <= rule.MAX_GUESSES
