"""Estate documents -> readable files that say where they came from. Called by
`telford.app.importing`.

Each file begins with a line that carries a digest of the rest, so that a second import knows a
file that nobody has touched from one that somebody edited.
"""

import hashlib
import re
from collections.abc import Iterable

from telford.intake.imported import Document
from telford.road import yamlout

_MARK = "# Written by `telford import`; edit it freely, it is yours. sha256:"
_FIRST = re.compile(re.escape(_MARK) + r"([0-9a-f]{64})\n")
# A document of a big workload comes from a handful of objects; more are counted.
MAX_ORIGINS = 12


def files(documents: Iterable[Document]) -> dict[str, str]:
    """The text of each file, by its path; documents in their order."""
    texts: dict[str, list[str]] = {}
    for document in documents:
        written = _origins(document) + yamlout.document(document.value)
        texts.setdefault(document.file, []).append(written)
    return {file: _marked("---\n".join(parts)) for file, parts in sorted(texts.items())}


def untouched(text: str) -> bool:
    """Whether a file is exactly as an import wrote it."""
    first = _FIRST.match(text)
    return first is not None and first[1] == _digest(text[first.end() :])


def kept(before: str, after: str) -> str:
    """An edited text, marked as untouched where the text before was: what `telford confirm` or
    `telford adopt` wrote does not keep an import from writing the file again.
    """
    first = _FIRST.match(after)
    if first is None or not untouched(before):
        return after
    return _marked(after[first.end() :])


def _marked(body: str) -> str:
    return f"{_MARK}{_digest(body)}\n{body}"


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def _origins(document: Document) -> str:
    """A comment that says which objects a document was made of."""
    named = [f"{origin.file}:{origin.line}" for origin in document.origins[:MAX_ORIGINS]]
    more = len(document.origins) - len(named)
    if more > 0:
        named.append(f"and {more} more")
    return "".join(f"# from {_printable(name)}\n" for name in named)


def _printable(text: str) -> str:
    """The text without anything that would end a comment."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
