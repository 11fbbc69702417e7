"""A controller goes on where nobody can write down what it says: a full disk, a reader gone."""

import errno
import io
import sys

import pytest

from telford.cli import controller, output, up
from telford.flows.controller import Report


class Full(io.StringIO):
    """A log on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("as_json", [False, True])
def test_what_cannot_be_written_down_stops_no_controller(
    monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, Full())
    voice = controller._voice(as_json=as_json)
    voice.say("controls dev now")
    voice.report(Report(1.0, problems=("the disk is full",)))
    up.report(Report(1.0, problems=("the disk is full",)))
    with pytest.raises(OSError, match="No space"):
        output.note("a command that ends says why")
