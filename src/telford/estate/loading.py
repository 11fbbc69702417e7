"""From texts to an estate: every document read, checked and addressed, every problem at once.

    texts -> documents -> kinds -> addresses -> overlays -> every place resolved

A document with errors is not in the estate, but what is left of it once they are cut out is in the
draft, on which the rules look for more: all problems come at once.

A file in which nothing was wrong is taken over from the last reading (`Memory`); the answer is
the same. Nothing is read from disk here (`telford.backends.files` does that), and what concerns
several entities at once is left to `telford.rules`. Called by `telford.app.loading` and
`telford.api`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic, Position, Severity, ordered, without_passwords
from telford.estate import documents, kept, layers, overlays, pruning, reading
from telford.estate.address import Address
from telford.estate.kinds.places import Environment
from telford.estate.model import Entity, Estate, KeptFile, Loaded, Memory
from telford.estate.reading import Document, Foreign

__all__ = ["Foreign", "load", "with_source"]

# A longer line helps nobody, and each of its mistakes would repeat it.
MAX_SOURCE_CHARACTERS = 1000
# Files with one of these are read every time: what overlays may name is made of them.
_PLACES = frozenset({"environment", "region"})


def load(
    texts: Mapping[str, str],
    foreign: Sequence[Foreign] = (),
    memory: Memory = kept.NOTHING,
    *,
    keep: bool = False,
) -> Loaded:
    """Read all texts (file name -> text) into one estate.

    The estate holds all that could be read; `diagnostics` is everything wrong, in a stable order,
    each with its source line. Never raises for anything that a text can say.

    `foreign` are documents of other formats that lie in these texts, in our form: they are read as
    documents of ours, and nothing is said about what they stand for. `memory` holds files that were
    read before, and the caller vouches that their texts are the same: the answer is equal with it
    and without. With `keep` the answer carries the memory for the next time.
    """
    files = _read(texts, foreign, memory)
    claims = list(files.claims())
    problems: list[Diagnostic] = []
    unique = _unique(claims, problems)
    fresh = _entities([one for one in unique if isinstance(one, Document)], files.known)
    draft = _estate(_standing(unique, fresh))
    _take_over(draft, memory)
    checked = overlays.check(draft, fresh.values())
    for one in claims:
        problems += _diagnostics(one) if isinstance(one, Document) else []
    problems += [*files.diagnostics(), *checked.diagnostics]
    estate = _sound(draft, unique, checked.parts)
    return Loaded(
        estate,
        ordered(with_source(problems, texts)),
        _broken(claims, draft, files.unclear),
        None if draft is estate else draft,
        _remembered(files, fresh, draft, checked, problems) if keep else None,
    )


@dataclass(slots=True)
class _Files:
    """All files: those taken over and those that were read, and the places that they describe."""

    kept: dict[str, KeptFile] = field(default_factory=dict)
    read: dict[str, reading.File] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)
    known: layers.Known = field(default_factory=lambda: layers.Known({}, frozenset()))
    places: str = ""

    def claims(self) -> "Iterator[Document | Entity]":
        """What claims an address, in the order of the files."""
        for name in sorted([*self.kept, *self.read]):
            if name in self.read:
                yield from self.read[name].documents
            else:
                yield from self.kept[name].entities

    def diagnostics(self) -> "Iterator[Diagnostic]":
        """What is wrong in each file by itself, its documents left out."""
        for file in self.kept.values():
            yield from file.warnings
        for read in self.read.values():
            yield from read.diagnostics


def _read(texts: Mapping[str, str], foreign: Sequence[Foreign], memory: Memory) -> _Files:
    """Read what is not known, and what overlays make of it where the places changed."""
    others: dict[str, list[Foreign]] = {}
    for one in foreign:
        others.setdefault(one.file, []).append(one)
    files = _Files()
    for name, text in texts.items():
        known = memory.files.get(name) if name not in others else None
        if known is not None:
            files.kept[name] = known
        else:
            files.read[name] = reading.read(text, name, others.get(name, ()))
            files.unclear |= files.read[name].unclear
    _learn_places(files)
    if files.places != memory.places:
        for name in [n for n, f in files.kept.items() if any(e.reaches for e in f.entities)]:
            del files.kept[name]
            files.read[name] = reading.read(texts[name], name)
    return files


def _learn_places(files: _Files) -> None:
    """Every place that is described, and a hash of what overlays are checked against."""
    described = [d for name in sorted(files.read) for d in files.read[name].documents]
    unique = [d for d in _unique(described, []) if isinstance(d, Document)]
    known = _known(unique, files.unclear)
    specs = [d.spec for d in _solid(unique) if isinstance(d.spec, Environment)]
    everywhere = overlays.places_of(overlays.in_order(specs))
    said = [
        sorted(known.environments.items()),
        sorted(known.regions),
        sorted(known.clusters),
        sorted(known.unclear),
        [str(place) for place in everywhere],
    ]
    files.known = known
    files.places = hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _standing(unique: Iterable[Document | Entity], fresh: Mapping[int, Entity]) -> Iterator[Entity]:
    """The entities of the draft, in the order of their files."""
    for one in unique:
        entity = one if isinstance(one, Entity) else fresh.get(id(one))
        if entity is not None:
            yield entity


def _take_over(draft: Estate, memory: Memory) -> None:
    """What is resolved already of the entities that are taken over."""
    for key, bound in memory.resolved.items():
        if draft.entities.get(key[0]) is bound.entity:
            draft.resolved[key] = bound


def _remembered(
    files: _Files,
    fresh: Mapping[int, Entity],
    draft: Estate,
    checked: overlays.Checked,
    problems: Iterable[Diagnostic],
) -> Memory:
    """The memory for the next time: every file in which nothing is wrong."""
    wrong = {d.position.file for d in problems if d.position and d.severity is Severity.ERROR}
    remembered = dict(files.kept)
    for name, file in files.read.items():
        if name in wrong or file.foreign or file.unclear:
            continue
        if any(document.address.kind in _PLACES for document in file.documents):
            continue
        entities = tuple(fresh[id(document)] for document in file.documents)
        rows = [
            kept.row(document.reader.data, checked.data.get(str(document.address), ()))
            for document in file.documents
        ]
        remembered[name] = KeptFile(entities, tuple(rows), tuple(file.diagnostics))
    return Memory(files.places, remembered, draft.resolved)


def _estate(entities: Iterable[Entity]) -> Estate:
    by_address = {str(entity.address): entity for entity in entities}
    ordered_ = dict(sorted(by_address.items()))
    total = hashlib.sha256()
    for address, entity in ordered_.items():
        total.update(f"{address} {entity.mark}\n".encode("utf-8", "surrogatepass"))
    return Estate(ordered_, total.hexdigest())


def _sound(draft: Estate, unique: Sequence[Document | Entity], parts: set[overlays.Key]) -> Estate:
    """The draft without what was read only in part; the draft itself where that is nothing."""
    if not parts and all(isinstance(one, Entity) or one.reader.whole for one in unique):
        return draft
    whole = {str(one.address) for one in unique if isinstance(one, Entity) or one.reader.whole}
    estate = _estate(entity for address, entity in draft.entities.items() if address in whole)
    for key, bound in draft.resolved.items():
        if key[0] in whole and key not in parts:
            estate.resolved[key] = bound
    return estate


def _broken(
    claims: Iterable[Document | Entity], draft: Estate, unclear: set[str]
) -> frozenset[Address]:
    """What is not there, or not at the address it was meant to have, because of an error."""
    lost = {
        one.address
        for one in claims
        if isinstance(one, Document)
        and (str(one.address) not in draft.entities or "system" in one.node.lost)
    }
    return frozenset(lost | {Address("", "", name) for name in unclear})


def with_source(diagnostics: Iterable[Diagnostic], texts: Mapping[str, str]) -> list[Diagnostic]:
    """The diagnostics with the source line of each filled in where it is known."""
    split: dict[str, list[str]] = {}
    result = []
    for diagnostic in diagnostics:
        position = diagnostic.position
        if diagnostic.source or position is None or position.file not in texts:
            result.append(diagnostic)
            continue
        if position.file not in split:
            split[position.file] = yamltext.lines(texts[position.file].removeprefix("\ufeff"))
        text = split[position.file]
        line = text[position.line - 1] if 0 < position.line <= len(text) else ""
        short = len(line) <= MAX_SOURCE_CHARACTERS
        shown = without_passwords(line) if short else ""
        result.append(replace(diagnostic, source=shown) if short else diagnostic)
    return result


def _unique(
    found: Sequence[Document | Entity], diagnostics: list[Diagnostic]
) -> list[Document | Entity]:
    """One document an address; the others are reported with both places."""
    first: dict[Address, Document | Entity] = {}
    for read in _ours_first(found, diagnostics):
        if isinstance(read, Document) and _unsure(read):
            # Its true address is not known, so it can be nobody's double.
            first[replace(read.address, system=f"?{len(first)}")] = read
            continue
        earlier = first.setdefault(read.address, read)
        if earlier is read:
            continue
        name = read.node.values["name"]
        other = earlier.node.values["name"]
        diagnostics.append(
            replace(
                reading.problem_at(
                    read.file,
                    name,
                    "TEL120",
                    f"{read.address} is there twice",
                    "rename one of the two, or remove it",
                ),
                address=str(read.address),
                detail=f"the first is at {Position(earlier.file, other.line, other.column)}",
            )
        )
    return list(first.values())


def _ours_first(
    found: Sequence[Document | Entity], diagnostics: list[Diagnostic]
) -> Sequence[Document | Entity]:
    """Without what another format says of a thing that a document of ours describes."""
    made = [one for one in found if isinstance(one, Document) and one.foreign]
    if not made:
        return found
    foreign = {id(one) for one in made}
    ours = {(one.address.kind, one.address.name): one for one in found if id(one) not in foreign}
    left = [one for one in made if (one.address.kind, one.address.name) in ours]
    for one in left:
        other = ours[one.address.kind, one.address.name]
        summary = f"what this says of {other.address} is left alone: the estate describes it"
        problem = reading.problem_at(
            one.file, one.node, "TEL127", summary, "say in the estate what is missing there"
        )
        detail = f"at {Position(other.file, other.node.line, other.node.column)}"
        diagnostics.append(replace(problem, severity=Severity.INFO, detail=detail))
    gone = {id(one) for one in left}
    return [one for one in found if id(one) not in gone]


def _unsure(read: Document) -> bool:
    return "name" not in read.node.values or "system" in read.node.lost


def _solid(unique: Sequence[Document]) -> Iterator[Document]:
    """Those of which enough was read to be in the draft."""
    taken = {one.address for one in unique if "system" not in one.node.lost}
    for one in unique:
        if one.spec is not None and not ("system" in one.node.lost and one.address in taken):
            yield one


def _entities(unique: Sequence[Document], known: layers.Known) -> dict[int, Entity]:
    """What could be read, whole or in part, with its overlays, by the identity of the document."""
    over = {id(one): layers.read(one.node, known, one.reader) for one in unique}
    made: dict[int, Entity] = {}
    for one in _solid(unique):
        assert one.spec is not None, "what is solid has a model"
        overlays_ = over[id(one)]
        digest = kept.digest(one.reader.data)
        mark = kept.mark(one.address, digest, overlays_)
        made[id(one)] = Entity(one.address, one.spec, one.file, one.node, digest, overlays_, mark)
    return made


def _known(found: Sequence[Document], unclear: set[str]) -> layers.Known:
    """Every place that is described, documents with errors included."""
    environments: dict[str, tuple[str, ...]] = {}
    clusters: set[str] = set()
    unclear = set(unclear)
    for read in found:
        if read.address.kind != "environment":
            continue
        spec = read.spec
        lists = (("regions",), ("clusters",))
        if spec is None or any(pruning.shortened(read.node, path) for path in lists):
            unclear.add(read.address.name)
        regions = spec.regions if isinstance(spec, Environment) else ()
        environments[read.address.name] = tuple(r.rpartition(".")[2] for r in regions)
        if isinstance(spec, Environment):
            clusters |= {f"{read.address.name}/{cluster}" for cluster in spec.clusters}
    regions_known = frozenset(r.address.name for r in found if r.address.kind == "region")
    return layers.Known(environments, regions_known, frozenset(clusters), frozenset(unclear))


def _diagnostics(read: Document) -> list[Diagnostic]:
    address = str(read.address) if read.address.name else ""
    return [documents.diagnostic(problem, read.file, address) for problem in read.reader.problems]
