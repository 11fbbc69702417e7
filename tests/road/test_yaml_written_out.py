"""What is written out reads back the same under YAML 1.1 and YAML 1.2."""

import oryaml
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from telford.road import yamlout

# Scalars that some reader takes for something else than text.
TRICKY = ["on", "yes", "No", "y", "N", "~", "=", "<<", "null", "Null", "true", "TRUE", "NaN", ".nan", ".inf", "0755", "0o17", "0x1F", "0b1", "1_000", "1e3", "1E+5", "+1", "-0", "09", "1.", ".5", "12:30:45", "1:2", "190:20:30", "2024-01-01", "2001-12-14t21:59:43.10-05:00", "-", "?", "|", ">", "---", "...", "!x", "&a", "*a", "%", "@x", "`x`", "#c", "{a}", "[a", ",", "'q'", '"q"', "a'b", "a\\b", "key:", "1,000", "0x", "e1"]  # fmt: skip
ODD = ["", " ", "a: b", "a #b", "tail ", " lead", "tab\t", "x\n", "x\n\n", "a\nb", "\n", "é☃😀", "\x07",
       "on\noff: yes\n- no\n", "a\n\tb\n", "  \n  x\n", "- x"]  # fmt: skip

_text = st.one_of(
    st.sampled_from([*TRICKY, *ODD]),
    st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029\ufeff"), max_size=12),
)
_leaf = st.one_of(_text, st.integers(-(10**12), 10**12), st.booleans(), st.none())
_tree = st.recursive(
    _leaf,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_text, inner, max_size=4)),
    max_leaves=20,
)


def _same(document: dict) -> None:
    text = yamlout.document(document)
    assert text.endswith("\n")
    assert yaml.load(text, yaml.SafeLoader) == document, text
    assert oryaml.loads(text) == document, text


@given(st.dictionaries(_text, _tree, max_size=4))
@example({"on": {"yes": ["no", {"off": "1_000"}]}})
def test_any_document_reads_back_the_same_under_both_versions(document: dict):
    _same(document)


@pytest.mark.parametrize("scalar", [*TRICKY, *ODD])
def test_every_tricky_scalar_is_safe_as_key_value_and_item(scalar: str):
    for document in ({"k": scalar}, {scalar: "v"}, {"a": [scalar]}, {"a": [{scalar: 1}]},
                     {"a": [{"b": scalar}]}, {scalar: {"x": 1}}, {scalar: [1]}):  # fmt: skip
        _same(document)


def test_documents_are_told_apart():
    values = [{"a": 1}, {"b": "on"}]
    assert list(yaml.safe_load_all(yamlout.documents(values))) == values


def test_keys_keep_their_order():
    assert yamlout.document({"b": 1, "a": 2}) == "b: 1\na: 2\n"


def test_a_float_that_yaml_1_1_would_read_as_text_is_written_so_that_it_does_not():
    assert yaml.safe_load(yamlout.document({"a": 1e-7, "b": 1e22})) == {"a": 1e-7, "b": 1e22}
