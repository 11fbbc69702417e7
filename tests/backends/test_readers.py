"""A large estate is read by several processes, and is what one process would have read."""

import importlib.util
import pathlib
import sys

import pytest

from telford.app import loading
from telford.backends import files, readers
from telford.estate import loading as estates

ROOT = pathlib.Path(__file__).parents[2]
BROKEN = {
    "z1.yaml": "apiVersion: telford/v1\nkind: Team\nname: [x]\n",
    "z2.yaml": "a: b: c",
    "z3.yaml": "apiVersion: telford/v1\nkind: Team\nname: team-000\n",
    "z4.yaml": "\ufeffapiVersion: telford/v1\nkind: Team\nname: t4\n",
    "z5.yaml": "apiVersion: v1\nkind: ConfigMap\n",
}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("scale_estate", ROOT / "tools/scale_estate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: dict[str, str] = module.estate(40)
    return made


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Three processes, however small the estate."""
    monkeypatch.setattr(readers, "WORTH_CHARACTERS", 1)
    monkeypatch.setattr(readers, "cores", lambda: 3)
    return monkeypatch


def test_three_processes_read_what_one_reads(texts: dict[str, str], three: pytest.MonkeyPatch):
    read: list[int] = []
    load = estates.load

    def counted(given: dict[str, str], *more: object, **named: object) -> object:
        memory = more[1] if len(more) > 1 else None
        known = len(memory.files) if memory is not None else 0  # type: ignore[attr-defined]
        read.append(len(given) - known)
        return load(given, *more, **named)  # type: ignore[arg-type]

    three.setattr(estates, "load", counted)
    shared = loading.of_texts(files.Texts(dict(texts)))
    three.undo()
    assert shared == loading.of_texts(files.Texts(dict(texts)))
    assert len(texts) // 3 <= read[0] <= len(texts) // 3 + 3
    assert read[1:] == [1]


def test_mistakes_are_found_in_every_share(texts: dict[str, str], three: pytest.MonkeyPatch):
    wrong = texts | BROKEN
    shared = loading.of_texts(files.Texts(dict(wrong)))
    three.undo()
    alone = loading.of_texts(files.Texts(dict(wrong)))
    assert shared == alone
    assert len({d.position.file for d in alone.diagnostics if d.position}) == 4


@pytest.mark.parametrize(
    "command",
    [
        ("-c", "raise SystemExit(1)"),
        ("-c", "print('not what is kept')"),
        ("-c", "import os; os.write(1, b'\\xff')"),
        ("-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
        ("-c", ""),
        ("-m", "telford.no.such.module"),
    ],
)
def test_whatever_a_process_does_the_estate_is_read(
    texts: dict[str, str], three: pytest.MonkeyPatch, command: tuple[str, ...]
):
    three.setattr(readers, "_COMMAND", command)
    shared = loading.of_texts(files.Texts(dict(texts)))
    three.undo()
    assert shared == loading.of_texts(files.Texts(dict(texts)))


def test_a_process_that_hangs_is_not_waited_for_and_not_left_behind(
    texts: dict[str, str], three: pytest.MonkeyPatch
):
    three.setattr(readers, "_COMMAND", ("-c", "import time; time.sleep(600)"))
    three.setattr(readers, "MAX_SECONDS", 0.1)
    started: list[int] = []
    begin = readers.Readers.begin

    def noted(self: readers.Readers, *given: dict[str, str]) -> None:
        begin(self, *given)  # type: ignore[arg-type]
        started.extend(process.pid for process, _ in self._running)

    three.setattr(readers.Readers, "begin", noted)
    assert loading.of_texts(files.Texts(dict(texts))).diagnostics == ()
    assert started
    assert not any(pathlib.Path(f"/proc/{pid}").exists() for pid in started)


def test_a_machine_that_starts_no_process_reads_alone(
    texts: dict[str, str], three: pytest.MonkeyPatch
):
    three.setattr(sys, "executable", "/no/such/python")
    assert loading.of_texts(files.Texts(dict(texts))).diagnostics == ()


def test_a_small_estate_is_read_alone(texts: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise AssertionError("no process is worth it")

    monkeypatch.setattr(readers, "reading", refuse)
    assert loading.of_texts(files.Texts(dict(texts))).diagnostics == ()
