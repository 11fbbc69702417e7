"""YAML that every reader understands the same way: YAML 1.1 (kubectl, PyYAML) and YAML 1.2.

A fast emitter in Rust writes YAML 1.2, where ``on``, ``1_000`` and ``12:30:45`` are plain text; a
YAML 1.1 reader takes them for a boolean and numbers. So what it wrote is searched for scalars that
the two versions read differently, and only a document that has one is written again by a slower
emitter that quotes whatever is not plainly a word. Called by the targets and by import.
"""

import re
from collections.abc import Iterable
from typing import Any

import oryaml
import yaml

# A whole scalar that YAML 1.1 reads otherwise than 1.2: booleans, `=` and `<<`, numbers with
# underscores or base 60, octal and binary, dates, and exponents without a dot. It may match inside
# a block of text too; that costs a slower emitter, never a wrong text. The lookahead fails fast.
_SCALAR = (
    r"(?=[yYnNoO=<0-9+.-])(?:[yYnN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|=|<<"
    r"|[-+]?[0-9][0-9a-fA-Fx]*_[0-9a-fA-F_.]*|[-+]?\.[0-9_]*_[0-9_]*"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?(?:[Tt \t].*)?"
    r"|[-+]?0[0-9]+|[-+]?0b[01_]+"
    r"|[-+]?[0-9.]+[eE][-+]?[0-9]+)"
)
# One pattern for each place a scalar can begin: each starts with a literal, which `re` finds fast.
_AMBIGUOUS = (
    re.compile(f": {_SCALAR}(?=:?\n|: )"),
    re.compile(f"- {_SCALAR}(?=:?\n|: )"),
    re.compile(f"\n *{_SCALAR}(?=:\n|: )"),
)
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_WORDS = frozenset(
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"]  # any mix of cases
)


def document(value: Any) -> str:
    """One document, block style, keys as ordered in `value`; ends in a newline.

    `value` is dicts with text keys, lists, text, whole and floating numbers, booleans and None.
    """
    try:
        text: str = oryaml.dumps(value).decode()
    except OverflowError:
        # A number of more than 64 bits.
        return _careful(value)
    begun = "\n" + text
    if any(pattern.search(begun) for pattern in _AMBIGUOUS):
        return _careful(value)
    return text


def documents(values: Iterable[Any]) -> str:
    """Several documents, each begun by ``---`` but the first."""
    return "---\n".join(map(document, values))


class _Careful(yaml.CSafeDumper):
    """Quotes whatever is not plainly a word."""

    def ignore_aliases(self, data: Any) -> bool:
        """Anchors are for people; a repeated value is written twice."""
        return True


def _text(dumper: _Careful, value: str) -> yaml.Node:
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value)
    style = "|" if "\n" in value else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Careful.add_representer(str, _text)


def _careful(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_Careful, sort_keys=False, allow_unicode=True, width=1_000_000
    )
    return text
