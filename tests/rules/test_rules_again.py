"""Applying the rules again after edits finds what applying them anew finds."""

import datetime as dt
import pathlib

import pytest

import estate_edits
from telford.app import loading
from telford.rules import again, registry

EDITS = 8
TODAY = dt.date(2026, 3, 2)


@pytest.mark.parametrize("name", estate_edits.ESTATES)
def test_edits_in_a_row_are_judged_as_anew(name: str, tmp_path: pathlib.Path):
    edits = estate_edits.Edits(name, tmp_path)
    reloader = loading.Reloader([tmp_path])
    checker = again.Checker()
    for _ in range(EDITS):
        loaded = reloader.estate()
        assert checker.check(loaded, TODAY) == registry.check(loaded, TODAY)
        # Nothing has changed: nothing is judged otherwise.
        assert checker.check(loaded, TODAY) == registry.check(loaded, TODAY)
        edits.make()


def test_a_document_is_judged_again_when_what_it_names_changes(tmp_path: pathlib.Path):
    """The finding is about the one that was not edited."""
    estate_edits.Edits("boutique", tmp_path)
    reloader = loading.Reloader([tmp_path])
    checker = again.Checker()
    before = checker.check(reloader.estate(), TODAY)
    people = tmp_path / "people.yaml"
    text = people.read_text(encoding="utf-8")
    people.write_text(text.replace("name: ada\n", "name: adah\n"), encoding="utf-8")
    found = checker.check(reloader.estate(), TODAY)
    assert {one.code for one in found} - {one.code for one in before} == {"TEL130"}
