"""Checkov finds nothing in the pipelines that is not explained, and sees what is put in."""

import pathlib
import re

import delivered
import linted
import pytest

from telford.road import yamlout

# A change's text in a script, and more rights than any job needs.
_WORKFLOW = """on: pull_request
permissions: write-all
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - run: echo ${{ github.head_ref }}
"""
# Two pipelines for one change.
_JOBS = """a:
  script: [make]
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_PIPELINE_SOURCE == "push"
"""


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[linted.Failure]]:
    """Framework -> what failed in three estates and in a broken file: one run each, for it is slow.

    Of GitLab it reads `.gitlab-ci.yml` alone, so it is shown everything in one file.
    """
    workflows: pathlib.Path = tmp_path_factory.mktemp("github")
    jobs: pathlib.Path = tmp_path_factory.mktemp("gitlab")
    for name in delivered.ESTATES:
        _write(workflows / name, dict(delivered.files("github-actions", name)))
        _write(jobs / name, {".gitlab-ci.yml": yamlout.document(delivered.gitlab(name))})
    _write(workflows / "broken", {".github/workflows/broken.yaml": _WORKFLOW})
    _write(jobs / "broken", {".gitlab-ci.yml": _JOBS})
    return {
        "github_actions": linted.checkov(workflows, "github_actions"),
        "gitlab_ci": linted.checkov(jobs, "gitlab_ci"),
    }


def _write(folder: pathlib.Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def _ours(failures: list[linted.Failure]) -> list[linted.Failure]:
    return [one for one in failures if not re.match(r"broken/", one.file)]


@pytest.mark.proves(
    "github-actions",
    tool="checkov",
    shows="no check fails for the workflows of three estates that is not explained",
)
def test_checkov_finds_nothing_in_workflows(failures: dict[str, list[linted.Failure]]):
    found = _ours(failures["github_actions"])
    assert linted.unexplained(found, "github_actions") == []
    assert linted.unused(found, "github_actions") == []


@pytest.mark.proves(
    "gitlab-ci",
    tool="checkov",
    shows="no check fails for the jobs of three estates that is not explained",
)
def test_checkov_finds_nothing_in_jobs(failures: dict[str, list[linted.Failure]]):
    found = _ours(failures["gitlab_ci"])
    assert linted.unexplained(found, "gitlab_ci") == []
    assert linted.unused(found, "gitlab_ci") == []


@pytest.mark.parametrize("framework", ["github_actions", "gitlab_ci"])
def test_checkov_sees_what_is_put_in(framework: str, failures: dict[str, list[linted.Failure]]):
    assert [one for one in failures[framework] if one.file.startswith("broken/")]
