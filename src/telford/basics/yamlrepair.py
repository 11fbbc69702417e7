"""Legal YAML 1.2 that libyaml, a reader of YAML 1.1, refuses: written so that it takes it.

Only a text that was refused comes here, and only what real files contain is mended: lines of tabs
alone, a tab behind a hyphen, pairs of surrogate escapes (JSON), a bare document behind ``...``, a
``%YAML`` line of a later version. Every line keeps its number. Called by
`telford.basics.yamltext`.
"""

import re

_BLANK = re.compile(r"^\t[ \t]*$", re.MULTILINE)
_PAIR = re.compile(r"\\u[dD]([89abAB][0-9a-fA-F]{2})\\u[dD]([c-fC-F][0-9a-fA-F]{2})")
_VERSION = re.compile(r"^%YAML[ \t][^\n]*$", re.MULTILINE)
# A list's item behind a tab: a scalar, for a mapping or a list there must be spaces.
_ITEM = re.compile(r"([ ]*(?:-[ ]+)*-)\t([ \t]*)(?![-?:][ \t])((?:(?!:[ \t]|:$).)+)")


def repaired(text: str, problem: str, line: int) -> str | None:
    """The text written otherwise, where it was refused for a known reason at `line` (from 0);
    None where it was not.
    """
    everything = text.split("\n")
    if line >= len(everything):
        return None
    mended = _mended(text, everything, problem, line)
    return mended if mended != text else None


def _mended(text: str, everything: list[str], problem: str, line: int) -> str | None:
    if "cannot start any token" in problem or "tab character" in problem:
        item = _ITEM.fullmatch(everything[line].rstrip("\r"))
        if item is not None:
            everything[line] = f"{item[1]} {item[2].replace(chr(9), ' ')}{item[3]}"
        elif not everything[line].strip():
            everything[line] = ""
            return _BLANK.sub("", "\n".join(everything))
        return "\n".join(everything)
    if "invalid Unicode character escape code" in problem:
        return _PAIR.sub(_joined, text)
    if "expected <document start>" in problem:
        return _bare(everything, line)
    return _VERSION.sub("", text) if "incompatible YAML document" in problem else None


def _joined(pair: re.Match[str]) -> str:
    """The one character of a pair, unless what stands there is an escaped backslash."""
    before = pair.string[: pair.start()]
    if (len(before) - len(before.rstrip("\\"))) % 2:
        return pair[0]
    high, low = int(pair[1], 16) - 0x800, int(pair[2], 16) - 0xC00
    return chr(0x10000 + (high << 10) + low)


def _bare(everything: list[str], line: int) -> str | None:
    """With ``---`` for the ``...`` before a document that begins without either."""
    for number in range(line - 1, -1, -1):
        content = everything[number].split("#")[0].strip()
        if content == "...":
            everything[number] = "---"
            return "\n".join(everything)
        if content:
            return None
    return None
