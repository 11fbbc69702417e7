"""What changed between two estates, by meaning: resolved values per place, never text."""

import random
import re

import every_field
import pytest
from estate_sample import TEXT

from telford.basics import yamltext
from telford.estate import diff, effects, loading, shapes
from telford.estate.diff import Change, Diff
from telford.estate.kinds import registry
from telford.road import yamlout

BASE = """\
apiVersion: telford/v1
kind: Environment
name: dev
order: 1
---
apiVersion: telford/v1
kind: Environment
name: prod
order: 2
regions: [eu, us]
---
apiVersion: telford/v1
kind: Region
name: eu
---
apiVersion: telford/v1
kind: Region
name: us
---
apiVersion: telford/v1
kind: Service
name: stock
system: shop
owner: team/a
run: {image: "stock:1"}
---
apiVersion: telford/v1
kind: Service
name: orders
system: shop
owner: team/a
description: Takes orders.
uses: [{service: stock, timeout: 1s}]
run:
  image: orders:1
  replicas: 2
  env: {A.B: one, C: two}
in:
  prod: {run: {replicas: 4}}
  prod/us: {run: {image: "orders:0"}}
---
apiVersion: telford/v1
kind: Objective
name: fast
system: shop
owner: team/a
service: orders
target: 99%
sli: {latency: {threshold: 300ms}}
"""


def compare(before: str, after: str, **options: object) -> Diff:
    old = loading.load({"a.yaml": before})
    new = loading.load({"b.yaml": after})
    assert not [d for d in (*old.diagnostics, *new.diagnostics) if d.severity == "error"]
    return diff.compare(old.estate, new.estate, **options)  # type: ignore[arg-type]


def changed(replace: str, by: str, **options: object) -> Change:
    assert replace in BASE
    found = compare(BASE, BASE.replace(replace, by), **options)
    (change,) = found.changes
    return change


def rows(change: Change) -> list[tuple[object, ...]]:
    return [(f.field, f.old, f.new, f.effect, f.places) for f in change.fields]


ALL = ("dev", "prod/eu", "prod/us")


def test_a_change_that_an_overlay_hides_is_none_there() -> None:
    """Base replicas show in dev only; the line that says so is named on both sides."""
    change = changed("replicas: 2", "replicas: 3")
    assert rows(change) == [("run.replicas", 2, 3, "scale", ("dev",))]
    (field,) = change.fields
    assert str(field.before) == "a.yaml:36:13"
    assert str(field.after) == "b.yaml:36:13"
    assert field.layers == ("base", "base")
    assert change.effects == ("scale",)


def test_a_change_that_is_hidden_everywhere_says_so_and_has_no_effect() -> None:
    text = BASE.replace("in:\n", "in:\n  dev: {run: {replicas: 1}}\n")
    (change,) = compare(text, text.replace("replicas: 2", "replicas: 3")).changes
    assert rows(change) == [("run.replicas", 2, 3, "scale", ())]
    assert change.effects == ()


def test_a_deleted_overlay_value_falls_back_and_names_both_lines() -> None:
    change = changed("prod: {run: {replicas: 4}}", "prod: {run: {replicas: null}}")
    (field,) = change.fields
    assert (field.field, field.old, field.new) == ("run.replicas", 4, None)
    assert field.places == ("prod/eu", "prod/us")
    assert str(field.after) == "b.yaml:39:26"


def test_values_that_differ_by_place_are_told_apart() -> None:
    change = changed('"orders:0"', '"orders:9"')
    assert rows(change) == [("run.image", "orders:0", "orders:9", "restart", ("prod/us",))]


def test_dependencies_come_go_and_change_with_their_address() -> None:
    gone = changed("uses: [{service: stock, timeout: 1s}]\n", "")
    (field,) = gone.fields
    assert (field.field, field.target, field.new) == ("uses[stock]", "service/shop.stock", None)
    assert field.old == {"service": "stock", "critical": True, "timeout": "1s"}
    soft = changed("timeout: 1s}", "timeout: 1s, critical: false}")
    (field,) = soft.fields
    assert (field.field, field.old, field.new) == ("uses[stock].critical", True, False)
    assert (field.effect, field.target) == ("dependency", "service/shop.stock")


