"""Whatever a compose file says, import answers with documents and diagnostics: file, line, column
and what to do, never a traceback.
"""

import compose_cases as cases
import pytest

from telford.basics.diagnostics import Severity
from telford.intake.compose import desk, environment, layers, projects
from telford.intake.imported import Status


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("- a list", "TEL620", "compose.yaml:1:1"),
        ("just text", "TEL620", "compose.yaml:1:1"),
        ("web: {image: a}", "TEL620", "compose.yaml:1:1"),
        ("services: [a]", "TEL625", "compose.yaml:1:11"),
        ("services: {web: [a]}", "TEL625", "compose.yaml:1:17"),
        ("services: {web: {image: 5}}", "TEL625", "compose.yaml:1:25"),
        ("services: {web: {image: a, imagee: b}}", "TEL624", "compose.yaml:1:36"),
        ("sevices: {}\nservices: {}", "TEL624", "compose.yaml:1:10"),
        ("services: {web: {image: a, ports: 80}}", "TEL625", "compose.yaml:1:35"),
        ("services: {web: {image: a, ports: ['1-65535']}}", "TEL630", "compose.yaml:1:36"),
        ("services: {web: {image: a, ports: ['abc']}}", "TEL625", "compose.yaml:1:36"),
        ("services: {web: {image: a, ports: [{published: 1}]}}", "TEL625", "compose.yaml:1:36"),
        ("services: {web: {image: a, volumes: ['a:b:c:d']}}", "TEL625", "compose.yaml:1:38"),
        ("services: {web: {image: a, environment: 5}}", "TEL625", "compose.yaml:1:41"),
        ("services: {web: {image: a, environment: {A: [b]}}}", "TEL625", "compose.yaml:1:45"),
        ("services: {web: {image: a, healthcheck: {test: [X]}}}", "TEL625", "compose.yaml:1:41"),
        ("services: {web: {image: a, stop_grace_period: soon}}", "TEL625", "compose.yaml:1:47"),
        ("services: {web: {image: a, restart: sometimes}}", "TEL625", "compose.yaml:1:37"),
        ("services: {web: {image: a, mem_limit: much}}", "TEL625", "compose.yaml:1:39"),
        ("services: {web: {image: a, scale: -1}}", "TEL625", "compose.yaml:1:35"),
        ('services: {web: {image: a, command: "don\'t"}}', "TEL625", "compose.yaml:1:37"),
        ("services: {web: {restart: always}}", "TEL632", "compose.yaml:1:17"),
        ("services: {web: {image: '${'}}", "TEL634", "compose.yaml:1:25"),
        ("services: {web: {image: '${A:?b}'}}", "TEL633", "compose.yaml:1:25"),
        ("services: {web: {image: a, networks: [x]}}", "TEL636", "compose.yaml:1:39"),
        ("services: {web: {image: a, secrets: [x]}}", "TEL636", "compose.yaml:1:38"),
        ("services: {web: {image: a, volumes: ['x:/y']}}", "TEL636", "compose.yaml:1:38"),
        ("services: {web: {image: a, image: b}}", "TEL101", "compose.yaml:1:28"),
        ("services: {web: {image: !bang a}}", "TEL102", "compose.yaml:1:25"),
        ("services: {web: {image: a", "TEL100", "compose.yaml:2:1"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, code: str, place: str) -> None:
    found = cases.imported(text)
    (problem,) = [item for item in found.diagnostics if item.code == code]
    assert str(problem.position) == place
    assert problem.fix
    assert cases.problems(found) == []


def test_no_diagnostic_of_a_compose_file_is_an_error_but_broken_yaml() -> None:
    found = cases.imported("services: {web: {imag: a, ports: x, extends: y, restart: z}}")
    assert {item.severity for item in found.diagnostics} <= {Severity.WARNING, Severity.INFO}


def test_an_unknown_key_is_carried() -> None:
    found = cases.imported("services: {web: {image: a, imagee: {b: [c]}}}\nsevices: {d: e}")
    assert cases.documents(found, "Service")["web"]["x-compose"] == {"imagee": {"b": ["c"]}}
    assert cases.documents(found, "System")["imported"]["x-compose"] == {"sevices": {"d": "e"}}


