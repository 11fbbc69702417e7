"""The characters of a YAML text: its line breaks, and those that it must not have.

Apart from `telford.basics.yamltext`, which calls it, because this is about texts alone.
"""

import re

# libyaml's line breaks: its line numbers count these.
BREAKS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
# What YAML 1.2 (5.1, c-printable) does not allow in a text, and the surrogates of broken Unicode.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]"
)

_ASCII = bytes([0x09, 0x0A, 0x0D, *range(0x20, 0x7F)])


def lines(text: str) -> list[str]:
    """The lines of a text, numbered as node positions number them (the first is item 0)."""
    return BREAKS.split(text)


def allowed(text: str) -> bool:
    """Whether a text has only characters that YAML allows."""
    if text.isascii():
        # Deleting what is allowed is many times faster than searching for what is not.
        return not text.encode("ascii").translate(None, _ASCII)
    return _FORBIDDEN.search(text) is None


def forbidden(text: str) -> tuple[int, int, str] | None:
    """Line, column (from 1) and character of the first one that YAML forbids."""
    found = _FORBIDDEN.search(text)
    if found is None:
        return None
    before = lines(text[: found.start()])
    return len(before), len(before[-1]) + 1, found[0]
