"""One file: from its text to documents that have a kind, each checked by itself.

    text -> nodes -> head (apiVersion, kind) -> Document

What a file says depends on its text alone, so it can be read once and kept
(`telford.estate.kept`). Called by `telford.estate.loading`, and by `telford.estate.kept` for a
file whose nodes are wanted after all.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Scalar
from telford.estate import documents, suggestions
from telford.estate.address import Address
from telford.estate.kinds import base, registry
from telford.estate.kinds.base import Kind


@dataclass(frozen=True, slots=True)
class Foreign:
    """A document of another format, in our form: made elsewhere, treated as one of ours.

    `document` says which document of `file` it stands for (its index among what
    `telford.basics.yamltext.read` gives), `node` is ours, with the positions of the foreign text;
    None where the document was understood and nothing of ours comes of it. One foreign document
    may give several of ours.
    """

    file: str
    document: int
    node: MappingNode | None


@dataclass(slots=True)
class Document:
    """One document that has a kind: what is known of it before its overlays are."""

    address: Address
    spec: Kind | None
    file: str
    node: MappingNode
    reader: documents.Reader
    # Made of a document of another format: it gives way to one of ours.
    foreign: bool = False


@dataclass(slots=True)
class File:
    """What one file says. `unclear` are the names of documents of ours of which it cannot be told
    what they are; `foreign` says that documents of other formats lie in it and were taken up.
    """

    documents: list[Document] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    unclear: set[str] = field(default_factory=set)
    foreign: bool = False


# Nobody mends more at a time, and each of them costs.
MAX_MISTAKES = 5000
# After these a part of the file was not read.
_COSTLY = frozenset({"TEL100", "TEL103", "TEL105"})
# The name of a document, in a text that cannot be read as one.
_NAME_LINE = re.compile(r"""^name:[ ]*["']?([-.\w]{1,100})""", re.MULTILINE)


def read(text: str, file: str, foreign: Sequence[Foreign] = ()) -> File:
    """Everything that a file says. `foreign` are the documents made of others in this file."""
    nodes, problems = yamltext.read(text, file)
    found = File(diagnostics=list(problems), foreign=bool(foreign))
    if any(problem.code in _COSTLY for problem in problems):
        found.unclear |= set(_NAME_LINE.findall(text))
    _documents(_with_foreign(nodes, foreign), file, found)
    made = {id(one.node) for one in foreign}
    for document in found.documents:
        document.foreign = id(document.node) in made
    return found


def _with_foreign(nodes: Sequence[Node], foreign: Sequence[Foreign]) -> Iterator[Node]:
    """The documents, with what was made of others in their stead."""
    made: dict[int, list[Node]] = {}
    for one in foreign:
        made.setdefault(one.document, []).extend([] if one.node is None else [one.node])
    for index, node in enumerate(nodes):
        yield from made.get(index, [node])


def _documents(nodes: Iterable[Node], file: str, found: File) -> None:
    """The documents of one file. All those of other formats together are one warning.

    The names of those of ours that cannot be told what they are go to `unclear`.
    """
    problems: list[Diagnostic] = []
    mistakes = 0
    for node in nodes:
        before = len(problems)
        if mistakes > MAX_MISTAKES:
            problems.append(
                problem_at(
                    file,
                    node,
                    "TEL103",
                    f"the file has over {MAX_MISTAKES:,} mistakes",
                    "mend those first; the rest of the file is left unread",
                )
            )
            break
        document = _document(node, file, problems)
        mistakes += len(document.reader.problems) if document is not None else 1
        ours = all(p.severity is not Severity.WARNING for p in problems[before:])
        if document is not None:
            found.documents.append(document)
        elif ours and isinstance(node, MappingNode):
            found.unclear.add(_text(node, "name"))
    others = [p for p in problems if p.severity is Severity.WARNING]
    found.diagnostics += [p for p in problems if p.severity is not Severity.WARNING]
    if len(others) == 1:
        found.diagnostics += others
    elif others:
        summary = f"{len(others)} documents of other formats are left alone"
        found.diagnostics.append(replace(others[0], summary=summary))


def _document(node: Node, file: str, diagnostics: list[Diagnostic]) -> Document | None:
    """One document; None where it is not ours or cannot be told what it is."""
    if not isinstance(node, MappingNode):
        diagnostics.append(
            problem_at(
                file, node, "TEL110", "a document must be a mapping", "begin it with `apiVersion:`"
            )
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
    return Document(address, spec, file, node, reader)


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
        diagnostics.append(problem_at(file, node, "TEL111", summary, fix))
    elif not isinstance(version, Scalar) or version.value != base.API_VERSION:
        diagnostics.append(_version(version, file))
        if diagnostics[-1].severity is Severity.WARNING:
            return None
    if kind is None:
        summary = "the document has no `kind`"
        diagnostics.append(
            problem_at(file, node, "TEL112", summary, "add `kind: Service`, for example")
        )
        return None
    name = kind.text if isinstance(kind, Scalar) else ""
    found = registry.BY_NAME.get(name)
    if found is None:
        if len(diagnostics) == problems:
            fix = suggestions.for_value(name, list(registry.BY_NAME))
            diagnostics.append(problem_at(file, kind, "TEL112", f"there is no kind `{name}`", fix))
        return None
    # A document of another format has a kind of ours by chance only.
    return found if version is None or len(diagnostics) == problems else None


def _version(version: Node, file: str) -> Diagnostic:
    """An error for a version that is meant to be ours, a warning for another format's."""
    said = version.text if isinstance(version, Scalar) else ""
    ours = "/" not in said or suggestions.nearest(said, [base.API_VERSION]) is not None
    if ours and said not in _OTHERS:
        fix = f"write `apiVersion: {base.API_VERSION}`"
        return problem_at(file, version, "TEL111", f"unknown apiVersion `{said}`", fix)
    summary = f"a document of another format (`{said}`) is left alone"
    fix = "`telford import` takes Kubernetes manifests"
    return replace(problem_at(file, version, "TEL111", summary, fix), severity=Severity.WARNING)


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
        diagnostics.append(
            replace(problem_at(file, mark, "TEL113", summary, fix), length=len(near) or 1)
        )
        node.keys[wanted], node.values[wanted] = mark, node.values.pop(near)
    if "apiVersion" in node.values or "kind" in node.values:
        return True
    summary = "this is not a Telford document: it has neither `apiVersion` nor `kind`"
    fix = f"begin it with `apiVersion: {base.API_VERSION}` and `kind: ...`"
    diagnostics.append(problem_at(file, node, "TEL110", summary, fix))
    return False


_HEAD = frozenset(base.Kind.model_fields) | {"apiVersion", "in"}


def problem_at(file: str, node: Node, code: str, summary: str, fix: str) -> Diagnostic:
    """An error at a node."""
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
