"""What reading leaves behind for the next time, as text: the cache of a large estate.

A file in which nothing is wrong says the same as long as its text does. What is kept of it is its
entities' heads and fields (as JSON, one row an entity, never pickle), and what its overlays make
of them; enough to skip YAML, shapes, overlays and checks. Entities that come from here make their
fields on first use, and read the text again only where somebody asks for positions.

    header: one line of JSON: what the places were, the files with their hashes, the entities' heads
    rows:   one line of JSON an entity: [fields, [[layers, changed fields, removed fields], ...]]

Whoever keeps the text guards it against damage (`telford.backends.cache`); what does not look as
it should is not believed here either. Called by `telford.app.loading`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.basics.yamltext import Mapping as MappingNode
from telford.estate import documents, layers, overlays, reading
from telford.estate.address import Address
from telford.estate.kinds import registry
from telford.estate.kinds.base import Kind
from telford.estate.model import Entity, KeptFile, LaterEntity, Memory, Overlay, Reach

_FORMAT = 1
_KINDS: Mapping[str, type[Kind]] = {kind.__name__.lower(): kind for kind in registry.KINDS}
# What a text that is not what it should be can raise while it is taken apart.
_WRONG = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)

NOTHING = Memory("", {}, {})


def digest(data: Mapping[str, Any]) -> str:
    """A hash of fields as they are written: comments and order do not count."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def mark(address: Address, base: str, over: Iterable[Overlay]) -> str:
    """A hash of base and overlays: equal for entities that mean the same everywhere."""
    said = [(o.layer, None if o.absent else yamltext.plain(o.node)) for o in over]
    if not said:
        return base
    text = json.dumps([str(address), base, said], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def row(
    data: Mapping[str, Any], resolved: Iterable[tuple[tuple[str, ...], Mapping[str, Any]]]
) -> str:
    """What is kept of an entity: its fields, and how they differ with each set of layers."""
    differing = []
    for applied, over in resolved:
        changed = {k: v for k, v in over.items() if k not in data or data[k] != v}
        differing.append([applied, changed, [k for k in data if k not in over]])
    return json.dumps([data, differing], separators=(",", ":"), check_circular=False)


def encode(memory: Memory, digests: Mapping[str, str]) -> str:
    """The text of a memory. `digests` are the hashes of the files' contents."""
    files: list[Any] = []
    heads: list[Any] = []
    rows: list[str] = []
    for name, kept in memory.files.items():
        files.append([name, digests[name], len(kept.rows), _warnings(kept.warnings)])
        heads += [_head(entity) for entity in kept.entities]
        rows += kept.rows
    header = {"format": _FORMAT, "places": memory.places, "files": files, "heads": heads}
    return "\n".join([json.dumps(header, separators=(",", ":"), check_circular=False), *rows])


def _head(entity: Entity) -> list[Any]:
    address = entity.address
    over = [[r.layer, r.environment, r.region, r.cluster, r.absent, r.sets] for r in entity.reaches]
    start = [address.kind, address.system, address.name, entity.digest]
    return [*start, entity.mark, over] if over else start


def _warnings(warnings: Iterable[Diagnostic]) -> list[Any]:
    rows = []
    for one in warnings:
        assert one.position is not None, "a warning about a file says where it is"
        place = [one.position.line, one.position.column, one.length, one.address]
        rows.append([one.code, one.summary, one.detail, one.fix, *place])
    return rows


def decode(text: str, digests: Mapping[str, str], texts: Mapping[str, str]) -> Memory:
    """The memory of those files whose contents are the same; nothing where it is no such text."""
    header, *rows = text.split("\n")
    try:
        found = json.loads(header)
        if found["format"] != _FORMAT or len(found["heads"]) != len(rows):
            return NOTHING
        return Memory(_text(found["places"]), dict(_files(found, rows, digests, texts)), {})
    except _WRONG:
        return NOTHING


def _files(
    found: Any, rows: list[str], digests: Mapping[str, str], texts: Mapping[str, str]
) -> Iterable[tuple[str, KeptFile]]:
    heads = found["heads"]
    start = 0
    for name, hashed, count, warnings in found["files"]:
        end = start + count
        if end < start or end > len(rows):
            raise ValueError("a file has as many entities as there are rows for it")
        if digests.get(name) == hashed:
            source = _Text(name, texts[name])
            entities = [
                _entity(head, rows[start + index], source, index)
                for index, head in enumerate(heads[start:end])
            ]
            said = tuple(_warning(name, *one) for one in warnings)
            yield name, KeptFile(tuple(entities), tuple(rows[start:end]), said)
        start = end


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("this is always text")
    return value


def _warning(file: str, code: str, summary: str, detail: str, fix: str, *place: Any) -> Diagnostic:
    line, column, length, address = place
    return Diagnostic(
        _text(code),
        Severity.WARNING,
        _text(summary),
        address=_text(address),
        position=Position(file, int(line), int(column)),
        length=int(length),
        detail=_text(detail),
        fix=_text(fix),
    )


def _entity(head: list[Any], kept: str, source: "_Text", index: int) -> Entity:
    kind, system, name, hashed, *over = head
    # One look at all four: this is done for every entity of an estate.
    if not type(kind) is type(system) is type(name) is type(hashed) is str:
        raise TypeError("this is always text")
    address = Address(kind, system, name)
    reaches: tuple[Reach, ...] = ()
    marked = hashed
    if over:
        marked = _text(over[0])
        reaches = tuple([_reach(*one) for one in over[1]])
    later = _Later(_KINDS[kind], kept, source, index, reaches)
    return LaterEntity(address, source.file, hashed, marked, reaches, later)


def _reach(
    layer: Any, environment: Any, region: Any, cluster: Any, absent: Any, sets: Any
) -> Reach:
    if not type(layer) is type(environment) is type(region) is type(cluster) is str:
        raise TypeError("this is always text")
    keys = tuple(map(_text, sets))
    return Reach(layer, environment, region, cluster, absent=absent is True, sets=keys)


@dataclass(slots=True)
class _Text:
    """The text of a kept file, read again when somebody asks for its nodes."""

    file: str
    text: str
    read: list[reading.Document] = field(default_factory=list)

    def document(self, index: int) -> reading.Document:
        if not self.read:
            self.read = reading.read(self.text, self.file).documents
        return self.read[index]


@dataclass(slots=True)
class _Later:
    """Implements `telford.estate.model.Source` for an entity whose file is unchanged."""

    model: type[Kind]
    row: str
    file: _Text
    index: int
    reaches: tuple[Reach, ...]

    def spec(self) -> Kind:
        """The base, from its row; from the text where the row is not right after all."""
        try:
            return self.model.model_validate(json.loads(self.row)[0])
        except (*_WRONG, ValidationError):
            spec = self.file.document(self.index).spec
            assert spec is not None, "only files without an error are kept"
            return spec

    def document(self) -> tuple[MappingNode, tuple[Overlay, ...]]:
        """The positioned tree and the overlays, from the text."""
        document = self.file.document(self.index)
        return document.node, layers.read(
            document.node, layers.named(self.reaches), document.reader
        )

    def resolved(self, entity: Entity, applied: tuple[str, ...]) -> Kind:
        """The fields with these layers, from the row; merged anew where they are not in it."""
        try:
            data, differing = json.loads(self.row)
            for layered, changed, removed in differing:
                if tuple(layered) == applied:
                    kept = {k: v for k, v in data.items() if k not in removed}
                    return self.model.model_validate({**kept, **changed})
        except (*_WRONG, ValidationError):
            pass
        spec = documents.Reader(self.model).validate(self.merged(entity, applied))
        assert spec is not None, "only what is right in every place is kept"
        return spec

    def merged(self, entity: Entity, applied: tuple[str, ...]) -> MappingNode:
        """The tree with these layers over the base."""
        return overlays.merged(entity, applied)
