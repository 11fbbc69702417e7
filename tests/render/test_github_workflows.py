"""The workflows of GitHub Actions are right, pinned, bounded, and trust no text of a change."""

import os
import pathlib
import re
import subprocess
import sys
from typing import Any

import delivered
import pytest

import optional

_ESTATES = pytest.mark.parametrize("name", delivered.ESTATES)
_ZIZMOR = ("zizmor", "--offline", "--no-progress", "--color=never", "--format", "plain", ".")
_COMMIT = re.compile(r"[0-9a-f]{40}")
# What zizmor finds and stays, and why.
EXPLAINED = {
    "self-repository": "the form with $/ is newer than GitHub's own servers",
    "unpinned-images": "the image is an input: every caller gives it by digest (tested below)",
}


def _written(folder: pathlib.Path, files: dict[str, str]) -> list[str]:
    (folder / ".git").mkdir()
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return sorted(files)


def _run(folder: pathlib.Path, *command: str) -> subprocess.CompletedProcess[str]:
    tools = f"{pathlib.Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
    return subprocess.run(
        [optional.require_tool(command[0]), *command[1:]],
        cwd=folder,
        env={**os.environ, "PATH": tools},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _broken(files: dict[str, str], old: str, new: str) -> dict[str, str]:
    assert any(old in text for text in files.values())
    return {path: text.replace(old, new) for path, text in files.items()}


@pytest.mark.proves(
    "github-actions",
    tool="actionlint, with shellcheck over the scripts",
    shows="every workflow of three estates is accepted",
)
@_ESTATES
def test_actionlint_accepts_every_workflow(name: str, tmp_path: pathlib.Path):
    paths = _written(tmp_path, dict(delivered.files("github-actions", name)))
    optional.require_tool("shellcheck")
    result = _run(tmp_path, "actionlint", *paths)
    assert result.stdout + result.stderr == ""
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("needs: [build]", "needs: [built]"),
        ("inputs.dockerfile", "inputs.containerfile"),
        ('make -C "$SOURCE" lint', "make -C $SOURCE lint"),
    ],
)
def test_actionlint_refuses_a_broken_workflow(old: str, new: str, tmp_path: pathlib.Path):
    broken = _broken(dict(delivered.files("github-actions", "boutique")), old, new)
    optional.require_tool("shellcheck")
    result = _run(tmp_path, "actionlint", *_written(tmp_path, broken))
    assert result.returncode == 1


@pytest.mark.proves(
    "github-actions",
    tool="GitHub's workflow schema (check-jsonschema)",
    shows="every workflow of three estates is valid",
)
@_ESTATES
def test_every_workflow_is_valid_by_the_schema(name: str, tmp_path: pathlib.Path):
    paths = _written(tmp_path, dict(delivered.files("github-actions", name)))
    schema = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows")
    assert _run(tmp_path, *schema, *paths).returncode == 0
    (tmp_path / paths[0]).write_text("on: push\njobs: {a: {runs-on: [], stepz: []}}\n")
    assert _run(tmp_path, *schema, paths[0]).returncode == 1


@pytest.mark.proves(
    "github-actions",
    tool="zizmor, offline",
    shows="no finding about the security of workflows but those explained in the test",
)
def test_zizmor_finds_nothing_but_what_is_explained(tmp_path: pathlib.Path):
    _written(tmp_path, dict(delivered.files("github-actions", "organisation")))
    result = _run(tmp_path, *_ZIZMOR)
    assert set(re.findall(r"^\w+\[([a-z-]+)\]", result.stdout, re.MULTILINE)) == set(EXPLAINED)


def test_zizmor_sees_a_text_of_a_change_in_a_script(tmp_path: pathlib.Path):
    files = dict(delivered.files("github-actions", "organisation"))
    broken = _broken(files, "pr comment", "pr comment ${{ github.event.pull_request.title }}")
    _written(tmp_path, broken)
    result = _run(tmp_path, *_ZIZMOR)
    assert "[template-injection]" in result.stdout


def _jobs(name: str) -> list[dict[str, Any]]:
    found = delivered.documents("github-actions", name).values()
    return [job for (workflow,) in found for job in workflow["jobs"].values()]


@_ESTATES
def test_what_a_workflow_runs_is_named_by_commit_or_digest(name: str):
    own = "./.github/workflows/telford-service.yaml"
    for job in _jobs(name):
        assert job.get("uses", own) == own
        for step in job.get("steps", []):
            assert _COMMIT.fullmatch(step.get("uses", "x@" + "0" * 40).rpartition("@")[2])
        image = job.get("container", {}).get("image", "@sha256:")
        assert "@sha256:" in image or image == "${{ inputs.toolchain }}"
    for (workflow,) in delivered.documents("github-actions", name).values():
        inputs = [job["with"] for job in workflow["jobs"].values() if "with" in job]
        assert all("@sha256:" in given.get("toolchain", "@sha256:") for given in inputs)


@_ESTATES
def test_every_job_has_a_limit_and_says_what_it_may(name: str):
    for (workflow,) in delivered.documents("github-actions", name).values():
        assert workflow["permissions"] == {}
    for job in _jobs(name):
        assert "permissions" in job
        assert "uses" in job or job["timeout-minutes"] > 0
        written = {right for right, how in job["permissions"].items() if how == "write"}
        assert written <= {"id-token", "pull-requests"}


@_ESTATES
def test_no_expression_is_ever_part_of_a_script(name: str):
    for job in _jobs(name):
        for step in job.get("steps", []):
            assert "${{" not in step.get("run", "")


def test_who_may_comment_runs_nothing_of_the_change():
    (workflow,) = delivered.documents("github-actions", "boutique")[
        ".github/workflows/telford-estate.yaml"
    ]
    commenting = [job for job in workflow["jobs"].values() if "pull-requests" in job["permissions"]]
    assert len(commenting) == 1
    assert not any("checkout" in step.get("uses", "") for step in commenting[0]["steps"])


def test_a_digest_travels_through_the_environments_in_their_order():
    (workflow,) = delivered.documents("github-actions", "organisation")[
        ".github/workflows/telford-service.yaml"
    ]
    jobs = workflow["jobs"]
    chain = {name: job["needs"][-1] for name, job in jobs.items() if name.startswith("promote")}
    assert chain == {
        "promote-dev": "sign",
        "promote-staging": "promote-dev",
        "promote-prod": "promote-staging",
    }
    prod = jobs["promote-prod"]
    assert prod["environment"] == {"name": "prod"}
    assert prod["strategy"]["max-parallel"] == 1
    assert "prod/westeurope" in prod["strategy"]["matrix"]["place"]
