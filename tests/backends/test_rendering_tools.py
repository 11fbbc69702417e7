"""Helm and kustomize run on a short leash: no network, no plugins, limits, and nothing outside."""

import os
import stat
from pathlib import Path

import pytest

import optional
from telford.backends import rendering
from telford.basics.diagnostics import Position
from telford.intake.format import Rendering

_HERE = Position("x", 1, 1)


def _search(tool: str) -> str:
    return str(Path(optional.require_tool(tool)).parent)


def _chart(folder: Path, template: str = "a: {{ .Values.a }}\n") -> Path:
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 0.1.0\n")
    (folder / "values.yaml").write_text("a: one\n")
    (folder / "templates" / "x.yaml").write_text(template)
    return folder


def _helm(path: str = "c", **given: object) -> Rendering:
    return Rendering("helm", path, _HERE, name="c", **given)  # type: ignore[arg-type]


def test_a_chart_is_rendered_with_values_and_settings(tmp_path: Path) -> None:
    folder = _chart(tmp_path / "c", "a: {{ .Values.a }}\nb: {{ .Release.Namespace }}\n")
    (tmp_path / "more.yaml").write_text("a: two\n")
    said: list[str] = []
    search = _search("helm")
    text, reason = rendering.render(
        _helm(namespace="shop", values=("more.yaml",)), folder, say=said.append, search=search
    )
    assert text is not None, reason
    assert "a: two" in text
    assert "b: shop" in text
    assert said[0].split()[1:3] == ["template", "c"]
    text, _ = rendering.render(_helm(settings=('a="three, four"',)), folder, search=search)
    assert text is not None
    assert "a: three, four" in text


def test_a_kustomization_is_rendered(tmp_path: Path) -> None:
    folder = tmp_path / "k"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text("namePrefix: p-\nresources: [c.yaml]\n")
    (folder / "c.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")
    text, reason = rendering.render(
        Rendering("kustomize", "k", _HERE), folder, search=_search("kubectl")
    )
    assert text is not None, reason
    assert "name: p-c" in text


def test_what_a_tool_says_becomes_a_reason(tmp_path: Path) -> None:
    folder = _chart(tmp_path / "c", '{{ fail "no luck" }}\n')
    text, reason = rendering.render(_helm(), folder, search=_search("helm"))
    assert text is None
    assert "no luck" in reason
    assert str(tmp_path) not in reason


def test_missing_dependencies_are_a_sentence(tmp_path: Path) -> None:
    folder = _chart(tmp_path / "c")
    with (folder / "Chart.yaml").open("a") as file:
        file.write("dependencies: [{name: d, version: 1.0.0, repository: https://example.com}]\n")
    text, reason = rendering.render(_helm(), folder, search=_search("helm"))
    assert text is None
    assert reason.startswith("the chart's dependencies are not in its folder")


def test_a_remote_base_is_not_fetched(tmp_path: Path) -> None:
    folder = tmp_path / "k"
    folder.mkdir()
    for base in ("https://127.0.0.1:9/x.yaml", "git@127.0.0.1:x/y.git"):
        (folder / "kustomization.yaml").write_text(f"resources: ['{base}']\n")
        text, reason = rendering.render(
            Rendering("kustomize", "k", _HERE), folder, search=_search("kubectl")
        )
        assert text is None
        assert reason


def test_a_file_outside_of_the_input_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\n")
    folder = tmp_path / "in" / "k"
    folder.mkdir(parents=True)
    (folder / "kustomization.yaml").write_text("resources: [link.yaml]\n")
    (folder / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    one = Rendering("kustomize", "k", _HERE)
    text, reason = rendering.render(one, folder, search=_search("kubectl"))
    assert (text, reason) == (None, "link.yaml leaves the folder that is imported")


def test_values_outside_of_the_input_are_refused(tmp_path: Path) -> None:
    folder = _chart(tmp_path / "in" / "c")
    (tmp_path / "other.yaml").write_text("a: b\n")
    text, reason = rendering.render(
        _helm(values=("../other.yaml",)), folder, search=_search("helm")
    )
    assert text is None
    assert "is not in the folder" in reason


def test_a_tool_that_is_not_there_is_said(tmp_path: Path) -> None:
    one = Rendering("kustomize", "k", _HERE)
    assert rendering.render(one, tmp_path, search=str(tmp_path)) == (
        None,
        "kustomize or kubectl is not installed",
    )


def _tool(folder: Path, script: str) -> str:
    """A stand-in for helm that does what no chart can make it do."""
    folder.mkdir()
    path = folder / "helm"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(folder)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("while :; do :; done", "was not done after 0.5 seconds"),
        ("while :; do echo 0123456789012345678901234567890123456789; done", "wrote more than"),
        ("exit 3", "failed and said nothing"),
    ],
)
def test_a_tool_that_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    monkeypatch.setattr(rendering, "MAX_OUTPUT_BYTES", 100_000)
    folder = _chart(tmp_path / "c")
    limit = 0.5 if "not done" in said else 20
    text, reason = rendering.render(
        _helm(), folder, search=_tool(tmp_path / "bin", script), limit_seconds=limit
    )
    assert text is None
    assert said in reason


def test_a_tool_gets_nothing_of_the_callers_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("HELM_PLUGINS", "/somewhere")
    search = _tool(
        tmp_path / "bin",
        'for v in AWS_SECRET_ACCESS_KEY HELM_PLUGINS HOME PATH HTTPS_PROXY; do eval echo "$v=\\$$v"; done',
    )
    text, _ = rendering.render(_helm(), _chart(tmp_path / "c"), search=search)
    assert text is not None
    found = dict(line.split("=", 1) for line in text.splitlines())
    assert found["AWS_SECRET_ACCESS_KEY"] == ""
    assert found["HELM_PLUGINS"].startswith(found["HOME"])
    assert found["HTTPS_PROXY"] == "http://127.0.0.1:9"
    # The home is gone with the run.
    assert not os.path.exists(found["HOME"])  # noqa: PTH110
    assert found["PATH"].startswith(found["HOME"])
