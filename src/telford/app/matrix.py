"""`telford matrix`: one thing across all places, differences first. The portal shows the same."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telford.basics.diagnostics import Position
from telford.basics.errors import UsageError
from telford.estate import fields, overlays
from telford.estate.model import Bound, Entity, Estate, Link
from telford.estate.place import Place

# What says nothing about one thing in a place.
_HEAD = frozenset({"apiVersion", "kind"})


@dataclass(frozen=True, slots=True)
class Cell:
    """A field in some places: its value (None where it is not there), and the layer and the line
    that decide ("" and None where nothing does).
    """

    value: Any
    layer: str
    position: Position | None

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "value": self.value,
            "layer": self.layer or None,
            "position": str(self.position) if self.position else None,
        }


@dataclass(frozen=True, slots=True)
class Column:
    """Places in which every field that is shown has the same value; `absent` ones lack the thing."""

    places: tuple[str, ...]
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A field across the columns; `differs` where its values are not all the same."""

    field: str
    cells: tuple[Cell, ...]

    @property
    def differs(self) -> bool:
        """Whether two places that have the thing have different values."""
        return any(cell.value != self.cells[0].value for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Matrix:
    """An entity across all places. `columns` that are absent stand last and have no cells; rows
    that differ stand first.
    """

    address: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def present(self) -> tuple[Column, ...]:
        """The columns that have cells, in the order of the cells."""
        return tuple(column for column in self.columns if not column.absent)

    @property
    def different(self) -> tuple[Row, ...]:
        """The rows that differ."""
        return tuple(row for row in self.rows if row.differs)

    @property
    def same(self) -> tuple[Row, ...]:
        """The rows that say the same everywhere."""
        return tuple(row for row in self.rows if not row.differs)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "address": self.address,
            "columns": [{"places": list(c.places), "absent": c.absent} for c in self.columns],
            "rows": [
                {
                    "field": row.field,
                    "differs": row.differs,
                    "cells": [cell.as_json() for cell in row.cells],
                }
                for row in self.rows
            ],
        }


def matrix(estate: Estate, address: str, wanted: Sequence[str] = ()) -> Matrix:
    """One thing in every place; `wanted` narrows it to fields and what lies in them.

    Raises `UsageError` for an address or a field that there is not, and where the estate has no
    place; `RefusedError` where an overlay makes the thing invalid somewhere.
    """
    entity = overlays.one(estate, address)
    places = overlays.places(estate)
    if not places:
        raise UsageError(
            "the estate has no environment, so there is nothing to compare",
            fix="`telford explain` shows the base; add an Environment for a place",
        )
    there = [place for place in places if not overlays.absent(estate, entity, place)]
    by_place = {place: _values(estate, entity, place) for place in there}
    names = list(dict.fromkeys(name for found in by_place.values() for name in found))
    base = overlays.at(estate, entity, None)
    shown = [name for name in names if not wanted or _asked(name, wanted, base)]
    _known(base, wanted, shown)
    columns = _columns(there, by_place, shown)
    rows = [_row(estate, entity, name, columns, by_place) for name in shown]
    # Sorting is stable: within both halves the kind's own order stays.
    rows.sort(key=lambda row: not row.differs)
    gone = tuple(str(place) for place in places if place not in by_place)
    every = [Column(tuple(map(str, group))) for group in columns]
    absent = [Column(gone, absent=True)] if gone else []
    return Matrix(str(entity.address), (*every, *absent), tuple(rows))


def _values(estate: Estate, entity: Entity, place: Place) -> dict[str, Any]:
    leaves = fields.leaves(overlays.at(estate, entity, place))
    return {name: value for name, value in leaves if name not in _HEAD}


def _asked(name: str, wanted: Sequence[str], base: Bound) -> bool:
    return any(fields.within(one, name, base) for one in wanted)


def _known(base: Bound, wanted: Iterable[str], shown: Sequence[str]) -> None:
    """Refuse a field that the kind does not have; one that is just not set anywhere is fine."""
    for one in wanted:
        if not any(fields.within(one, name, base) for name in shown):
            fields.value_of(base, fields.parse(one, base))


def _columns(
    places: Iterable[Place], by_place: Mapping[Place, Mapping[str, Any]], shown: Sequence[str]
) -> list[list[Place]]:
    """Places with the same values together, in their order."""
    groups: dict[str, list[Place]] = {}
    for place in places:
        values = by_place[place]
        key = repr([values.get(name) for name in shown])
        groups.setdefault(key, []).append(place)
    return list(groups.values())


def _row(
    estate: Estate,
    entity: Entity,
    name: str,
    columns: Sequence[Sequence[Place]],
    by_place: Mapping[Place, Mapping[str, Any]],
) -> Row:
    cells = tuple(
        _cell(estate, entity, name, group[0], by_place[group[0]].get(name)) for group in columns
    )
    return Row(name, cells)


def _cell(estate: Estate, entity: Entity, name: str, place: Place, value: Any) -> Cell:
    last = next(_last(estate, entity, name, place), None)
    if last is None or (value is None and (last.position is None or last.value is not None)):
        return Cell(value, "", None)
    return Cell(value, last.layer, last.position)


def _last(estate: Estate, entity: Entity, name: str, place: Place) -> Iterator[Link]:
    """The link that decides; none for an item of a list that is not there."""
    try:
        yield overlays.chain(estate, str(entity.address), place, name)[-1]
    except UsageError:
        return
