"""The tables of resources say what the kinds of the estate have, and where their names come from."""

import typing
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any

import pytest
from pydantic import BaseModel

from telford.basics import resources, units
from telford.estate.kinds import registry
from telford.intake.cloud import converting, tables
from telford.intake.cloud.tables import Entry
from telford.intake.terraform import reading

_STRUCTURES = {"reference", "pairs", "ports", "secrets", "presence"}
_ROLES = {"thing", "part", "link", "through", "definition"}
_TERRAFORM = tables.load("telford.intake.terraform", *reading.TABLES)
_CLOUDFORMATION = tables.load(
    "telford.intake.cloudformation",
    "resources.toml",
    under="Properties",
    beside=("Type", "DeletionPolicy"),
)
_ENTRIES = {**_TERRAFORM, **_CLOUDFORMATION}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif typing.get_origin(annotation) in (UnionType, typing.Union, typing.Annotated):
        for argument in typing.get_args(annotation):
            yield from _models(argument)


def _has(model: type[BaseModel], dotted: str) -> bool:
    """Whether a model has a field, by the keys of documents."""
    first, _, rest = dotted.partition(".")
    for name, field in model.model_fields.items():
        if (field.alias or name) == first:
            return not rest or any(_has(inner, rest) for inner in _models(field.annotation))
    return False


def _kinds(entry: Entry) -> set[str]:
    """The kinds whose fields an entry may set: its own, or those of the things it belongs to."""
    if entry.kind:
        return {entry.kind}
    return {"Service", "Datastore", "Stream", "Secret", "Cluster"} if entry.fields else set()


@pytest.mark.parametrize("name", sorted(_ENTRIES))
def test_an_entry_says_what_the_kinds_have(name: str) -> None:
    entry = _ENTRIES[name]
    assert entry.source.startswith("https://")
    assert entry.role in _ROLES
    kinds = [registry.BY_NAME[kind] for kind in _kinds(entry)]
    said = [one.to for one in entry.fields] + [*entry.fixed, *entry.default]
    said += [key for one in entry.fields for key in one.also]
    for dotted in said:
        assert any(_has(kind, dotted) for kind in kinds), dotted
    for one in entry.fields:
        assert one.convert in converting.FUNCTIONS.keys() | _STRUCTURES, one
    assert entry.role != "part" or entry.of is not None
    assert entry.role != "link" or entry.link is not None


@pytest.mark.parametrize("name", sorted(n for n, e in _ENTRIES.items() if e.role == "thing"))
def test_a_thing_needs_no_more_than_its_entry_gives(name: str) -> None:
    """With what is fixed, and any of the values that are required, the kind has a document."""
    entry = _ENTRIES[name]
    value: dict[str, Any] = {"kind": entry.kind, "name": "x", **_nested(entry.fixed)}
    for one in entry.fields:
        for given in one.values.values() if one.required else ():
            registry.BY_NAME[entry.kind].model_validate(value | {one.to: given})
    if not any(one.required for one in entry.fields):
        registry.BY_NAME[entry.kind].model_validate(value)


def _nested(fixed: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for dotted, item in fixed.items():
        first, _, rest = dotted.partition(".")
        made[first] = {rest: item} if rest else item
    return made


@pytest.mark.parametrize(
    ("function", "given", "expected"),
    [
        ("days", 14, "14d"),
        ("days", "7", "7d"),
        ("days", 0, None),
        ("seconds", 345_600, "4d"),
        ("seconds", 90, "90s"),
        ("seconds", True, None),
        ("milliseconds", 604_800_000, "7d"),
        ("milliseconds", 1_500, "1500ms"),
        ("span", "604800s", "7d"),
        ("span", "7 days", None),
        ("gibibytes", 100, "100Gi"),
        ("gibibytes", -1, None),
        ("mebibytes", "512", "512Mi"),
        ("cpu-units", 256, "250m"),
        ("cpu-units", "2048", "2"),
        ("cpu", "500m", "500m"),
        ("cpu", 0.5, "0.5"),
        ("cpu", "lots", None),
        ("flag", "Enabled", True),
        ("flag", "Suspended", False),
        ("flag", 1, None),
        ("whole", 3.0, 3),
        ("whole", 3.5, None),
        ("text", 16, "16"),
        ("text", True, None),
        ("texts", "a", ["a"]),
        ("texts", ["a", 1], None),
        ("underscored", "POSTGRES_16", "16"),
        ("underscored", "MYSQL_8_0", "8.0"),
        ("as-is", "", None),
    ],
)
def test_values_become_values_of_fields(function: str, given: object, expected: object) -> None:
    assert converting.converted(function, given) == expected


def test_every_duration_is_one_that_fields_take() -> None:
    for name in ("days", "seconds", "milliseconds"):
        for number in (1, 7, 60, 999, 86_400, 10**9):
            text = converting.converted(name, number)
            assert text is not None
            units.seconds(text)


def test_every_function_is_named_by_a_table() -> None:
    used = {one.convert for entry in _ENTRIES.values() for one in entry.fields}
    assert converting.FUNCTIONS.keys() <= used


def test_no_function_fails_for_any_value() -> None:
    odd = [
        None,
        "",
        "x",
        "-1",
        "²",
        "٣s",
        "9" * 400,
        -1,
        0,
        1e308,
        float("inf"),
        float("nan"),
        [],
        {},
        [None],
    ]
    for function in converting.FUNCTIONS.values():
        for value in odd:
            function(value)


def test_an_unknown_key_of_a_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"x": {"source": "https://example.com", "feilds": []}}
    monkeypatch.setattr(resources, "toml", lambda package, name: given)
    with pytest.raises(ValueError, match="feilds"):
        tables.load("telford.intake.terraform", "odd.toml")
