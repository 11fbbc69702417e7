"""Every real estate comes in through the one door: whole, without an error, and counted."""

import pathlib
from collections import Counter

import pytest

import optional
from telford.app import importing
from telford.app.importing import Order
from telford.basics.diagnostics import Severity
from telford.intake.imported import Status

ESTATES = ("online-boutique", "bank-of-anthos", "sock-shop", "retail-store", "awesome-compose")


@pytest.mark.parametrize("name", ESTATES)
def test_a_real_estate_is_imported_and_checks_without_an_error(name, tmp_path):
    source = optional.real_estates() / name
    answer = importing.run(Order((source,), recognised=False), tmp_path / "out")
    assert [d for d in answer.diagnostics if d.severity is Severity.ERROR] == []
    assert answer.written
    assert all(fate.to for fate in answer.report.fates if fate.status is not Status.DROPPED)
    assert all(fate.reason for fate in answer.report.fates if fate.status is Status.DROPPED)


def test_a_second_import_changes_nothing(tmp_path):
    source = optional.real_estates() / "sock-shop"
    order = Order((source,), recognised=False)
    importing.run(order, tmp_path / "out")
    assert importing.run(order, tmp_path / "out").written == ()


def test_manifests_and_compose_files_of_one_system_are_one_estate(tmp_path):
    """sock-shop describes the same services twice; each of them is there once."""
    source = optional.real_estates() / "sock-shop"
    answer = importing.run(Order((source,), recognised=False), tmp_path / "out")
    assert answer.gathered.formats.keys() >= {"Kubernetes objects"}
    assert len(answer.gathered.formats) > 1
    things = Counter(
        (d.value["kind"], d.value["name"])
        for d in answer.gathered.imported.documents
        if d.value["kind"] in ("Service", "Datastore")
    )
    assert [name for name, count in things.items() if count > 1] == []


def test_every_file_of_an_estate_is_read_or_named_as_unknown(tmp_path):
    source = optional.real_estates() / "retail-store"
    answer = importing.run(Order((source,), recognised=False), tmp_path / "out")
    read = {fate.file for fate in answer.report.fates}
    given = set(answer.gathered.read.texts) - set(answer.gathered.unknown)
    left = {d.position.file for d in answer.diagnostics if d.position is not None}
    assert given <= read | left
    assert pathlib.Path(tmp_path / "out").is_dir()
