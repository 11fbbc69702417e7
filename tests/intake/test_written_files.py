"""Files that import writes are read again as what was meant, by our own reader."""

import string
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from telford.basics import yamltext
from telford.basics.diagnostics import Position
from telford.intake import emission
from telford.intake.imported import Document

# What YAML allows in a text; other characters cannot come from a file that was read.
_LETTERS = st.characters(
    codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"
)
_WORDS = st.sampled_from(
    [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "null",
        "~",
        "true",
        "0644",
        "0o17",
        "0x1f",
        "1_000",
        "1e3",
        ".5",
        "-.inf",
        ".nan",
        "=",
        "<<",
        "12:30:45",
        "2001-01-01",
        "-",
        "?",
        ":",
        "#",
        "&",
        "*",
        "!",
        "|",
        ">",
        "%",
        "@",
        "`",
        "'a",
        '"a',
        "a:",
        "a",
        "#b",
    ]
)
_TEXTS = st.one_of(
    st.text(_LETTERS | st.sampled_from("\n\t"), max_size=40), _WORDS, st.text(string.printable[:95])
)
_SCALARS = st.one_of(
    _TEXTS,
    st.integers(),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(_TEXTS, _VALUES, min_size=1, max_size=5))
def test_a_written_document_is_read_as_it_was(value: dict[str, Any]) -> None:
    text = emission.files([Document("a.yaml", value)])["a.yaml"]
    nodes, problems = yamltext.read(text, "a.yaml")
    assert problems == ()
    assert [yamltext.plain(node) for node in nodes] == [value]


@given(_TEXTS)
def test_a_strange_file_name_cannot_leave_its_comment(name: str) -> None:
    origin = Position(f"x{name}x", 1, 1)
    text = emission.files([Document("a.yaml", {"a": 1}, (origin,))])["a.yaml"]
    nodes, problems = yamltext.read(text, "a.yaml")
    assert problems == ()
    assert [yamltext.plain(node) for node in nodes] == [{"a": 1}]


def test_a_file_that_somebody_edited_is_known() -> None:
    text = emission.files([Document("a.yaml", {"a": 1})])["a.yaml"]
    assert emission.untouched(text)
    assert not emission.untouched(text.replace("1", "2"))
    assert not emission.untouched("a: 1\n")
