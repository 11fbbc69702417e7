"""Loading with what was kept gives the very estate that loading from nothing gives."""

import importlib.util
import json
import pathlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import estate_sample
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telford.app import loading as whole
from telford.backends import files
from telford.basics import yamltext
from telford.basics.errors import TelfordError
from telford.basics.yamltext import Mapping, Node, Scalar, Sequence
from telford.estate import fields, kept, loading, overlays
from telford.estate.model import Entity, Estate, LaterEntity, Loaded, Memory
from telford.rules import registry

ROOT = pathlib.Path(__file__).parents[2]
MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scale_estate", ROOT / "tools/scale_estate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sample() -> dict[str, str]:
    """The sample, a file a document."""
    documents = estate_sample.TEXT.split("---\n")
    return {f"d{number:02d}.yaml": text for number, text in enumerate(documents)}


def tree(node: Node) -> Any:
    """A node with its positions."""
    if isinstance(node, Mapping):
        inner = [
            (k, node.keys[k].line, node.keys[k].column, tree(v)) for k, v in node.values.items()
        ]
        return [node.line, node.column, inner, sorted(node.lost)]
    if isinstance(node, Sequence):
        return [node.line, node.column, [tree(item) for item in node.items], node.lost]
    assert isinstance(node, Scalar)
    return [node.line, node.column, repr(node.value), node.text]


def entity(one: Entity) -> Any:
    over = [
        (o.layer, o.rank, o.environment, o.region, o.cluster, o.absent, o.sets, tree(o.node))
        for o in one.overlays
    ]
    reaches = [(r.layer, r.environment, r.region, r.cluster, r.absent, r.sets) for r in one.reaches]
    return (
        str(one.address), one.file, one.digest, one.mark, one.spec, tree(one.node), over, reaches
    )  # fmt: skip


def resolved(estate: Estate) -> Iterator[Any]:
    """Every thing in every place, with the lines that every field comes from."""
    for place in overlays.places(estate):
        for address, one in estate.entities.items():
            if overlays.absent(estate, one, place):
                yield address, place, "absent"
                continue
            try:
                bound = overlays.resolve(estate, one, place)
            except TelfordError as error:
                yield address, place, error.message
                continue
            assert bound.node is not None
            yield address, place, bound.layers, bound.spec
            if bound.layers:
                yield tree(bound.node)
                for path, _ in fields.leaves(bound):
                    yield path, overlays.chain(estate, address, place, path)


def everything(loaded: Loaded) -> Any:
    """All that can be known of what was loaded, rules included."""
    found: list[Any] = [loaded.diagnostics, sorted(map(str, loaded.broken)), loaded.estate.digest]
    for estate in (loaded.estate, loaded.draft):
        if estate is not None:
            found += [estate.digest, [entity(one) for one in estate.entities.values()]]
    found.append(registry.check(loaded))
    found += resolved(loaded.estate)
    return found


def through_text(memory: Memory | None, before: files.Texts, now: files.Texts) -> Memory:
    """The memory as another process finds it."""
    assert memory is not None
    return kept.decode(kept.encode(memory, before.hashes()), now.hashes(), now.texts)


def same_files(memory: Memory | None, before: files.Texts, now: files.Texts) -> Memory:
    """The memory as the running process has it."""
    assert memory is not None
    old, new = before.hashes(), now.hashes()
    same = {name: file for name, file in memory.files.items() if new.get(name) == old[name]}
    return Memory(memory.places, same, memory.resolved)


def check_step(texts: dict[str, str], before: files.Texts, memories: list[Memory | None]) -> None:
    """Load by every way and compare; the memories are those for the next step."""
    now = files.Texts(texts)
    cold = loading.load(texts, keep=True)
    expected = everything(loading.load(texts))
    from_text = loading.load(texts, (), through_text(memories[0], before, now), keep=True)
    running = loading.load(texts, (), same_files(memories[1], before, now), keep=True)
    assert everything(from_text) == expected
    assert everything(running) == expected
    assert everything(cold) == expected
    memories[:] = [from_text.memory, running.memory]


# What is done to a text; the second half makes it wrong.
CHANGES: tuple[tuple[str, str], ...] = (
    ("tier: 1", "tier: 2"), ("replicas: 2", "replicas: 3"), ("owner: team/shop", "owner: person/ann"),
    ("regions: [eu, us]", "regions: [eu]"), ("order: 2", "order: 0"), ("max: 20", "max: 1"),
    ("  us:\n", "  us: null\n  dev:\n"), ("  prod:\n", "  dev:\n"), ("name: us", "name: asia"),
    ("kind: Stream", "kind: Service"), ("description:", "# a comment\ndescription:"),
    ("in:\n", "in:\n  dev: null\n"), ("", "---\n" + MANIFEST), ("min: 2", "min: !count 2"),
    ("tier: 1", "tiers: 1"), ("replicas:", "replicas: x"), ("engine: kafka", "engine: fish"),
    ("name: orders", "name: catalogue"), ("kind:", "kind: :"), ("name: prod", "name: [prod]"),
    ("prod/eu", "prod/mars"), ("MODE: null", "MODE: [1]"), ("system: store", "system: [store]"),
    ("kind: Environment", "kind: Region"), ("name: eu", "name: prod"), ("in:", "in: []\nx-in:"),
    ("service: catalogue", "service: packer"), ("apiVersion: telford/v1", "apiVersion: v1"),
)  # fmt: skip


