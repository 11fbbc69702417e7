"""One entity as its page shows it: what it is, whom it needs and who needs it, and every field with
the text that set it. Called by the portal and by ``/api/entity``.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from telford.app import catalogue, connections, explain, mentions
from telford.basics.diagnostics import Position
from telford.estate.kinds.base import Kind
from telford.estate.model import Entity, Estate, Link
from telford.estate.place import Place

MAX_FIELDS = 500
"""A document with more leaves than this (a carried foreign object) is cut, and says so."""
MAX_VALUE_TEXT = 400
"""Longer values are cut on the page; the file has them whole."""

HEAD = frozenset({"apiVersion", "kind"})
# Fields that are read as prose, in the order of their documents.
PROSE = frozenset({
    "title", "context", "decision", "consequences", "summary", "problem", "goal", "why", "message",
    "fix", "expression", "reason", "hypothesis", "scenario",
})  # fmt: skip
"""Fields that say nothing about this one entity."""


@dataclass(frozen=True, slots=True)
class Field:
    """One leaf of the document: its dotted path, its value here, and what set it. `chain` is from
    the weakest layer to the one that won; `layer` names the winner.
    """

    path: str
    value: str
    layer: str
    position: Position | None
    chain: tuple[Link, ...]

    @property
    def contested(self) -> bool:
        """Whether more than one text had a say."""
        return sum(link.position is not None for link in self.chain) > 1

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "field": self.path,
            "value": self.value,
            "layer": self.layer,
            "position": str(self.position) if self.position else None,
            "chain": [
                {
                    "layer": link.layer,
                    "value": text_of(link.value),
                    "position": str(link.position) if link.position else None,
                }
                for link in self.chain
            ],
        }


@dataclass(frozen=True, slots=True)
class EntityPage:
    """Everything about one entity that the estate itself says."""

    row: catalogue.Row
    labels: tuple[tuple[str, str], ...]
    uses: tuple[connections.Edge, ...]
    used_by: tuple[connections.Edge, ...]
    blast: tuple[str, ...]
    objectives: tuple[str, ...]
    names: tuple[mentions.Mention, ...]
    named_by: tuple[mentions.Mention, ...]
    links: tuple[tuple[str, str], ...]
    about: tuple[tuple[str, str], ...]
    fields: tuple[Field, ...]
    fields_cut: bool

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            **self.row.as_json(),
            "labels": dict(self.labels),
            "uses": [edge.as_json() for edge in self.uses],
            "used_by": [edge.as_json() for edge in self.used_by],
            "blast_radius": list(self.blast),
            "objectives": list(self.objectives),
            "names": [mention.as_json() for mention in self.names],
            "named_by": [mention.as_json() for mention in self.named_by],
            "links": [{"url": url, "title": title} for url, title in self.links],
            "fields": [field.as_json() for field in self.fields],
        }


def page(
    estate: Estate,
    entity: Entity,
    row: catalogue.Row,
    known: connections.Connections,
    named: mentions.Mentions,
    place: Place | None,
) -> EntityPage:
    """The page of one entity in a place, or of its base fields where there is no place.

    Raises `RefusedError` where an overlay makes the entity invalid there.
    """
    found = tuple(_fields(estate, entity, place))
    return EntityPage(
        row=row,
        labels=tuple(sorted(entity.spec.labels.items())),
        uses=known.uses.get(row.address, ()),
        used_by=known.used_by.get(row.address, ()),
        blast=known.blast(row.address),
        objectives=known.objectives.get(row.address, ()),
        names=named.of.get(row.address, ()),
        named_by=named.by.get(row.address, ()),
        links=tuple((link.url, link.title or link.url) for link in entity.spec.links),
        about=tuple(_about(entity.spec)),
        fields=found[:MAX_FIELDS],
        fields_cut=len(found) > MAX_FIELDS,
    )


def _about(spec: Kind) -> Iterator[tuple[str, str]]:
    """The texts of a document that people read as texts: their key and what they say."""
    names = {reference.path[0] for reference in spec.references()}
    for name, info in type(spec).model_fields.items():
        value, key = getattr(spec, name), info.alias or name
        if name in PROSE and key not in names and isinstance(value, str) and value:
            yield key, value


def text_of(value: object) -> str:
    """A value as people read it, on one line and not too long."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool) or value is None:
        text = {True: "true", False: "false", None: "null"}[value]
    else:
        text = json.dumps(value, default=str)
    return text if len(text) <= MAX_VALUE_TEXT else f"{text[:MAX_VALUE_TEXT]} …"


def _fields(estate: Estate, entity: Entity, place: Place | None) -> Iterator[Field]:
    where = str(place) if place is not None else ""
    for origin in explain.explain(estate, str(entity.address), "", where).origins:
        if origin.field not in HEAD:
            last = origin.decided
            value = text_of(origin.value)
            yield Field(origin.field, value, last.layer, last.position, origin.links)
