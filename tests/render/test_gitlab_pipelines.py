"""The pipelines of GitLab are valid once their includes and inputs are put in, pinned and bounded."""

import json
import pathlib
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import delivered
import pytest

import optional
import quick_yaml as yaml

_ESTATES = pytest.mark.parametrize("name", delivered.ESTATES)


def _valid(document: Any, folder: pathlib.Path) -> bool:
    path = folder / "pipeline.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    command = [optional.require_tool("check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci"]
    command += ["--data-transform", "gitlab-ci", str(path)]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


@pytest.mark.proves(
    "gitlab-ci",
    tool="GitLab's CI schema (check-jsonschema)",
    shows="the configuration of three estates, includes and inputs put in, is valid",
)
@_ESTATES
def test_the_whole_configuration_is_valid_by_the_schema(name: str, tmp_path: pathlib.Path):
    assert _valid(delivered.gitlab(name), tmp_path)


def test_the_schema_refuses_a_broken_job(tmp_path: pathlib.Path):
    broken = delivered.gitlab("boutique")
    broken["lint boutique.frontend"]["timeout"] = ["15 minutes"]
    assert not _valid(broken, tmp_path)


def _jobs(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The jobs that run, with what they extend put in."""
    every = delivered.gitlab(name)
    for title, job in every.items():
        if title not in delivered.GITLAB_WORDS and not title.startswith("."):
            yield title, _extended(every, job)


def _extended(every: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    parent = job.get("extends")
    base = _extended(every, every[parent]) if parent else {}
    variables = {**base.get("variables", {}), **job.get("variables", {})}
    return {**base, **job, "variables": variables}


@_ESTATES
def test_every_job_has_a_stage_a_limit_and_an_image_by_digest(name: str):
    stages = delivered.gitlab(name)["stages"]
    for title, job in _jobs(name):
        assert job["stage"] in stages, title
        assert job["timeout"].endswith("minutes"), title
        image = job["image"]
        assert "@sha256:" in (image if isinstance(image, str) else image["name"]), title


@_ESTATES
def test_every_job_needs_only_jobs_that_there_are_and_that_come_before(name: str):
    jobs = dict(_jobs(name))
    stages = delivered.gitlab(name)["stages"]
    for title, job in jobs.items():
        for needed in job.get("needs", []):
            assert needed in jobs, title
            assert stages.index(jobs[needed]["stage"]) <= stages.index(job["stage"]), title


@_ESTATES
def test_a_script_reads_only_what_its_job_gives_it(name: str):
    """Or a name that nothing sets would stop the job: the scripts are strict."""
    given = {
        "HOME",
        "PATH",
        "PWD",
        "DIGEST",
        "REGISTRY_USERNAME",
        "REGISTRY_PASSWORD",
        "COMMENT_TOKEN",
    }
    for title, job in _jobs(name):
        text = "\n".join(job["script"])
        set_here = set(re.findall(r"(?:^|\n|; |IFS= read -r )([A-Za-z_]+)=", text))
        set_here |= set(re.findall(r"read -r ([a-z]+)", text))
        read = set(re.findall(r"\$\{?([A-Za-z_]+)", text))
        places = {key for row in job.get("parallel", {}).get("matrix", []) for key in row}
        missing = read - set_here - set(job["variables"]) - given - places
        assert {one for one in missing if not one.startswith("CI_")} == set(), title


def test_only_a_person_lets_something_into_production():
    jobs = dict(_jobs("organisation"))
    when = {title: job["rules"][0]["when"] for title, job in jobs.items() if "environment" in job}
    assert when["promote-dev freight.gate"] == "on_success"
    assert when["promote-prod freight.gate"] == "manual"
    tiers = {
        job["environment"]["deployment_tier"] for t, job in jobs.items() if "promote-prod" in t
    }
    assert tiers == {"production"}


def test_only_the_job_that_signs_has_a_token_of_identity():
    assert {title.split()[0] for title, job in _jobs("organisation") if "id_tokens" in job} == {
        "sign"
    }


def test_the_files_of_services_are_found_by_the_root():
    (root,) = yaml.safe_load_all(delivered.files("gitlab-ci", "boutique")[".gitlab-ci.yml"])
    assert {"local": ".gitlab/services/*.yml"} in root["include"]
