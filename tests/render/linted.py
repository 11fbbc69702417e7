"""What checkov finds in generated files, and which of it is explained: lint_exceptions.toml.

An exception names checks, the objects (patterns of `Failure.subject`) and the reason. Used by the
tests of manifests and of pipelines; the API in short:

    failures = linted.checkov(folder, "kubernetes")
    assert linted.unexplained(failures, "kubernetes") == []
    assert linted.unused(failures, "kubernetes") == []
"""

import fnmatch
import json
import os
import pathlib
import subprocess
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import optional

_LIST = pathlib.Path(__file__).parent / "lint_exceptions.toml"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed check: its id, what it asks for, the file below the folder, and what it is about."""

    check: str
    asks: str
    file: str
    resource: str

    @property
    def subject(self) -> str:
        """What exceptions name: ``FILE:RESOURCE``."""
        return f"{self.file}:{self.resource}"


@dataclass(frozen=True, slots=True)
class Exempt:
    """Why a check may fail for some objects. `framework` is checkov's word for what is checked."""

    check: str
    framework: str
    objects: tuple[str, ...]
    why: str

    def explains(self, failure: Failure) -> bool:
        """Whether a failure is of this check and one of these objects."""
        named = any(fnmatch.fnmatchcase(failure.subject, pattern) for pattern in self.objects)
        return self.check == failure.check and named


@cache
def exceptions(framework: str) -> tuple[Exempt, ...]:
    """The list for one framework (``kubernetes``, ``github_actions``, ``gitlab_ci``)."""
    rows = tomllib.loads(_LIST.read_text(encoding="utf-8"))["exception"]
    every = [
        Exempt(check, row["framework"], tuple(row["objects"]), row["why"])
        for row in rows
        for check in row["checks"]
    ]
    return tuple(one for one in every if one.framework == framework)


def checkov(folder: pathlib.Path, framework: str) -> list[Failure]:
    """Every failed check of the files of a folder; fails where checkov read nothing or half."""
    command = [
        optional.require_tool("checkov"),
        *("--directory", str(folder), "--framework", framework),
        *("--output", "json", "--quiet", "--compact", "--skip-download", "--soft-fail"),
    ]
    # It asks nobody for anything, and says so once where it cannot.
    environment = os.environ | {"CHECKOV_RUN_IN_DOCKER": "", "LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert isinstance(report, dict), report
    assert report["summary"]["parsing_errors"] == 0, report["results"]
    assert report["summary"]["passed"] > 0, report
    return [
        Failure(one["check_id"], one["check_name"], one["file_path"].lstrip("/"), one["resource"])
        for one in report["results"]["failed_checks"]
    ]


def unexplained(failures: Iterable[Failure], framework: str) -> list[str]:
    """The failures that no exception explains."""
    known = exceptions(framework)
    return [
        f"{one.check} {one.asks}: {one.subject}"
        for one in failures
        if not any(exempt.explains(one) for exempt in known)
    ]


def unused(failures: Iterable[Failure], framework: str) -> list[str]:
    """Patterns of exceptions by which nothing failed: they say something that is not so any more."""
    every = list(failures)
    return [
        f"{exempt.check} {pattern}"
        for exempt in exceptions(framework)
        for pattern in exempt.objects
        if not any(
            one.check == exempt.check and fnmatch.fnmatchcase(one.subject, pattern) for one in every
        )
    ]
