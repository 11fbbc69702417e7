"""The one explicit list of foreign formats, and which document of which file goes to which reader.

A file of YAML may hold documents of several formats; each reader is given the file with the
documents of the others blanked out, line by line, so that positions stay true and every field is
counted once. Called by `telford.app.importing`.
"""

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from telford.intake import codeowners
from telford.intake.format import Format
from telford.intake.kubernetes import format as kubernetes

# The particular before the general: the first that claims a document has it.
FORMATS: tuple[Format, ...] = (
    codeowners.FORMAT,
    kubernetes.FORMAT,
)
# How a document of YAML begins; nothing else may stand there (YAML 1.2, 9.1.2).
_MARKER = re.compile(r"^---(?=[ \t\r\n]|$)", re.MULTILINE)
_YAML = (".yaml", ".yml")


@dataclass(slots=True)
class Routed:
    """Format name -> its texts by path, and the paths of what no format knows."""

    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def of(self, one: Format) -> Mapping[str, str]:
        """The texts of a format."""
        return self.texts.get(one.name, {})


def suffixes() -> tuple[str, ...]:
    """The endings of all files that a format may know, whole names included."""
    found = {ending for one in FORMATS for ending in (*one.suffixes, *one.names)}
    return tuple(sorted(found))


def named(name: str) -> Format:
    """The format of that name. Raises KeyError."""
    return {one.name: one for one in FORMATS}[name]


def route(texts: Mapping[str, str], formats: Iterable[Format] = FORMATS) -> Routed:
    """Give every document to the first format that claims it."""
    routed = Routed()
    known = tuple(formats)
    for path, text in texts.items():
        claims = _claims(path, text, known)
        if not claims:
            routed.unknown.append(path)
        for name, claimed in claims.items():
            routed.texts.setdefault(name, {})[path] = claimed
    return routed


def _claims(path: str, text: str, known: tuple[Format, ...]) -> dict[str, str]:
    """Format name -> the text that it is given of a file."""
    candidates = [one for one in known if _may_be(one, path)]
    if not candidates:
        return {}
    parts = _parts(text) if path.endswith(_YAML) else [text]
    homes = [_home(path, part, candidates) for part in parts]
    found = sorted({home for home in homes if home})
    if len(found) == 1:
        # What nobody claims is left with the one format that is there, which reports it.
        return {found[0]: text}
    return {
        name: "".join(
            part if home == name or (not home and name == found[0]) else _blank(part)
            for part, home in zip(parts, homes, strict=True)
        )
        for name in found
    }


def _may_be(one: Format, path: str) -> bool:
    return path.endswith(one.suffixes) or path.rpartition("/")[2] in one.names


def _home(path: str, text: str, candidates: Iterable[Format]) -> str:
    return next((one.name for one in candidates if one.claims(path, text)), "")


def _parts(text: str) -> list[str]:
    """The documents of a text of YAML, each with the marker that begins it; joined they are it."""
    starts = [found.start() for found in _MARKER.finditer(text) if found.start()]
    edges = [0, *starts, len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


def _blank(text: str) -> str:
    """As many lines, and nothing on them."""
    return "\n" * len(_BREAK.findall(text))


# The line breaks that the YAML reader counts (`telford.basics.yamltext`).
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
