"""From texts to an estate: every document read, checked and addressed, every problem at once.

    texts -> documents -> kinds -> addresses -> overlays -> every place resolved

A document with errors is not in the estate, but what is left of it once they are cut out is in the
draft, on which the rules look for more: all problems come at once.

Nothing is read from disk here (`telford.backends.files` does that), and what concerns several
entities at once is left to `telford.rules`. Called by `telford.app.loading` and `telford.api`.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic, Position, Severity, ordered
from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Scalar
from telford.estate import documents, layers, overlays, pruning, suggestions
from telford.estate.address import Address
from telford.estate.kinds import base, registry
from telford.estate.kinds.base import Kind
from telford.estate.kinds.places import Environment
from telford.estate.model import Entity, Estate, Loaded


@dataclass(slots=True)
class _Read:
    """One document that has a kind: what is known of it before its overlays are."""

    address: Address
    spec: Kind | None
    file: str
    node: MappingNode
    reader: documents.Reader


def load(texts: Mapping[str, str]) -> Loaded:
    """Read all texts (file name -> text) into one estate.

    The estate holds all that could be read; `diagnostics` is everything wrong, in a stable order,
    each with its source line. Never raises for anything that a text can say.
    """
    diagnostics: list[Diagnostic] = []
    found: list[_Read] = []
    unclear: set[str] = set()
    for file in sorted(texts):
        nodes, problems = yamltext.read(texts[file], file)
        diagnostics += problems
        if any(problem.code in _COSTLY for problem in problems):
            unclear |= set(_NAME_LINE.findall(texts[file]))
        found += _documents(nodes, file, diagnostics, unclear)
    unique = _unique(found, diagnostics)
    draft = _estate(_entities(unique, unclear))
    for read in found:
        diagnostics += _diagnostics(read)
    in_places, parts = overlays.check(draft)
    diagnostics += in_places
    estate = _sound(draft, {str(r.address) for r in unique if r.reader.whole}, parts)
    return Loaded(
        estate,
        ordered(with_source(diagnostics, texts)),
        _broken(found, draft, unclear),
        None if draft is estate else draft,
    )


# After these a part of the file was not read.
_COSTLY = frozenset({"TEL100", "TEL103", "TEL105"})
# The name of a document, in a text that cannot be read as one.
_NAME_LINE = re.compile(r"""^name:[ ]*["']?([-.\w]{1,100})""", re.MULTILINE)


def _estate(entities: Iterable[Entity]) -> Estate:
    by_address = {str(entity.address): entity for entity in entities}
    return Estate(dict(sorted(by_address.items())), _digest(by_address.values()))


def _sound(draft: Estate, whole: set[str], parts: set[overlays.Key]) -> Estate:
    """The draft without what was read only in part; the draft itself where that is nothing."""
    if not parts and draft.entities.keys() <= whole:
        return draft
    estate = _estate(entity for address, entity in draft.entities.items() if address in whole)
    for key, bound in draft.resolved.items():
        if key[0] in whole and key not in parts:
            estate.resolved[key] = bound
    return estate


