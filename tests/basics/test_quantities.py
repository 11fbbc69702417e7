"""Durations, percentages and quantities: exact, and refused with a sentence."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telford.basics import units
from telford.estate import suggestions


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("300ms", "0.3"), ("30s", "30"), ("1h30m", "5400"), ("30d", "2592000"), ("1w", "604800"), ("0.5s", "0.5")],
)  # fmt: skip
def test_durations_are_exact(text: str, seconds: str):
    assert units.seconds(text) == Decimal(seconds)


@pytest.mark.parametrize("text", ["", "30", "s", "30 s", "5m!", "-5s", "1h 30m", "5M"])
def test_what_is_no_duration_is_refused(text: str):
    with pytest.raises(units.UnitError, match="not a duration"):
        units.seconds(text)


@given(st.integers(0, 10**9))
def test_the_text_of_a_duration_means_the_same(milliseconds: int):
    value = Decimal(milliseconds) / 1000
    assert units.seconds(units.duration_text(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("250m", "0.25"), ("0.5", "0.5"), ("1Ki", "1024"), ("128Mi", "134217728"), ("1G", "1000000000"), ("1e3", "1000")],
)  # fmt: skip
def test_quantities_are_those_of_kubernetes(text: str, value: str):
    assert units.quantity(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "1MB", "1 Mi", "Mi", "1mi", "--1"])
def test_what_is_no_quantity_is_refused(text: str):
    with pytest.raises(units.UnitError, match="not a quantity"):
        units.quantity(text)


def test_percentages_become_ratios():
    assert units.ratio("99.5%") == Decimal("0.995")
    with pytest.raises(units.UnitError, match="percent sign"):
        units.ratio("0.995")


@pytest.mark.parametrize(
    ("text", "known", "meant"),
    [
        ("dead_letter", ["deadLetter", "durable"], "deadLetter"),
        ("comand", ["command", "args"], "command"),
        ("zzz", ["command"], None),
        ("", ["a"], None),
    ],
)
def test_the_nearest_is_found_or_nothing(text: str, known: list[str], meant: str | None):
    assert suggestions.nearest(text, known) == meant


@pytest.mark.parametrize(
    ("key", "path", "fix"),
    [
        ("replicas", "", "`replicas` belongs at `run.replicas`"),
        ("dependsOn", "", "did you mean `uses`?"),
        ("teir", "", "did you mean `tier`?"),
        ("port", "run", "`port` belongs at `run.ports[].port`"),
        ("port", "", "`port` belongs at `uses[].port` or `routes[].port` or `run.ports[].port`"),
    ],
)
def test_a_key_of_another_place_or_format_is_led_home(key: str, path: str, fix: str):
    places = {
        "replicas": ("run.replicas", "run.local.replicas"),
        "port": ("uses[].port", "routes[].port", "run.ports[].port"),
    }
    assert suggestions.for_key(key, ["tier", "uses", "run"], places, path).fix == fix
