"""Commands that answer, fail, hang, flood and fork."""

import os
import pathlib
import sys
import time

import pytest

from telford.backends.hooks import running
from telford.basics.errors import PermanentError, TemporaryError
from telford.deliver.gate_settings import Command

ABOUT = {"release": "r1", "version": "1.1.0; touch here", "step": "0"}


def python(text: str, *more: str, limit: float = 10.0, env: tuple[tuple[str, str], ...] = ()):
    return Command((sys.executable, "-c", text, *more), env=env, limit=limit)


def run(command: Command, folder: pathlib.Path) -> tuple[bool, str]:
    environment = {**os.environ, "SECRET_TOKEN": "not to be seen"}
    said = running.run(command, ABOUT, folder, environment)
    return said.open, said.why


def test_ending_with_0_is_a_yes_and_its_last_line_says_why(tmp_path):
    assert run(python("print('a'); print('12 of 12 checks passed')"), tmp_path) == (
        True,
        "12 of 12 checks passed",
    )


def test_ending_otherwise_is_a_no_with_the_last_words(tmp_path):
    opened, why = run(python("import sys; print('queue \\x1b[31mis full'); sys.exit(3)"), tmp_path)
    assert not opened
    assert why.endswith("ended with 3: queue ?[31mis full")


def test_a_signal_is_a_no(tmp_path):
    opened, why = run(python("import os; os.kill(os.getpid(), 15)"), tmp_path)
    assert (opened, why.endswith("was ended by signal 15")) == (False, True)


def test_it_runs_in_the_folder_and_knows_the_release_and_no_secret(tmp_path):
    text = (
        "import os; e = os.environ; assert 'SECRET_TOKEN' not in e; "
        "print(os.getcwd(), e['TELFORD_RELEASE'], e['TELFORD_STEP'], e['MINE'])"
    )
    opened, why = run(python(text, env=(("MINE", "yes"),)), tmp_path)
    assert (opened, why) == (True, f"{tmp_path} r1 0 yes"[: running._SHOWN_CHARS])


def test_what_is_filled_in_is_one_argument_and_no_shell_reads_it(tmp_path):
    command = python("import sys; print(sys.argv[1])", "v{version} {unknown}")
    assert run(command, tmp_path) == (True, "v1.1.0; touch here {unknown}")
    assert list(tmp_path.iterdir()) == []


def test_one_that_hangs_is_killed_at_its_limit(tmp_path):
    with pytest.raises(TemporaryError, match=r"had not ended after 0.3 s"):
        run(python("import time; time.sleep(60)", limit=0.3), tmp_path)


def test_one_that_ignores_being_asked_to_end_is_killed_as_well(tmp_path):
    text = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    with pytest.raises(TemporaryError):
        run(python(text, limit=0.3), tmp_path)


def test_one_that_floods_is_read_and_forgotten(tmp_path):
    """More than any pipe holds: it ends, because somebody reads."""
    text = "import sys\nfor _ in range(300): sys.stdout.write('x' * 99_999 + '\\n')\nprint('done')"
    assert run(python(text), tmp_path) == (True, "done")


FORKS = """
import os, sys, time
for _ in range(3):
    if os.fork() == 0:
        open(f"child-{os.getpid()}", "w").close()
        time.sleep(60)
while len(os.listdir(".")) < 3:
    time.sleep(0.01)
print("forked")
sys.stdout.flush()
time.sleep(float(sys.argv[1]))
"""


@pytest.mark.parametrize("sleep", ["0", "60"], ids=["and ends", "and hangs"])
def test_what_it_forked_is_dead_afterwards(tmp_path, sleep):
    command = python(FORKS, sleep, limit=5.0 if sleep == "0" else 1.0)
    if sleep == "0":
        assert run(command, tmp_path) == (True, "forked")
    else:
        with pytest.raises(TemporaryError):
            run(command, tmp_path)
    pids = [int(one.name.removeprefix("child-")) for one in tmp_path.iterdir()]
    assert len(pids) == 3
    assert all(_gone(pid) for pid in pids)


def _gone(pid: int) -> bool:
    """Killed processes wait for whoever reaps them; that may take a moment."""
    for _ in range(200):
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
        except OSError:
            return True
        if state.startswith(("Z", "X")):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("words", [("no-such-program",), ("/",), ("a\0b",)])
def test_one_that_cannot_start_is_said_with_what_to_do(tmp_path, words):
    with pytest.raises(PermanentError, match="cannot run") as caught:
        run(Command(words), tmp_path)
    assert caught.value.fix
