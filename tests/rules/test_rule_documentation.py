"""Every code is documented, and its examples prove what the documentation says."""

import datetime as dt

import pytest

from telford.app import loading
from telford.backends import files
from telford.estate import codes
from telford.estate.codes import Code
from telford.rules import registry

# Rules about days ask for one.
TODAY = dt.date(2026, 11, 22)
EVERY = (*codes.CODES, *registry.codes())


def found(text: str) -> list[str]:
    texts = files.Texts(texts={"example.yaml": codes.PRELUDE + text}, today=TODAY)
    return [d.code for d in loading.of_texts(texts).diagnostics]


@pytest.mark.parametrize("code", EVERY, ids=lambda c: c.code)
def test_the_bad_example_gives_exactly_its_code_and_the_good_one_nothing(code: Code):
    if not code.bad:
        pytest.skip("no text shows it: it is about files")
    # Where two documents disagree both are told.
    assert set(found(code.bad)) == {code.code}
    assert found(code.good) == []


@pytest.mark.parametrize("code", EVERY, ids=lambda c: c.code)
def test_every_code_says_what_it_is_and_why_it_matters(code: Code):
    assert code.title
    assert code.why.endswith((".", "?"))


@pytest.mark.parametrize("code", registry.codes(), ids=lambda c: c.code)
def test_every_rule_says_what_it_asks_for(code: Code):
    assert code.what.endswith(".")


def test_codes_are_used_once():
    assert len({code.code for code in EVERY}) == len(EVERY)
