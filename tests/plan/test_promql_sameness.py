"""Which PromQL expressions are the same though they are written differently."""

import pytest

from telford.plan import promql

SAME = [
    ("sum(rate(x[5m]))", "sum ( rate( x[5m] ) )"),
    ("sum by (a, b) (x)", "sum(x) by (b,a)"),
    ('x{b="1",a=~"2"}', "x{a=~'2', b=`1`,}"),
    ("increase(x[43199m])", "increase(x[29d23h59m])"),
    ("x > 0.10", "x > 1e-1"),
    ("a and on (x) b # why", "a\nAND ON(x) b"),
    ("rate(x[1h:5m] offset 1w)", "rate(x[60m:300s] offset 7d)"),
    ("sum by (a) (max without (b) (x))", "sum(max(x) without (b)) by (a)"),
    ("x offset 5m > bool 1", "x offset 300s > BOOL 1.0"),
]
OTHER = [
    ("sum(rate(x[5m]))", "sum(rate(x[6m]))"),
    ("sum by (a) (x)", "sum without (a) (x)"),
    ('x{a="1"}', 'x{a="2"}'),
    ('x{a="1"}', 'x{a!="1"}'),
    ("a - b", "b - a"),
    ("x > 1", "x >= 1"),
    ("a and b", "a or b"),
    ('x{a="b c"}', 'x{a="b  c"}'),
    ("foo", "Foo"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_another_way_of_writing_is_the_same(one: str, other: str):
    assert promql.same(one, other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_another_meaning_is_not(one: str, other: str):
    assert not promql.same(one, other)


def test_what_is_no_expression_is_the_same_as_itself_alone():
    assert promql.normal('x{a="') is None
    assert promql.same("€", "€")
    assert not promql.same("€", "€ ")
    assert not promql.same("sum by (a", "sum by (b")


@pytest.mark.parametrize(
    ("text", "seconds"), [("1h30m", 5400), ("0", 0), ("250ms", 0.25), ("1w", 604800)]
)
def test_durations_are_seconds(text: str, seconds: float):
    assert promql.duration_seconds(text) == seconds


def test_what_is_no_duration_is_refused():
    with pytest.raises(ValueError, match="5 minutes"):
        promql.duration_seconds("5 minutes")