def test_names_that_become_the_same_are_told_apart() -> None:
    found = cases.imported("services: {a_b: {image: x}, a-b: {image: x}, A.B: {image: x}}")
    assert set(cases.documents(found, "Service")) == {"a-b", "a-b-2", "a-b-3"}
    assert cases.problems(found) == []


def test_tags_count_where_they_stand_only() -> None:
    """`!reset` in a text, or on what an alias repeats, resets nothing else."""
    text = """
x-a: &a !override [one]
services:
  web:
    image: a
    labels: {b: "!reset"}
    cap_add: *a
"""
    found = cases.imported(text)
    web = cases.documents(found, "Service")["web"]
    assert web["annotations"] == {"b": "!reset"}
    assert web["run"]["security"] == {"addCapabilities": ["ONE"]}


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["x-0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8)]
    found = cases.imported("\n".join(lines) + "\nservices: {}\n")
    assert cases.codes(found)["TEL103"] + cases.codes(found)["TEL630"] == 1


def test_files_that_mean_too_much_are_left_out() -> None:
    text = "x-a: &a [" + "1, " * 1000 + "]\nservices:\n"
    text += "".join(f"  s{n}: {{image: i, command: *a}}\n" for n in range(layers.MAX_LEAVES // 900))
    found = cases.imported(text)
    assert cases.codes(found)["TEL630"] == 1
    assert found.report.fates == ()


def test_deep_nesting_is_refused() -> None:
    found = cases.imported("services: " + "[" * 10_000)
    assert cases.codes(found)["TEL103"] == 1


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("compose.yaml", "services: {}", True),
        ("x/docker-compose.prod.yml", "services: {}", True),
        ("podman-compose.yaml", "x: 1", True),
        ("stack.yml", "version: '3'\nservices:\n  web:\n    image: a\n", True),
        ("stack.yml", "services:\n\n  # who\n  'web':\n    build: .\n", True),
        (".gitlab-ci.yml", "services:\n- postgres\nimage: a\n", False),
        ("app.yaml", "apiVersion: v1\nkind: Pod\nservices:\n  a:\n    image: b\n", False),
        ("compose.yaml", "apiVersion: telford/v1\nkind: System\n", False),
        ("compose.json", "services: {}", False),
        ("decompose.yaml", "a: 1", False),
    ],
)
def test_files_are_known_by_name_or_by_what_they_say(path: str, text: str, expected: bool) -> None:
    assert projects.claims(path, text) is expected


def test_a_service_has_so_many_settings_and_no_more() -> None:
    lines = "".join(f"      A{n}: x\n" for n in range(environment.MAX_SETTINGS + 50))
    found = cases.imported(f"services:\n  web:\n    image: a\n    environment:\n{lines}")
    web = cases.documents(found, "Service")["web"]
    assert len(web["run"]["env"]) == environment.MAX_SETTINGS
    assert len(web["x-compose"]["environment"]) == 50
    assert cases.codes(found)["TEL630"] == 1


def test_what_contradicts_itself_is_kept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """No compose file is known to get there; were there one, nothing of it would be lost."""
    monkeypatch.setattr(desk, "takes", lambda kind, value: False)
    text = "services: {web: {image: a, ports: ['80'], environment: {DB_PASSWORD: sesame}}}"
    found = cases.imported(text)
    web = cases.documents(found, "Service")["web"]
    assert web["x-compose"] == {
        "image": "a",
        "ports": ["80"],
        "environment": {"DB_PASSWORD": "${SECRET}"},
    }
    assert cases.accounted(found) == cases.written({"compose.yaml": text})
    assert cases.count(found, Status.MAPPED) == 0
    assert cases.problems(found) == []
    assert "sesame" not in repr(found)


def test_characters_that_no_yaml_may_have_are_refused() -> None:
    for letter in ("\x00", "\ud800", "\ufffe"):
        found = cases.imported(f"services: {{web: {{ports: !reset [], image: a{letter}}}}}")
        assert cases.codes(found)["TEL105"] == 1


def test_nothing_at_all_is_nothing() -> None:
    for text in ("", "# only a comment\n", "services:\n", "name: x\n"):
        found = cases.imported(text)
        assert cases.documents(found, "Service") == {}
        assert cases.problems(found) == []