def test_the_same_thing_by_another_spelling_is_no_change() -> None:
    """A reference with its system, lists of named items in another order, quotes, comments."""
    text = BASE.replace("{service: stock, timeout: 1s}", "{timeout: 1s, service: shop.stock} ")
    text = text.replace("image: orders:1", "# here\n  image: 'orders:1'")
    assert compare(BASE, text).changes == ()


def test_things_in_another_file_and_order_did_not_change() -> None:
    """Documents shuffled over files and written anew, key by key, are the same estate."""
    nodes, _ = yamltext.read(TEXT, "a.yaml")
    documents = [yamltext.plain(node) for node in nodes]
    random.Random(7).shuffle(documents)
    texts: dict[str, str] = {}
    for index, document in enumerate(documents):
        assert isinstance(document, dict)
        turned = dict(reversed(document.items()))
        file = f"f{index % 3}.yaml"
        texts[file] = texts.get(file, "# moved\n") + "---\n" + yamlout.document(turned)
    old = loading.load({"a.yaml": TEXT}).estate
    new = loading.load(texts).estate
    assert diff.compare(old, new).changes == ()


@pytest.mark.parametrize("moved", ["moved: [{from: service/orders, to: service/shop.sales}]", ""])
def test_a_rename_keeps_history_and_its_references(moved: str) -> None:
    """By `moved`, or by equal content; what refers to it did not change by that."""
    text = BASE.replace("name: orders\n", f"name: sales\n{moved}\n").replace(
        "service: orders", "service: sales"
    )
    (change,) = compare(BASE, text).changes
    assert (change.what, change.was, change.address) == (
        "renamed",
        "service/shop.orders",
        "service/shop.sales",
    )
    assert change.fields == ()
    assert change.effects == ("identity",)


def test_a_rename_with_changes_shows_them() -> None:
    moved = "moved: [{from: service/shop.stock, to: service/shop.store}]"
    text = BASE.replace("name: stock\n", f"name: store\n{moved}\n").replace("stock:1", "stock:2")
    text = text.replace("service: stock", "service: store")
    (change,) = compare(BASE, text).changes
    assert change.what == "renamed"
    assert rows(change) == [("run.image", "stock:1", "stock:2", "restart", ALL)]


def test_what_is_alike_by_chance_is_no_rename() -> None:
    """Two that went and one that came with the same content: nobody knows which it was."""
    twice = BASE + BASE.split("---\n")[4].replace("stock", "store").replace(
        "apiVersion", "---\napiVersion", 1
    ).replace("store:1", "stock:1")
    text = BASE.replace("name: stock\n", "name: depot\n").replace(
        "service: stock", "service: depot"
    )
    found = compare(twice, text)
    assert [(c.what, c.address) for c in found.changes if c.what != "changed"] == [
        ("added", "service/shop.depot"),
        ("removed", "service/shop.stock"),
        ("removed", "service/shop.store"),
    ]


def test_promises_are_tightened_or_loosened() -> None:
    assert changed("target: 99%", "target: 99.9%").effects == ("tightened",)
    assert changed("target: 99%", "target: 95%").effects == ("loosened",)
    assert changed("300ms", "1s").effects == ("loosened",)
    text = BASE[: BASE.index("---\napiVersion: telford/v1\nkind: Objective")]
    (change,) = compare(BASE, text).changes
    assert (change.what, change.effects) == ("removed", ("loosened",))


def test_owners_places_and_words_have_effects_of_their_own() -> None:
    assert changed("owner: team/a\ndescription", "owner: team/b\ndescription").effects == (
        "ownership",
    )
    assert changed("Takes orders.", "Takes many orders.").effects == ("cosmetic",)
    found = compare(
        BASE,
        BASE.replace("regions: [eu, us]", "regions: [eu]").replace(
            '  prod/us: {run: {image: "orders:0"}}\n', ""
        ),
    )
    assert found.lost == ("prod/us",)
    assert found.places == ("dev", "prod/eu")
    assert ("environment/prod", ("place",)) in [(c.address, c.effects) for c in found.changes]


