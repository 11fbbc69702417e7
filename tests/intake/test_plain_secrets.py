"""A secret that an import has to keep is told by its place, and never by its value."""

from typing import Any

import pytest

from telford.basics.diagnostics import Position
from telford.intake import plaintext
from telford.intake.imported import Document

HELD = "hunter2hunter2"


def document(kind: str = "Service", **more: Any) -> Document:
    value = {"apiVersion": "telford/v1", "kind": kind, "name": "a", "system": "s"} | more
    return Document("s/a.yaml", value, (Position("k.yaml", 3, 1),))


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"run": {"env": {"DB_PASSWORD": HELD}}}, "run.env.DB_PASSWORD"),
        ({"run": {"env": {"URL": f"postgres://u:{HELD}@db/x"}}}, "run.env.URL"),
        ({"run": {"args": [f"--password={HELD}"]}}, "run.args.0"),
        ({"run": {"args": ["--db-password", HELD]}}, "run.args.1"),
        ({"run": {"command": ["-H", f"Authorization: Bearer {HELD}"]}}, "run.command.1"),
        ({"object": {"spec": {"password": HELD}}}, "object.spec.password"),
        ({"sidecars": [{"name": "p", "env": {"API_TOKEN": HELD}}]}, "sidecars.p.env.API_TOKEN"),
        ({"list": [{"name": "db.password", "value": HELD}]}, "list.db.password"),
    ],
)
def test_a_secret_that_is_written_out_is_told_by_its_place_alone(more: dict[str, Any], place: str):
    (item,) = plaintext.found([document(**more)])
    assert item.code == "TEL615"
    assert item.summary.endswith(f": {place}")
    assert HELD not in str(item.as_json())


@pytest.mark.parametrize(
    "more",
    [
        {"run": {"env": {"DB_PASSWORD": {"secret": "a", "key": "DB_PASSWORD"}}}},
        {"run": {"env": {"DB_PASSWORD": "$(OTHER)", "TOKEN": "{{ token }}", "PASSWORD": ""}}},
        {"run": {"env": {"DB_PASSWORD_FILE": "/run/secrets/db", "LOG": "info"}}},
        {"run": {"env": {"URL": "postgres://db:5432/x", "MAIL": "a@b.example"}}},
        {"run": {"args": ["--password-file", "/x", "--token", "--verbose"]}},
        {"object": {"secretKey": "password", "secret": "db"}},
    ],
)
def test_references_and_files_are_no_secrets(more: dict[str, Any]):
    assert not list(plaintext.found([document(**more)]))


def test_configs_have_a_diagnostic_of_their_own():
    assert not list(plaintext.found([document("Config", data={"password": HELD})]))
