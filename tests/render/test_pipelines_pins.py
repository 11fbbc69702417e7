"""Pipelines run what the organisation's lock holds, and nothing is made up where it holds nothing."""

import delivered
import pytest

from telford.basics.diagnostics import Severity
from telford.road import pins
from telford.road.architecture import Architecture, Pin

_TARGETS = pytest.mark.parametrize("target", ["github-actions", "gitlab-ci", "jenkins"])
_COMMIT, _IMAGE = "a" * 40, "sha256:" + "b" * 64


def _held(**found: str) -> Architecture:
    named = {name: Pin(name, digest, date="2026-01-01") for name, digest in found.items()}
    return Architecture(pins=named)


def _codes(held: Architecture, *wanted: str) -> list[str]:
    return [problem.code for problem in pins.locked(held, wanted, "x").problems]


@_TARGETS
def test_without_pins_nothing_is_made_and_each_one_is_asked_for(target: str):
    known = delivered.estate(delivered.ROAD, delivered.service("orders"))
    found = delivered.rendered(target, known)
    missing = [problem for problem in found.diagnostics if problem.code == "TEL570"]
    assert found.units == ()
    assert len(missing) >= 5
    assert all(problem.severity is Severity.ERROR for problem in missing)
    trivy = next(one for one in missing if "trivy" in one.summary)
    assert trivy.address == "architecture/ours"
    assert trivy.fix == (
        'add to a document of kind Pins: pins: {"docker.io/aquasec/trivy:0.50.1":'
        ' {digest: "sha256:<64 digits>", source: <URL>, date: <YEAR-MONTH-DAY>}}'
    )


@_TARGETS
def test_without_a_repository_nothing_is_made(target: str):
    known = delivered.estate(delivered.service("orders"))
    found = delivered.rendered(target, known)
    assert found.units == ()
    assert "TEL574" in {problem.code for problem in found.diagnostics}


def test_jenkins_signs_with_no_token_of_its_own():
    road = delivered.ROAD.replace("issuer: https://id.example.com\n", "")
    found = delivered.rendered("jenkins", delivered.estate(road))
    assert "TEL575" in {problem.code for problem in found.diagnostics}


@_TARGETS
def test_a_service_whose_sources_are_not_known_is_named(target: str):
    text = delivered.service("orders").replace("system: shop\n", "")
    found = delivered.rendered(target, delivered.estate(delivered.ROAD, text))
    (said,) = [problem for problem in found.diagnostics if problem.code == "TEL573"]
    assert said.severity is Severity.INFO
    assert "service/orders" in said.summary
    assert said.position is not None


def test_a_pin_of_another_version_is_taken_where_it_is_the_only_one():
    held = _held(**{"actions/checkout@v5": _COMMIT})
    found = pins.locked(held, ["actions/checkout@v4"], "x")
    assert found.whole
    assert found.reference("actions/checkout@v4") == f"actions/checkout@{_COMMIT}"
    assert found.version("actions/checkout@v4") == "v5"


def test_of_two_other_versions_none_is_taken():
    held = _held(**{"a/b:1": _IMAGE, "a/b:2": _IMAGE})
    assert _codes(held, "a/b:3") == ["TEL571"]
    assert _codes(held, "a/b:2") == []


def test_an_image_of_a_registry_with_a_port_is_itself():
    held = _held(**{"registry.example.com:5000/a/b:1": _IMAGE})
    found = pins.locked(held, ["registry.example.com:5000/a/b:2"], "x")
    assert found.reference("registry.example.com:5000/a/b:2") == (
        f"registry.example.com:5000/a/b@{_IMAGE}"
    )


@pytest.mark.parametrize(
    ("name", "digest"), [("actions/checkout@v4", _IMAGE), ("docker.io/x:1", _COMMIT)]
)
def test_a_digest_of_the_wrong_form_is_refused(name: str, digest: str):
    assert _codes(_held(**{name: digest}), name) == ["TEL571"]


def test_a_pin_far_older_than_the_newest_is_said():
    held = Architecture(
        pins={
            "a:1": Pin("a:1", _IMAGE, date="2026-01-01"),
            "b:1": Pin("b:1", _IMAGE, date="2026-06-30"),
            "c:1": Pin("c:1", _IMAGE, date="2026-07-01"),
        }
    )
    (said,) = pins.locked(held, held.pins, "x").problems
    assert (said.code, said.severity) == ("TEL572", Severity.INFO)
    assert said.summary == "a:1 was pinned on 2026-01-01, the newest pin is of 2026-07-01"
