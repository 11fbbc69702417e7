"""The scripts of pipelines do what they say: run by a real shell, with tools that write down what
they were asked.
"""

import http.server
import json
import os
import pathlib
import subprocess
import threading

import pytest

import optional
from telford.road import pipeline

_GIVEN = {
    "SOURCE": "src/orders",
    "IMAGE": "registry.example.com/shop/orders",
    "COMMIT": "c0ffee",
    "DOCKERFILE": "Containerfile",
    "TARGET": "run",
    "BUILD_ARGS": "NODE=22\nSAY=two words",
    "DIGEST": "sha256:1234",
    "REGISTRY_USERNAME": "robot",
    "REGISTRY_PASSWORD": "hidden",
    "SEVERITIES": "HIGH",
    "ISSUER": "https://id.example.com",
    "IDENTITY": "^https://ci.example.com/",
    "SERVICE": "service/shop.orders",
    "PLACE": "prod/north",
    "PLACES": "dev prod/north",
    "ESTATE": "estate",
    "LOCK": "estate/telford.lock",
    "OUT": "built",
    "BASE": ".base",
    "PIPELINES": "github-actions",
    "COMMENT_BYTES": "20",
    "BUILD_TYPE": "https://ci.example.com/type",
    "BUILDER": "https://ci.example.com/builder",
    "REPOSITORY": "https://git.example.com/shop",
    "RUN": "https://ci.example.com/runs/1",
}
# Writes down its name and its arguments, each in brackets; what it reads is part of it.
_TOOL = """#!/bin/sh
{ printf '%s' "${0##*/}"; for one in "$@"; do printf ' [%s]' "$one"; done; echo; } >> "$CALLS"
case "$*" in *--password-stdin*) printf 'in: %s\\n' "$(cat)" >> "$CALLS" ;; esac
case "$*" in *digestfile*) printf 'sha256:1234' > digest.txt ;; esac
case "$*" in *venv*) mkdir -p "$3/bin" ;; esac
case "$*" in *--diff*) echo "a plan that is longer than twenty bytes" ;; *--json*) echo "{}" ;; esac
"""