def test_what_exists_no_more_in_a_place_says_where() -> None:
    change = changed(
        "in:\n  prod: {run: {replicas: 4}}\n", "in:\n  prod: {run: {replicas: 4}}\n  dev: null\n"
    )
    assert change.leaves == ("dev",)
    assert change.fields == ()
    assert change.effects == ("place",)


def test_only_a_place_or_a_kind_is_looked_at_where_asked() -> None:
    text = BASE.replace("replicas: 2", "replicas: 3").replace("target: 99%", "target: 98%")
    assert [c.address for c in compare(BASE, text, where="prod").changes] == ["objective/shop.fast"]
    assert [c.address for c in compare(BASE, text, kinds=["Service"]).changes] == [
        "service/shop.orders"
    ]


def test_keys_with_dots_and_whole_blocks_are_one_change_each() -> None:
    change = changed("env: {A.B: one, C: two}", "env: {C: two}")
    assert rows(change) == [("run.env[A.B]", "one", None, "restart", ALL)]
    change = changed(
        "  image: orders:1\n", "  image: orders:1\n  health: {ready: {path: /x, port: 80}}\n"
    )
    (field,) = change.fields
    assert field.field == "run.health.ready"
    assert field.new == {"path": "/x", "scheme": "HTTP", "port": 80, "tcp": False, "grpc": False}
    assert str(field.after) == "b.yaml:36:19"


def test_the_order_of_what_runs_first_counts() -> None:
    one = '{name: a, image: "a:1"}'
    two = '{name: b, image: "b:1"}'
    before = BASE.replace("  replicas: 2\n", f"  replicas: 2\n  initialise: [{one}, {two}]\n")
    after = BASE.replace("  replicas: 2\n", f"  replicas: 2\n  initialise: [{two}, {one}]\n")
    (change,) = compare(before, after).changes
    assert rows(change) == [("run.initialise", ["a", "b"], ["b", "a"], "restart", ALL)]


def test_each_change_knows_whom_it_touches() -> None:
    found = compare(BASE, BASE.replace("stock:1", "stock:2"))
    radius = found.radii()["service/shop.stock"]
    assert [r.address for r in radius.services] == ["service/shop.orders"]
    assert radius.objectives == ("objective/shop.fast",)
    gone = compare(
        BASE,
        BASE.replace("uses: [{service: stock, timeout: 1s}]\n", "").replace(
            BASE.split("---\n")[4] + "---\n", ""
        ),
    )
    assert [r.address for r in gone.radii()["service/shop.stock"].services] == [
        "service/shop.orders"
    ]


def test_every_kind_written_anew_is_the_same_and_every_lost_field_is_one_change() -> None:
    """Documents of every kind and field: turned around they are equal; without one of their fields
    they differ in just that field.
    """
    for document in every_field.documents():
        text = yamlout.document(document)
        turned = yamlout.document(dict(reversed(document.items())))
        whole = loading.load({"a.yaml": text}).estate
        assert diff.compare(whole, loading.load({"a.yaml": turned}).estate).changes == ()
        kind = registry.BY_NAME[document["kind"]]
        kept = {"apiVersion", "kind", "name", "system", *shapes.of(kind).required}
        for key in document.keys() - kept - {"moved"}:
            less = yamlout.document({k: v for k, v in document.items() if k != key})
            loaded = loading.load({"a.yaml": less})
            if any(d.severity == "error" for d in loaded.diagnostics):
                continue
            found = diff.compare(whole, loaded.estate).changes
            if not found:
                # What was written is what the field is anyway.
                specs = [next(iter(one.entities.values())).spec for one in (whole, loaded.estate)]
                assert specs[0] == specs[1]
                continue
            (change,) = found
            assert {re.split(r"[.\[]", f.field)[0] for f in change.fields} == {key}
            assert all(f.effect in effects.names() and f.before for f in change.fields)


def test_every_effect_of_the_table_is_named_and_every_name_used() -> None:
    """The table of effects and its rules agree."""
    rules = effects._rules()
    used = {e for rule in rules for e in (rule.effect, rule.rises, rule.falls)}
    assert used == set(effects.names())
