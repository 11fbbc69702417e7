"""Edits of YAML that people wrote change just what they say, and leave every comment where it is."""

import copy
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telford.basics import yamltext
from telford.basics.errors import RefusedError
from telford.estate import editing, spelling
from telford.estate.address import Address
from telford.estate.editing import Append, Delete, Set

ADDRESS = Address("service", "shop", "orders")
HEAD = {"apiVersion": "telford/v1", "kind": "Service", "name": "orders", "system": "shop"}

KEYS = st.sampled_from(
    ["run", "uses", "env", "a.b/c", "on", "x y", "no", "1", "é", "-k", "#k", "<<"]
)
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), max_size=12
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | TEXTS
    | st.sampled_from(["yes", "1_000", "12:30", "2026-01-01", "0o7", "a: b", "- x", "{}", "~", ""])
    | st.sampled_from(["two\nlines\n", "two\nlines", "\n", " lead\nx", "tail \nx", "a\n\nb\n"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


class Writer:
    """Writes a value as a person might: styles, quotes, depths and comments as drawn."""

    def __init__(self, data: st.DataObject) -> None:
        self._draw = data.draw
        self._comments = 0
        self.list_step = self._draw(st.sampled_from([0, 2]))

    def comment(self) -> str:
        """A comment's text, never the same twice; often none."""
        if self._draw(st.integers(0, 3)):
            return ""
        self._comments += 1
        return f"# comment {self._comments}"

    def entry(self, key: str, value: Any, indent: int) -> list[str]:
        pad = " " * indent
        lines = [f"{pad}{note}"] if (note := self.comment()) else []
        name = spelling.scalar(key)
        beside = f" {note}" if (note := self.comment()) else ""
        filled = isinstance(value, dict | list) and value
        if filled and self._draw(st.integers(0, 4)):
            step = (
                self.list_step if isinstance(value, list) else self._draw(st.sampled_from([2, 4]))
            )
            return [*lines, f"{pad}{name}:{beside}", *self.block(value, indent + step)]
        if isinstance(value, str) and value.endswith("\n") and spelling.entry("k", value, 0, 2)[1:]:
            body = [f"{pad}  {line}" if line else "" for line in value[:-1].split("\n")]
            return [*lines, f"{pad}{name}: |{beside}", *body]
        if value is None and self._draw(st.booleans()):
            return [*lines, f"{pad}{name}:{beside}"]
        return [*lines, f"{pad}{name}: {spelling.flow(value)}{beside}"]

    def block(self, value: Any, indent: int) -> list[str]:
        lines: list[str] = []
        if isinstance(value, dict):
            for key, item in value.items():
                lines += self.entry(key, item, indent)
            return lines
        for item in value:
            lines += [f"{' ' * indent}{note}"] if (note := self.comment()) else []
            if isinstance(item, dict | list) and item and self._draw(st.integers(0, 3)):
                inner = self.block(item, indent + 2)
                head = f"{' ' * indent}-"
                if not inner[0].lstrip().startswith("#") and self._draw(st.booleans()):
                    lines += [f"{head} {inner[0].lstrip(' ')}", *inner[1:]]
                else:
                    lines += [head, *inner]
            else:
                beside = f" {note}" if (note := self.comment()) else ""
                lines.append(f"{' ' * indent}- {spelling.flow(item)}{beside}")
        return lines


def comments(text: str) -> list[str]:
    """The comments of a text that a `Writer` wrote, in their order."""
    return re.findall(r"# comment \d+", text)


@st.composite
def documents(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """A document's data and a text of it, between two others."""
    data = draw(st.data())
    value = {**HEAD, **draw(st.dictionaries(KEYS, VALUES, max_size=4))}
    writer = Writer(data)
    body = "\n".join(writer.block(value, 0))
    other = "# first\nkind: Team\nname: people\n"
    ends = draw(st.sampled_from(["\n", "", "\n---\nkind: Team\nname: others\n", "\n\n# end\n"]))
    # A block of text that the file ends in the middle of cannot be followed by anything.
    text = f"{other}---\n{body}{ends if ends or ': |' not in body else chr(10)}"
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return value, text


def walk(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    found = [(path, value)] if path else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += walk(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += walk(item, (*path, index))
    return found


def read(text: str) -> list[Any]:
    nodes, problems = yamltext.read(text, "x.yaml")
    assert not problems
    return [yamltext.plain(node) for node in nodes]


def own_paths(value: dict[str, Any]) -> list[tuple[tuple[str | int, ...], Any]]:
    return [(path, item) for path, item in walk(value) if path[0] not in HEAD]


@settings(max_examples=300, deadline=None)
@given(documents(), st.data())
def test_a_value_set_anywhere_is_all_that_changes(
    document: tuple[dict[str, Any], str], data: st.DataObject
) -> None:
    """Every existing value, and a key that is new, can be set to anything."""
    value, text = document
    before = read(text)
    paths = [path for path, _ in own_paths(value)]
    holders = [path for path, item in own_paths(value) if isinstance(item, dict | None)]
    paths += [(*path, "fresh", "inner") for path in [(), *holders]]
    path = data.draw(st.sampled_from(paths))
    new = data.draw(VALUES)
    made = editing.edit(text, ADDRESS, [Set(path, new)])
    wanted = copy.deepcopy(before)
    current = wanted[1]
    for step in path[:-1]:
        if isinstance(current, dict):
            current.setdefault(step, None)
        if current[step] is None:
            current[step] = {}
        current = current[step]
    current[path[-1]] = new
    assert repr_sorted(read(made)) == repr_sorted(wanted)
    old = dict(walk(value)).get(path)
    if not isinstance(old, dict | list):
        assert comments(made) == comments(text)


@settings(max_examples=200, deadline=None)
@given(documents(), st.data())
def test_a_key_or_item_taken_out_leaves_the_rest(
    document: tuple[dict[str, Any], str], data: st.DataObject
) -> None:
    """Deleting removes one value and its own lines; comments elsewhere stay."""
    value, text = document
    paths = [path for path, _ in own_paths(value)]
    if not paths:
        return
    path = data.draw(st.sampled_from(paths))
    made = editing.edit(text, ADDRESS, [Delete(path)])
    wanted = read(text)
    current = wanted[1]
    for step in path[:-1]:
        current = current[step]
    del current[path[-1]]
    assert repr_sorted(read(made)) == repr_sorted(wanted)
    assert set(comments(made)) <= set(comments(text))


@settings(max_examples=150, deadline=None)
@given(documents(), st.data())
def test_an_item_is_added_at_the_end_of_a_list(
    document: tuple[dict[str, Any], str], data: st.DataObject
) -> None:
    """Appending works on lists of every style, empty and missing ones included."""
    value, text = document
    paths = [path for path, item in own_paths(value) if isinstance(item, list)] + [("more",)]
    path = data.draw(st.sampled_from(paths))
    new = data.draw(VALUES)
    made = editing.edit(text, ADDRESS, [Append(path, new)])
    wanted = read(text)
    current = wanted[1]
    for step in path[:-1]:
        current = current[step]
    if isinstance(current, dict):
        current.setdefault(path[-1], [])
    current[path[-1]].append(new)
    assert repr_sorted(read(made)) == repr_sorted(wanted)
    assert comments(made) == comments(text)


def repr_sorted(value: Any) -> str:
    """A text that is equal for equal data of equal types, whatever the order of keys."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{k!r}:{repr_sorted(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(repr_sorted, value)) + "]"
    return repr(value)


SAMPLE = """\
# who sells
apiVersion: telford/v1
kind: Service
name: orders
system: shop  # the shop
run:
  replicas: 2   # enough
  resources: &small
    limits: {cpu: 100m, memory: 64Mi}
  sidecars:
    - name: one
      resources: *small
uses:
- service: stock   # first
  critical: false
- {service: mail, critical: false}
in:
  prod, staging:
    run: {replicas: 4}
  dev:
    run: {replicas: 1}
"""


def test_one_line_changes_and_no_other() -> None:
    made = editing.edit(SAMPLE, ADDRESS, [Set(("run", "replicas"), 3)])
    assert made == SAMPLE.replace("replicas: 2   # enough", "replicas: 3   # enough")


def test_items_are_found_by_what_names_them() -> None:
    made = editing.edit(SAMPLE, ADDRESS, [Set(("uses", "service:mail", "critical"), True)])
    assert "- {service: mail, critical: true}" in made


def test_an_overlay_is_made_where_it_is_missing() -> None:
    made = editing.edit(SAMPLE, ADDRESS, [Set(("run", "replicas"), 9)], layer="prod/eu")
    assert made == SAMPLE + "  prod/eu:\n    run:\n      replicas: 9\n"


def test_an_overlay_of_several_places_is_refused() -> None:
    with pytest.raises(RefusedError, match="for several places at once"):
        editing.edit(SAMPLE, ADDRESS, [Set(("run", "replicas"), 9)], layer="prod")


def test_what_does_not_exist_in_a_place_is_not_made_to_by_an_edit() -> None:
    with pytest.raises(RefusedError, match="does not exist in test"):
        editing.edit(SAMPLE + "  test:\n", ADDRESS, [Set(("tier",), 1)], layer="test")


def test_what_an_anchor_shares_is_refused() -> None:
    """A change inside an anchored mapping would change what repeats it."""
    for change in (
        Set(("run", "resources", "limits", "cpu"), "1"),
        Set(("run", "sidecars", 0, "resources", "limits", "cpu"), "1"),
        Set(("run", "resources"), {}),
    ):
        with pytest.raises(RefusedError):
            editing.edit(SAMPLE, ADDRESS, [change])


def test_an_alias_itself_can_be_replaced() -> None:
    path = ("run", "sidecars", 0, "resources")
    made = editing.edit(SAMPLE, ADDRESS, [Set(path, {"limits": {"cpu": "1", "memory": "64Mi"}})])
    assert "*small" not in made
    assert read(made)[0]["run"]["resources"] == {"limits": {"cpu": "100m", "memory": "64Mi"}}


def test_what_a_merge_key_brings_is_not_hidden() -> None:
    text = SAMPLE.replace("  replicas: 2   # enough\n", "").replace(
        "run:\n  resources",
        "base: &base {health: {live: {tcp: true}}}\nrun:\n  <<: *base\n  resources",
    )
    with pytest.raises(RefusedError, match="<<"):
        editing.edit(text, ADDRESS, [Set(("run", "health", "live", "tcp"), False)])


def test_a_file_with_an_error_and_one_without_the_document_are_refused() -> None:
    with pytest.raises(RefusedError, match="cannot be edited"):
        editing.edit(SAMPLE + "run: {}\n", ADDRESS, [Set(("tier",), 1)])
    with pytest.raises(RefusedError, match="no document of service/stock"):
        editing.edit(SAMPLE, Address("service", "", "stock"), [Set(("tier",), 1)])
    with pytest.raises(RefusedError, match="no item"):
        editing.edit(SAMPLE, ADDRESS, [Set(("uses", "service:none", "critical"), True)])
    with pytest.raises(RefusedError, match="no mapping"):
        editing.edit(SAMPLE, ADDRESS, [Set(("run", "replicas", "min"), 1)])


def test_deleting_what_is_not_there_changes_nothing() -> None:
    assert editing.edit(SAMPLE, ADDRESS, [Delete(("run", "image"))]) == SAMPLE
