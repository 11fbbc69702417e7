"""Which document of which file goes to which reader.

A file of YAML may hold documents of several formats; each reader is given the file with the
documents of the others blanked out, line by line, so that positions stay true and every field is
counted once. Called by `telford.app.importing` and `telford.intake.resident`.
"""

import itertools
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from telford.intake.format import Format

# How a document of YAML begins; nothing else may stand there (YAML 1.2, 9.1.2).
_MARKER = re.compile(r"^---(?=[ \t\r\n]|$)", re.MULTILINE)
# The line breaks that the YAML reader counts (`telford.basics.yamltext`).
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_YAML = (".yaml", ".yml")


@dataclass(slots=True)
class Routed:
    """Format name -> its texts by path, and the paths of what no format knows."""

    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def of(self, one: Format) -> Mapping[str, str]:
        """The texts of a format."""
        return self.texts.get(one.name, {})

    def among(self, paths: Container[str]) -> "Routed":
        """The same for some of the files."""
        texts = {
            name: {path: text for path, text in given.items() if path in paths}
            for name, given in self.texts.items()
        }
        return Routed(texts, [path for path in self.unknown if path in paths])


def route(texts: Mapping[str, str], formats: Iterable[Format]) -> Routed:
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
    # What nobody claims of a file that is known goes to the reader that says what it is not.
    rest = next((one.name for one in candidates if one.general), "")
    if rest and found:
        homes = [
            home or (rest if part.strip("- \t\r\n") else "")
            for home, part in zip(homes, parts, strict=True)
        ]
        found = sorted({home for home in homes if home})
    if len(found) == 1 and all(homes):
        return {found[0]: text}
    return {
        name: "".join(
            part if home == name else _blank(part) for part, home in zip(parts, homes, strict=True)
        )
        for name in found
    }


def _may_be(one: Format, path: str) -> bool:
    return path.endswith(one.suffixes) or path.rpartition("/")[2] in one.names


def _home(path: str, text: str, candidates: Sequence[Format]) -> str:
    claiming = [one for one in candidates if one.claims(path, text)]
    return min(claiming, key=lambda one: one.general).name if claiming else ""


def _parts(text: str) -> list[str]:
    """The documents of a text of YAML, each with the marker that begins it; joined they are it."""
    starts = [found.start() for found in _MARKER.finditer(text) if found.start()]
    edges = [0, *starts, len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


def _blank(text: str) -> str:
    """As many lines, and nothing on them."""
    return "\n" * len(_BREAK.findall(text))
