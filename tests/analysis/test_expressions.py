"""Expressions of CEL are told from texts that are none."""

import random

import pytest

from telford.analysis import expressions

GOOD = [
    "true",
    "spec.tier > 0 || size(objectives) > 0",
    "!has(spec.dataClass) || spec.dataClass == 'public' || spec.encrypted",
    "a ? b : c ? d : e",
    "x in [1, 2u, 0x1F, 1.5e3, .5,]",
    "{'a': 1, 'b': [true, null]}.a",
    "spec.uses.all(u, u.timeout != '' && !(u.critical in [false]))",
    "--1 + -x * (y % 2) / 3 - 4",
    'r"\\d" + b\'x\' + """a "quoted" text""" == name',
    "google.protobuf.Timestamp{seconds: 1, nanos: 2}",
    ".root.x[0].y['z']",
    "m.package == 1",
    "// only a comment before\ntrue",
]
BAD = [
    "", "spec.tier >", "a ? b", "'a' +", "(a", "a)", "a b", "[1, 2", "{1}", "1 +* 2", "'open", "a..b",
    "a.1", "for", "a = b", "x ? : y", "f(,)", "{'a' 1}", "@", "!", "a &&", "a & b", "!-a", "m.in == 1", "f(1,)", "true{}",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_an_expression_has_nothing_wrong(text: str):
    assert expressions.problem(text) == ""


@pytest.mark.parametrize("text", BAD)
def test_what_is_none_says_where(text: str):
    assert "column" in expressions.problem(text)


def test_depth_is_bounded():
    assert "nested too deep" in expressions.problem("(" * 3000 + "1" + ")" * 3000)
    assert expressions.problem("!" * 3000 + "a") == ""
    assert expressions.problem("a" + "+a" * 1900) == ""


def test_random_texts_never_raise():
    source = random.Random(7)
    for _ in range(3000):
        expressions.problem("".join(source.choices("ab1.'\"()[]{}?:,!-+&|<=>% \n\\", k=20)))