def _run(stage: str, folder: pathlib.Path, *, docker: bool = True, **more: str) -> list[str]:
    """The calls that a script makes of its tools."""
    tools = folder / "tools"
    tools.mkdir()
    for name in (
        "docker",
        "buildctl-daemonless.sh",
        "trivy",
        "skopeo",
        "cosign",
        "telford",
        "make",
        "python",
    ):
        (tools / name).write_text(_TOOL)
        (tools / name).chmod(0o755)
    calls = folder / "calls"
    calls.touch()
    known = pipeline.stages()[stage]
    result = subprocess.run(
        ["/bin/sh", "-c", known.script if docker else known.without_docker],
        cwd=folder,
        env={**_GIVEN, "PATH": f"{tools}:{os.environ['PATH']}", "CALLS": str(calls), **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "hidden" not in result.stdout + result.stderr
    return calls.read_text().splitlines()


@pytest.mark.parametrize("stage", sorted(pipeline.stages()))
def test_shellcheck_accepts_every_script(stage: str, tmp_path: pathlib.Path):
    known = pipeline.stages()[stage]
    for script in filter(None, (known.script, known.without_docker)):
        path = tmp_path / "script.sh"
        path.write_text(f"#!/bin/sh\n{script}")
        command = [optional.require_tool("shellcheck"), "--severity=style", str(path)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 0, result.stdout


def test_shellcheck_refuses_a_name_without_quotes(tmp_path: pathlib.Path):
    path = tmp_path / "script.sh"
    path.write_text("#!/bin/sh\n" + pipeline.stages()["lint"].script.replace('"', ""))
    command = [optional.require_tool("shellcheck"), str(path)]
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 1


def test_an_image_is_built_with_its_stage_and_arguments(tmp_path: pathlib.Path):
    build, save = _run("build", tmp_path)
    assert build == (
        "docker [build] [--file] [src/orders/Containerfile]"
        " [--tag] [registry.example.com/shop/orders:c0ffee] [--target] [run]"
        " [--build-arg] [NODE=22] [--build-arg] [SAY=two words] [src/orders]"
    )
    assert save.startswith("docker [save] [--output] [image.tar]")


def test_the_same_image_is_built_without_docker(tmp_path: pathlib.Path):
    (build,) = _run("build", tmp_path, docker=False)
    assert "[context=src/orders]" in build
    assert "[filename=Containerfile]" in build
    assert "[target=run] [--opt] [build-arg:NODE=22] [--opt] [build-arg:SAY=two words]" in build


def test_an_image_is_published_with_a_password_that_no_argument_holds(tmp_path: pathlib.Path):
    login, read, copy = _run("publish", tmp_path)
    assert "[--password-stdin] [registry.example.com]" in login
    assert read == "in: hidden"
    assert copy.endswith(
        "[docker-archive:image.tar] [docker://registry.example.com/shop/orders:c0ffee]"
    )
    assert (tmp_path / "digest.txt").read_text() == "sha256:1234"


def test_a_digest_is_signed_with_what_is_inside_it_and_then_looked_at(tmp_path: pathlib.Path):
    calls = _run("sign", tmp_path)
    acts = [call.split()[1:4] for call in calls if call.startswith("cosign")]
    assert [act[0] for act in acts] == ["[login]", "[sign]", "[attest]", "[attest]", "[verify]"]
    named = "[registry.example.com/shop/orders@sha256:1234]"
    assert all(call.endswith(named) for call in calls if "cosign [" in call and "login" not in call)


def test_the_provenance_is_slsa_and_names_the_commit(tmp_path: pathlib.Path):
    _run("provenance", tmp_path)
    said = json.loads((tmp_path / "provenance.json").read_text())
    assert said["buildDefinition"]["resolvedDependencies"] == [
        {"uri": "git+https://git.example.com/shop", "digest": {"gitCommit": "c0ffee"}}
    ]
    assert said["runDetails"]["builder"] == {"id": "https://ci.example.com/builder"}


def test_a_digest_is_released_where_the_service_is(tmp_path: pathlib.Path):
    assert _run("promote", tmp_path)[-1] == (
        "telford [release] [service/shop.orders]"
        " [--image] [registry.example.com/shop/orders@sha256:1234] [--version] [c0ffee]"
        " [--in] [prod/north] [--estate] [estate] [--reason] [pipeline, commit c0ffee]"
        " [--yes] [--watch]"
    )


def test_nothing_is_released_where_the_service_is_not(tmp_path: pathlib.Path):
    calls = _run("promote", tmp_path, PLACE="prod/south")
    assert not any(call.startswith("telford") for call in calls)


def test_the_plan_is_what_the_change_does_to_what_was_built_before(tmp_path: pathlib.Path):
    calls = _run("plan", tmp_path)
    assert "telford [plan] [--estate] [estate] [--out] [.base/built] [--json]" in calls
    said = (tmp_path / "plan.md").read_text()
    assert said.startswith("## What this change does\n")
    assert "a plan that is longe\n````\n" in said


@pytest.mark.parametrize("same", [True, False])
def test_workflows_that_are_not_those_that_were_built_stop_a_change(
    same: bool, tmp_path: pathlib.Path
):
    built = tmp_path / "built/github-actions/.github/workflows"
    used = tmp_path / ".github/workflows"
    for folder in (built, used):
        folder.mkdir(parents=True)
        (folder / "a.yaml").write_text("on: push\n")
    if not same:
        (used / "a.yaml").write_text("on: workflow_dispatch\n")
    if same:
        assert "telford [check] [--estate] [estate] [--strict]" in _run("check", tmp_path)
    else:
        with pytest.raises(AssertionError):
            _run("check", tmp_path)


def test_telford_is_installed_by_the_hashes_of_the_lock(tmp_path: pathlib.Path):
    calls = _run("plan", tmp_path)
    (install,) = [call for call in calls if "[pip] [install]" in call]
    assert install.endswith("[--require-hashes] [--requirement] [estate/telford.lock]")


class _Forge(http.server.BaseHTTPRequestHandler):
    """Keeps the last comment it was told."""

    told: tuple[str, str, object] = ("", "", None)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        _Forge.told = (self.path, self.headers["Authorization"], body)
        self.send_response(201)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


def test_the_plan_is_said_on_the_change(tmp_path: pathlib.Path):
    (tmp_path / "plan.md").write_text("## What this change does\n")
    with http.server.HTTPServer(("127.0.0.1", 0), _Forge) as forge:
        threading.Thread(target=forge.handle_request, daemon=True).start()
        result = subprocess.run(
            ["/bin/sh", "-c", pipeline.stages()["comment"].script.replace("python", "python3")],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "COMMENT_URL": f"http://127.0.0.1:{forge.server_port}/notes",
                "COMMENT_TOKEN": "hidden",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "said on the change: 201\n"
    assert _Forge.told == ("/notes", "Bearer hidden", {"body": "## What this change does\n"})
