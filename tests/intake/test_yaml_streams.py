"""The quick way through YAML says exactly what the slow one says."""

import itertools
import pathlib
import random
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from telford.basics import yamltext
from telford.intake import blockyaml, yaml11, yamlstream
from telford.road import patch, yamlout

# Asking for each place of a large document costs its square.
MAX_PLACES = 40

Told = tuple[Any, list[int], int, int]


def _slow(text: str) -> list[Told]:
    """What `yamltext` says: values, the line of each leaf, where each document begins."""
    nodes, _ = yamltext.read(text, "x")
    lines = yamltext.lines(text)
    told = []
    for node in nodes:
        value = yaml11.plain(node, lines)
        told.append((value, list(yamlstream._lines(value, node)), node.line, node.column))
    return told


def _agrees(text: str) -> None:
    sources, problems = yamlstream.read(text, "x")
    expected = _slow(text)
    assert len(sources) == len(expected), text
    for source, (value, leaves, line, column) in zip(sources, expected, strict=True):
        assert patch.same(source.value, value), text
        assert list(source.leaves) == leaves, text
        assert (source.line, source.column) == (line, column), text
        _stand_alike(source, text)
        node = source.node
        assert (node.line, node.column) == (line, column), text
        assert _nulls(value) <= source.nulls
    assert problems == list(yamltext.read(text, "x")[1]), text


def _stand_alike(source: yamlstream.Source, text: str) -> None:
    """Every leaf stands where the slow reader says, asked for before that was used and after."""
    paths = [path for path, _ in itertools.islice(patch.leaves(source.value), MAX_PLACES)]
    quick = [source.where(path) for path in paths]
    nodes = [yamlstream.at(source.node, path) for path in paths]
    assert quick == [(node.line, node.column) for node in nodes], text
    assert quick == [source.where(path) for path in paths], text


def _nulls(value: Any) -> bool:
    return any(leaf is None for _, leaf in patch.leaves(value))


def _plain(text: str) -> bool:
    """Whether the quick reader takes all of a text."""
    lines = text.split("\n")
    try:
        blockyaml.Reader().read(lines, 0, len(lines) - 1)
    except blockyaml.RefusedError:
        return False
    return True


PLAIN = """\
# a comment
kind: Service
metadata:   # behind a key
  name: web
  "quoted key": 'it''s'
  empty:
  labels: {}
spec:
  ports:
  - port: 80
    name: http
  -   port: 0644
      on: yes
  -
    port: 1_000
  - plain text, with spaces # and a comment
  list: []
  words: [a, "b", 'c d']
  script: |
    first
      indented

    last

  folded: >-
    one
    two
  stripped: |-
    x
  url: http://a:80/b#c
  escaped: "a\\tb\\n\\"c\\""
  negative: -1
  time: :3000
  nothing: ~
  last: null
"""


def test_what_helm_prints_is_plain() -> None:
    assert _plain(PLAIN)
    _agrees(PLAIN)


@pytest.mark.parametrize(
    "text",
    [
        "a: &x yes\n",
        "a: &x\nb: 1\n",
        "a: &x\n  b: *x\n",
        "a: *x\n",
        "a: !t 1\n",
        "a: {b: 1}\n",
        "a: b: c\n",
        "a: b\n  c\n",
        "a: 'b\n",
        "a:\n  b: 1\n c: 2\n",
        "a: 1\na: 2\n",
        "- a\n  - b\n",
        "a\n",
        "a: |2\n   x\n",
        "a: >\n  x\n\n  y\n",
        "a: |\n  \tx\n x\n",
        "? a\n: b\n",
        "<<: {a: 1}\n",
        "a: &x [b]\nc:\n  <<: *x\n",
        "a: &x\n  <<: *x\n",
        "<<: *x\n",
        "<<:\n  a: 1\n",
        "a:\tb\n",
        'a: "\\u0041"\n',
        "a: - b\n",
        "- - a\n",
        "a: @b\n",
        "a: [b, {c: d}]\n",
        "a: |\n  x",
    ],
)
def test_what_is_not_plain_is_read_all_the_same(text: str) -> None:
    assert not _plain(text) or not text.endswith("\n")
    _agrees(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "---\n",
        "---\n---\n",
        "a: 1\n---\nb: 2\n",
        "--- # comment\na: 1\n",
        "a: &x 1\nb: *x\n",
        "a: &x\n  b: 1\n  c: {}\nd: *x\ne:\n- *x\n- &y\n  - z\n- *y\nf: *y\n",
        "a: &x\n  b: 1\nc: &x\n  d: *x\ne: *x\n",
        "a: &x\n  b: 1\n  c:\n  - d\ne:\n  b: 2\n  <<: *x\n  f: 3\ng:\n  <<: *x\n",
        "a: &x\n  b: 1\nc: &y\n  <<: *x\n  d: 2\ne:\n- <<: *y\n- *y\n'<<': 1\n",
        "a: &x\n  b: 1\nc: &y\n  b: 3\n  d:\n    e: 1\nf:\n  <<: *x\n  <<: *y\n",
        "a: &x\n  b: 1\nc:\n  <<: *x\n  d: &x\n    e: 1\n",
        "a: &x\n- b\nc: *x\n---\nd: *x\n",
        "--- a\n---\nb: 1\n",
        "---\na: &x {b: 1}\nc: *x\n---\nd: 1\n---\ne: !z\n",
        "%YAML 1.1\n---\na: 1\n",
        "a: 1\n...\nb: 2\n",
        "a: |\n  x\n---\nb: 1\n",
        "a: |\n\n\n  x\n\n\nb: 1\n",
        "a: |\n      \n  x\nb: 1\n",
        "a: |\n  x\n   \n  y\n# c\nb: 1\n",
        "a: |\nb: 1\n",
        "- |\n x\n- >\n y\n",
        "a:\r\n  b: 1\r\n",
        "\ufeffa: 1\n",
        "a: \x01\n",
        "a: 1 \n\n \nb: 2\n",
        "  a: 1\n  b:\n  - x\n",
        "  a: 1\n b: 2\n",
        "a:\n- b\n- c:\n  - d\n  e: 1\nf: 1\n",
        "a:\n  - b\n - c\n",
        "- a: 1\n  b:\n- c:\n",
        "-\n- a\n-   \n",
        "a: =\nb: 1e3\nc: 0x1F\nd: 1:20\ne: .5\nf: +1\n",
        "a: 2020-01-01\nb: NO\nc: 'NO'\n",
        "a: # c\n  b: 1\n",
        "a: '#'\nb: \"# x\"\nc: a#b\n",
        "a: b\n---\n---\nc: [\n---\nd: 1\n",
    ],
)
def test_odd_streams_are_read_alike(text: str) -> None:
    _agrees(text)


