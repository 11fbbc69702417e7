"""The YAML language server completes, explains and marks by the exported schema.

Needs npm's yaml-language-server on the PATH (or in .tools/bin).
"""

import pathlib
from collections.abc import Iterator

import language_server
import pytest
from cli_runs import run

import optional
from telford.estate.kinds import registry

HEAD = "apiVersion: telford/v1\n"


@pytest.fixture
def editor(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[language_server.Editor]:
    program = optional.require_tool("yaml-language-server")
    schema = tmp_path / "telford.schema.json"
    assert run(capsys, "schema", "--out", str(schema)).code == 0
    with language_server.editor(program, schema) as found:
        yield found


def test_it_offers_what_may_stand_there(editor: language_server.Editor):
    assert editor.offered(f"{HEAD}kind: |") == list(registry.BY_NAME)
    datastore = f"{HEAD}kind: Datastore\nname: book\n"
    assert {"engine", "backup", "owner", "in"} <= set(editor.offered(f"{datastore}|"))
    assert "uses" not in editor.offered(f"{HEAD}kind: Team\nname: a\n|")
    assert "cassandra" in editor.offered(f"{datastore}engine: |")
    service = f"{HEAD}kind: Service\nname: orders\n"
    assert {"service", "timeout", "fallback"} <= set(editor.offered(f"{service}uses:\n  - |"))
    overlay = editor.offered(f"{service}in:\n  prod:\n    |")
    assert "run" in overlay
    assert not {"kind", "name", "owner", "in"} & set(overlay)
    assert "minInSync" in editor.offered(f"{HEAD}kind: Stream\nname: placed\nkafka:\n  |")


def test_it_says_what_a_key_and_its_words_mean(editor: language_server.Editor):
    text = editor.hovered(f"{HEAD}kind: Stream\nname: placed\nengine: kafka\nord|ering: key\n")
    assert "Which messages stay in order" in text
    assert "Messages with the same key stay in order" in text


def test_it_marks_what_is_wrong_and_nothing_else(editor: language_server.Editor):
    service = f"{HEAD}kind: Service\nname: orders\n"
    wrong = "tier: 9\nteir: 1\nuses:\n  - {service: a, timeout: 30 minutes}\nin:\n  prod: {replicas: 3}\n"
    marked = sorted(line.partition(":")[0] for line in editor.wrong(service + wrong))
    assert marked == ["4", "5", "7", "9"]
    right = "uses: [{service: a, timeout: 30s}]\nin: {prod: null, dev: {tier: 1, run: null}}\nx-own: 1\ntype:\n"
    assert editor.wrong(service + right) == []
    assert editor.wrong(f"{HEAD}kind: Team\nname: Front\n") == [
        "3: Write a DNS label: small letters, digits and hyphens."
    ]