@st.composite
def edits(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    kinds = ("change", "change", "change", "delete", "copy", "rename", "back", "join")
    one = st.tuples(st.sampled_from(kinds), st.integers(0, 30), st.integers(0, len(CHANGES) - 1))
    return draw(st.lists(one, min_size=1, max_size=6))


def apply(texts: dict[str, str], edit: tuple[str, int, int]) -> dict[str, str]:
    kind, number, change = edit
    name = sorted(texts)[number % len(texts)]
    after = dict(texts)
    old, new = CHANGES[change]
    if kind == "change":
        holders = [n for n, text in sorted(texts.items()) if old in text] or [name]
        name = holders[number % len(holders)]
        after[name] = texts[name].replace(old, new, 1) if old else texts[name] + new
    elif kind == "delete" and len(texts) > 1:
        del after[name]
    elif kind == "copy":
        after[f"copy-{change}.yaml"] = texts[name].replace("name: ", "name: x", 1)
    elif kind == "rename":
        after[f"{change:02d}-{name}"] = after.pop(name)
    elif kind == "back":
        after.update({n: t for n, t in sample().items() if n == name})
    elif kind == "join" and len(texts) > 1:
        other = sorted(texts)[change % len(texts)]
        if other != name:
            after[name] += "---\n" + after.pop(other)
    return after


def test_an_environment_that_is_broken_leaves_the_overlays_of_others_as_they_were():
    """A key of it alone is taken for a region then, beside keys of its regions."""
    texts = sample()
    before = files.Texts(texts)
    first = loading.load(texts, keep=True)
    memories: list[Memory | None] = [first.memory, first.memory]
    for edit in (("change", 4, 18), ("change", 0, 1)):
        texts = apply(texts, edit)
        check_step(texts, before, memories)
        before = files.Texts(texts)


# No test of ours depends on how busy the machine is.
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(edits())
def test_any_edits_of_an_estate_load_the_same_with_and_without_what_was_kept(
    done: list[tuple[str, int, int]],
):
    texts = sample()
    before = files.Texts(texts)
    first = loading.load(texts, keep=True)
    memories: list[Memory | None] = [first.memory, first.memory]
    for edit in done:
        texts = apply(texts, edit)
        check_step(texts, before, memories)
        before = files.Texts(texts)


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_alone_and_back_again_loads_the_same(change: tuple[str, str]):
    texts = sample()
    first = loading.load(texts, keep=True)
    memories: list[Memory | None] = [first.memory, first.memory]
    name = next(n for n, text in texts.items() if change[0] in text)
    changed = (
        {**texts, name: texts[name].replace(*change)} if change[0] else {**texts, name: change[1]}
    )
    check_step(changed, files.Texts(texts), memories)
    check_step(texts, files.Texts(changed), memories)


def test_a_generated_estate_loads_the_same_and_touches_no_text_that_is_kept(
    monkeypatch: pytest.MonkeyPatch,
):
    texts = generator().estate(30)
    found = files.Texts(texts)
    cold = loading.load(texts, keep=True)
    assert cold.diagnostics == ()
    assert registry.check(cold) == []
    memory = through_text(cold.memory, found, found)
    read: list[str] = []
    reader = yamltext.read
    monkeypatch.setattr(
        yamltext, "read", lambda text, file: read.append(file) or reader(text, file)
    )
    warm = loading.load(texts, (), memory)
    assert read == ["places.yaml"]
    bindings = [overlays.bind(warm.estate, place) for place in overlays.places(warm.estate)]
    assert all(bound.spec for binding in bindings for bound in binding.entities.values())
    assert registry.check(warm) == []
    assert read == ["places.yaml"]
    monkeypatch.undo()
    assert everything(warm) == everything(cold)


def test_the_generator_makes_the_estate_that_the_issue_names():
    made = generator().estate(100)
    assert made == generator().estate(100)
    assert made != generator().estate(100, seed=2)
    loaded = loading.load(made)
    services = [e.spec for e in loaded.estate.of_kind("Service")]
    assert len(services) == 100
    uses = sum(len(spec.uses) for spec in services)  # type: ignore[attr-defined]
    assert uses == generator().dependencies(100) == 600


def test_files_that_are_wrong_or_describe_places_are_not_kept():
    texts = sample() | {"bad.yaml": "kind: Service\n", "other.yaml": MANIFEST}
    memory = loading.load(texts, keep=True).memory
    assert memory is not None
    places = {n for n, t in texts.items() if "kind: Environment" in t or "kind: Region" in t}
    assert memory.files.keys() == texts.keys() - places - {"bad.yaml"}
    assert [d.code for d in memory.files["other.yaml"].warnings] == ["TEL111"]


def test_unchanged_files_give_the_very_same_entities_in_the_running_process():
    texts = sample()
    first = loading.load(texts, keep=True)
    changed = texts | {"d10.yaml": texts["d10.yaml"] + "# end\n"}
    again = loading.load(
        changed, (), same_files(first.memory, files.Texts(texts), files.Texts(changed))
    )
    same = [a for a, e in again.estate.entities.items() if e is first.estate.entities[a]]
    assert len(same) >= len(first.estate.entities) - 5


def test_without_being_asked_nothing_is_kept():
    assert loading.load(sample()).memory is None


def damaged(text: str) -> Iterator[str]:
    """Texts that are not what was kept, with and without sense."""
    header, *rows = text.split("\n")
    good = json.loads(header)
    yield from ("", "{", "[]", "null", "1", "[" * 100_000, text[: len(text) // 2], header)
    yield "\n".join([header, *rows[1:]])
    for key, value in (
        ("format", 2), ("files", None), ("files", [[1, 2, 3]]), ("files", {"a": 1}), ("heads", 7),
        ("heads", [[]] * len(rows)), ("heads", [[None] * 4] * len(rows)), ("places", [1]),
        ("heads", [["alien", "", "x", "y"]] * len(rows)), ("heads", [["service", 1, "x", "y"]] * len(rows)),
        ("heads", [["service", "", "x", "y", "z", [[1]]]] * len(rows)),
    ):  # fmt: skip
        yield "\n".join([json.dumps({**good, key: value}), *rows])
    for count in (-1, 10**9, "3", None, 1.5):
        named = [[name, hashed, count, warnings] for name, hashed, _, warnings in good["files"]]
        yield "\n".join([json.dumps({**good, "files": named}), *rows])


def test_a_text_that_is_not_what_was_kept_is_nothing():
    texts = sample()
    found = files.Texts(texts)
    memory = loading.load(texts, keep=True).memory
    assert memory is not None
    text = kept.encode(memory, found.hashes())
    for bad in damaged(text):
        assert kept.decode(bad, found.hashes(), texts).files == {}
    assert kept.decode(text, found.hashes(), texts).files.keys() == memory.files.keys()


@pytest.mark.parametrize(
    "row", ["", "{}", "[]", "[1,2]", "[{},[]]", '[{"a":[' + "[" * 50_000, "null"]
)
def test_fields_that_are_not_right_after_all_are_read_from_the_text(row: str):
    texts = sample()
    found = files.Texts(texts)
    first = loading.load(texts, keep=True)
    assert first.memory is not None
    header, *rows = kept.encode(first.memory, found.hashes()).split("\n")
    memory = kept.decode("\n".join([header, *[row] * len(rows)]), found.hashes(), texts)
    warm = loading.load(texts, (), memory)
    assert isinstance(warm.estate.entities["service/store.orders"], LaterEntity)
    assert everything(warm) == everything(loading.load(texts))


def test_a_foreign_document_is_one_of_ours_and_its_own_line_is_shown():
    texts = sample() | {
        "score.yaml": "a: 1\n---\napiVersion: score.dev/v1b1\nmetadata:\n  name: cart\n"
    }
    nodes, _ = yamltext.read(
        "\n\n\n\n{apiVersion: telford/v1, kind: Service, name: cart, system: store, owner: team/shop}",
        "score.yaml",
    )
    assert isinstance(nodes[0], Mapping)
    made = [loading.Foreign("score.yaml", 1, nodes[0])]
    loaded = loading.load(texts, made, keep=True)
    assert [d.code for d in loaded.diagnostics] == ["TEL110"]
    link = overlays.chain(loaded.estate, "service/cart", None, "owner")[-1]
    assert (str(link.position), link.value) == ("score.yaml:5:75", "team/shop")
    assert loaded.memory is not None
    assert "score.yaml" not in loaded.memory.files
    plain = loading.load(texts)
    assert "service/store.cart" not in plain.estate.entities
    assert [d.code for d in plain.diagnostics] == ["TEL110", "TEL111"]
    silent = loading.load(texts, [loading.Foreign("score.yaml", 1, None)])
    assert [d.code for d in silent.diagnostics] == ["TEL110"]


def test_only_files_that_may_hold_other_formats_are_given_to_their_readers(
    monkeypatch: pytest.MonkeyPatch,
):
    given_: list[str] = []

    def reader(texts: Any) -> Any:
        given_.extend(texts)
        return [], []

    monkeypatch.setattr(whole, "FOREIGN", (reader,))
    others = {
        "a.yaml": "apiVersion: openslo/v1\n", "b.yaml": '{"apiVersion": "score.dev/v1b1"}',
        "c.yaml": "'apiVersion' : backstage.io/v1alpha1", "d.yaml": 'apiVersion: "telford/v1"',
    }  # fmt: skip
    whole.of_texts(files.Texts(sample() | others))
    assert given_ == ["a.yaml", "b.yaml", "c.yaml"]
