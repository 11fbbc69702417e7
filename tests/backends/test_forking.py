"""Work shared among copies of a process gives what one process gives."""

import os
import pathlib
import signal

import pytest

from telford.backends import forking


def test_every_share_is_done_once_and_comes_back_in_order():
    known = {"in memory": "x" * 300_000}

    def work(index: int) -> bytes:
        return f"{index} {known['in memory']}".encode()

    assert forking.shared(3, work) == [work(0), work(1), work(2)]


def test_shares_are_done_by_other_processes():
    said = forking.shared(2, lambda index: f"{os.getpid()}".encode())
    assert said[0] == f"{os.getpid()}".encode()
    assert said[1] != said[0]


def test_a_share_whose_process_dies_is_done_here():
    here = os.getpid()

    def work(index: int) -> bytes:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return f"{index}".encode()

    assert forking.shared(2, work) == [b"0", b"1"]


def test_a_mistake_in_a_share_is_raised_here_and_leaves_no_process(tmp_path: pathlib.Path):
    def work(index: int) -> bytes:
        (tmp_path / f"{os.getpid()}").touch()
        if index:
            raise ValueError("a mistake")
        return b"0"

    with pytest.raises(ValueError, match="a mistake"):
        forking.shared(2, work)
    others = {int(path.name) for path in tmp_path.iterdir()} - {os.getpid()}
    assert len(others) == 1
    for pid in others:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
