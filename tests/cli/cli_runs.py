"""Runs `telford` inside the test's process, as `telford.cli.main` would, with captured output."""

import dataclasses
import json
from typing import Any

import pytest

from telford.cli import main


@dataclasses.dataclass(frozen=True)
class Ran:
    """What a command line did: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Ran:
    code = main.run(arguments)
    captured = capsys.readouterr()
    return Ran(code, captured.out, captured.err)