def _broken(found: list[_Read], draft: Estate, unclear: set[str]) -> frozenset[Address]:
    """What is not there, or not at the address it was meant to have, because of an error."""
    lost = {
        read.address
        for read in found
        if str(read.address) not in draft.entities or "system" in read.node.lost
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
        result.append(replace(diagnostic, source=line))
    return result


def _documents(
    nodes: Iterable[Node], file: str, diagnostics: list[Diagnostic], unclear: set[str]
) -> Iterable[_Read]:
    """The documents of one file. All those of other formats together are one warning.

    The names of those of ours that cannot be told what they are go to `unclear`.
    """
    problems: list[Diagnostic] = []
    reads = []
    for node in nodes:
        before = len(problems)
        read = _document(node, file, problems)
        ours = all(p.severity is not Severity.WARNING for p in problems[before:])
        if read is None and ours and isinstance(node, MappingNode):
            unclear.add(_text(node, "name"))
        reads.append(read)
    foreign = [p for p in problems if p.severity is Severity.WARNING]
    diagnostics += [p for p in problems if p.severity is not Severity.WARNING]
    if len(foreign) == 1:
        diagnostics += foreign
    elif foreign:
        summary = f"{len(foreign)} documents of other formats are left alone"
        diagnostics.append(replace(foreign[0], summary=summary))
    return [read for read in reads if read is not None]


def _document(node: Node, file: str, diagnostics: list[Diagnostic]) -> _Read | None:
    """One document; None where it is not ours or cannot be told what it is."""
    if not isinstance(node, MappingNode):
        diagnostics.append(
            _at(file, node, "TEL110", "a document must be a mapping", "begin it with `apiVersion:`")
        )
        return None
    kind = _kind(node, file, diagnostics)
    if kind is None:
        return None
    reader = documents.Reader(kind)
    # A name that cannot be one is cut out by validation, and still what people know it by.
    named = _text(node, "name")
    spec = reader.validate(node)
    name = _text(node, "name") or named
    address = Address(kind.__name__.lower(), _text(node, "system"), name)
    return _Read(address, spec, file, node, reader)


def _kind(node: MappingNode, file: str, diagnostics: list[Diagnostic]) -> type[Kind] | None:
    """The kind that a document says it is, by its ``apiVersion`` and ``kind``."""
    version, kind = node.values.get("apiVersion"), node.values.get("kind")
    if not _correct_head(node, file, diagnostics):
        return None
    version, kind = node.values.get("apiVersion"), node.values.get("kind")
    problems = len(diagnostics)
    if version is None:
        summary = f"the document has no `apiVersion`; this Telford reads {base.API_VERSION}"
        fix = f"add `apiVersion: {base.API_VERSION}`"
        diagnostics.append(_at(file, node, "TEL111", summary, fix))
    elif not isinstance(version, Scalar) or version.value != base.API_VERSION:
        diagnostics.append(_version(version, file))
        if diagnostics[-1].severity is Severity.WARNING:
            return None
    if kind is None:
        summary = "the document has no `kind`"
        diagnostics.append(_at(file, node, "TEL112", summary, "add `kind: Service`, for example"))
        return None
    name = kind.text if isinstance(kind, Scalar) else ""
    found = registry.BY_NAME.get(name)
    if found is None:
        if len(diagnostics) == problems:
            fix = suggestions.for_value(name, list(registry.BY_NAME))
            diagnostics.append(_at(file, kind, "TEL112", f"there is no kind `{name}`", fix))
        return None
    # A document of another format has a kind of ours by chance only.
    return found if version is None or len(diagnostics) == problems else None


def _version(version: Node, file: str) -> Diagnostic:
    """An error for a version that is meant to be ours, a warning for another format's."""
    said = version.text if isinstance(version, Scalar) else ""
    ours = "/" not in said or suggestions.nearest(said, [base.API_VERSION]) is not None
    if ours and said not in _OTHERS:
        fix = f"write `apiVersion: {base.API_VERSION}`"
        return _at(file, version, "TEL111", f"unknown apiVersion `{said}`", fix)
    summary = f"a document of another format (`{said}`) is left alone"
    fix = "`telford import` takes Kubernetes manifests"
    return replace(_at(file, version, "TEL111", summary, fix), severity=Severity.WARNING)


# The one version of Kubernetes without a group.
_OTHERS = frozenset({"v1"})


def _correct_head(node: MappingNode, file: str, diagnostics: list[Diagnostic]) -> bool:
    """Mend a misspelt ``apiVersion`` or ``kind`` key, reporting it; False where there is neither."""
    for wanted in ("apiVersion", "kind"):
        if wanted in node.values:
            continue
        near = suggestions.nearest(wanted, [key for key in node.values if key not in _HEAD])
        if near is None:
            continue
        mark = node.keys.pop(near)
        summary, fix = f"the document has no key `{near}`", f"did you mean `{wanted}`?"
        diagnostics.append(replace(_at(file, mark, "TEL113", summary, fix), length=len(near) or 1))
        node.keys[wanted], node.values[wanted] = mark, node.values.pop(near)
    if "apiVersion" in node.values or "kind" in node.values:
        return True
    summary = "this is not a Telford document: it has neither `apiVersion` nor `kind`"
    fix = f"begin it with `apiVersion: {base.API_VERSION}` and `kind: ...`"
    diagnostics.append(_at(file, node, "TEL110", summary, fix))
    return False


_HEAD = frozenset(base.Kind.model_fields) | {"apiVersion", "in"}


def _unique(found: list[_Read], diagnostics: list[Diagnostic]) -> list[_Read]:
    """One document an address; the others are reported with both places."""
    first: dict[Address, _Read] = {}
    for read in found:
        if "name" not in read.node.values or "system" in read.node.lost:
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
                _at(
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


def _entities(found: list[_Read], unclear: set[str]) -> list[Entity]:
    """What could be read, whole or in part, with its overlays."""
    known = _known(found, unclear)
    entities: list[Entity] = []
    taken = {read.address for read in found if "system" not in read.node.lost}
    for read in found:
        over = layers.read(read.node, known, read.reader)
        if read.spec is None or ("system" in read.node.lost and read.address in taken):
            continue
        entities.append(
            Entity(read.address, read.spec, read.file, read.node, _base_digest(read), over)
        )
    return entities


def _known(found: list[_Read], unclear: set[str]) -> layers.Known:
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


def _base_digest(read: _Read) -> str:
    """A hash of the base fields as they are written: comments, order and overlays do not count."""
    text = json.dumps(read.reader.data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _digest(entities: Iterable[Entity]) -> str:
    """A hash over every entity's base and overlays: equal for estates that mean the same."""
    total = hashlib.sha256()
    for entity in sorted(entities, key=lambda e: str(e.address)):
        over = [(o.layer, yamltext.plain(o.node)) for o in entity.overlays]
        text = json.dumps([str(entity.address), entity.digest, over], sort_keys=True, default=str)
        total.update(text.encode())
    return total.hexdigest()


def _diagnostics(read: _Read) -> list[Diagnostic]:
    address = str(read.address) if read.address.name else ""
    return [documents.diagnostic(problem, read.file, address) for problem in read.reader.problems]


def _at(file: str, node: Node, code: str, summary: str, fix: str) -> Diagnostic:
    return Diagnostic(
        code,
        Severity.ERROR,
        summary,
        position=Position(file, node.line, node.column),
        length=documents.length(node),
        fix=fix,
    )


def _text(node: MappingNode, key: str) -> str:
    value = node.values.get(key)
    return value.value if isinstance(value, Scalar) and isinstance(value.value, str) else ""