_LINES = st.sampled_from(
    [
        *("a: 1", "b:", "c: |", "d: >-", "- x", "- e: 1", "-", "- f:", "# c", "", "  ", "---"),
        *("g: 'x'", 'h: "y"', "i: {}", "j: []", "k: [a, b]", "l: text here", "m: &z 1", "n: *z"),
        *(
            "<<: *z",
            "- <<: *z",
            "v: &z",
            "w: *z",
            "- &z",
            "- *z",
            "o: {p: 1}",
            "text",
            "--- q",
            "r: yes",
            "s: 010",
            "- - t",
            "...",
            "u: 'x",
            "a: 2",
        ),
    ]
)
_INDENTED = st.builds(lambda indent, line: " " * indent + line, st.integers(0, 4), _LINES)


@hypothesis.given(st.lists(_INDENTED, max_size=9), st.booleans())
@hypothesis.settings(max_examples=600, deadline=None)
def test_any_lines_are_read_alike(lines: list[str], ended: bool) -> None:
    _agrees("\n".join(lines) + "\n" * ended)


_VALUES = st.recursive(
    st.one_of(
        st.text(alphabet="ab1 :#-'\"|>&*![]{},?%@`=~\\\n\t.yno_0é", max_size=8),
        st.integers(-99, 99),
        st.booleans(),
        st.none(),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(alphabet="ab.-/ :'yn1", min_size=1, max_size=5), inner, max_size=3),
    ),
    max_leaves=12,
)


@hypothesis.given(st.dictionaries(st.text(alphabet="abc", min_size=1), _VALUES, min_size=1))
@hypothesis.settings(max_examples=120, deadline=None)
def test_what_we_write_is_read_alike(value: dict[str, Any]) -> None:
    _agrees(yamlout.document(value))


def test_real_manifests_are_read_alike(estates: pathlib.Path) -> None:
    """Every YAML file of every real estate, whole and with lines lost, moved and cut."""
    shuffle = random.Random(7)
    for path in sorted(estates.rglob("*.y*ml")):
        text = path.read_text("utf-8")
        if len(text) < 1_000_000:
            _agrees(text)
        lines = text.split("\n")[:1500]
        for _ in range(3):
            at = shuffle.randrange(len(lines))
            mutated = [*lines[:at], shuffle.choice(lines)[shuffle.randrange(4) :], *lines[at + 1 :]]
            _agrees("\n".join(mutated))


def test_a_large_stream_is_read_alike(estates: pathlib.Path) -> None:
    _agrees((estates / "govuk" / "production.yaml").read_text("utf-8"))


def test_positions_are_those_of_the_file() -> None:
    text = "a: 1\n---\n\nb:\n  c: [1]\n  d: x\n"
    source = yamlstream.read(text, "x")[0][1]
    node = yamlstream.at(source.node, ("b", "d"))
    assert (node.line, node.column) == (6, 6)


def test_an_unknown_tag_makes_a_text_as_it_does_for_kubectl() -> None:
    (source,) = yamlstream.read("a: !=\nb: !x 1\n", "x")[0]
    assert source.value == {"a": "", "b": "1"}
