"""Documents of open formats that lie in an estate, read where they are, without conversion.

Only what a document itself says counts: an import would add teams, systems and stand-ins for what
is named and not described, but an estate describes those itself, or a reference to them is a
mistake worth telling. Registered in `telford.app.loading`.
"""

from collections.abc import Mapping, Sequence

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic
from telford.estate.reading import Foreign
from telford.intake import backstage, descriptor, routing, score, surroundings
from telford.intake.format import Format, Needs, Sources
from telford.intake.imported import Document, Imported, Options
from telford.intake.objectives import openslo

# All formats that live in estates: those of `telford.intake.formats` that say so of themselves.
FORMATS: tuple[Format, ...] = (score.FORMAT, backstage.FORMAT, openslo.FORMAT)
# The system of what names none, taken out again: in an estate it has none.
_NO_SYSTEM = "telford-none"
_ALONE = "only the document itself is read, not what it names"
# How often a reader may ask; it is refused everything.
_MAX_ROUNDS = 10
# Kinds of foreign documents that name things and do not describe them.
_LABELS = frozenset({("openslo", "Service")})


def read(texts: Mapping[str, str]) -> tuple[Sequence[Foreign], Sequence[Diagnostic]]:
    """What the documents of open formats in these texts say, in our form."""
    routed = routing.route(texts, FORMATS)
    made: list[Foreign] = []
    problems: list[Diagnostic] = []
    for one in FORMATS:
        mine = routed.of(one)
        if not mine:
            continue
        answer = _answered(one, mine)
        documents = {file: _Places(one, texts[file], file) for file in mine}
        claimed = {(file, index) for file, places in documents.items() for index in places.claimed}
        for document in answer.documents:
            foreign = _foreign(one, document, documents)
            if foreign is not None:
                made.append(foreign)
                claimed.discard((foreign.file, foreign.document))
        made += [Foreign(file, index, None) for file, index in sorted(claimed)]
        # What the YAML reader says is said by the estate's own reading of the same file.
        problems += [item for item in answer.diagnostics if item.code > "TEL600"]
    return made, problems


def _answered(one: Format, texts: Mapping[str, str]) -> Imported:
    """What a reader makes of texts alone."""
    sources = Sources(texts)
    for _ in range(_MAX_ROUNDS):
        answer = one.read(sources, Options(fallback=_NO_SYSTEM))
        if not isinstance(answer, Needs):
            return answer
        refused = {item.path: _ALONE for item in answer.files}
        refused |= {item.output: _ALONE for item in answer.renderings}
        sources = Sources(texts, {**sources.unreadable, **refused})
    raise AssertionError(f"the reader of {one.name} asks again for what it was refused")


class _Places:
    """Which document of a file stands where."""

    def __init__(self, one: Format, text: str, file: str) -> None:
        nodes, _ = yamltext.read(text, file)
        self._starts = {(node.line, node.column): at for at, node in enumerate(nodes)}
        version = [descriptor.step_into(node, "apiVersion") for node in nodes]
        self.claimed = [
            index
            for index, node in enumerate(version)
            if isinstance(node, yamltext.Scalar) and one.claims(file, f"apiVersion: {node.text}")
        ]

    def index(self, line: int, column: int) -> int | None:
        """The document that begins there; None where none does."""
        return self._starts.get((line, column))


def _foreign(one: Format, document: Document, places: Mapping[str, _Places]) -> Foreign | None:
    """A document with its positions; None for one that no text of the estate describes."""
    origin = document.origins[0] if document.origins else None
    if origin is None or origin.file not in places or (one.name, document.value["kind"]) in _LABELS:
        return None
    index = places[origin.file].index(origin.line, origin.column)
    if index is None:
        return None
    value = {
        key: item
        for key, item in document.value.items()
        if (key, item) not in (("owner", surroundings.NOBODY), ("system", _NO_SYSTEM))
    }
    node = descriptor.positioned(value, document.marks, origin)
    assert isinstance(node, yamltext.Mapping)
    return Foreign(origin.file, index, node)
