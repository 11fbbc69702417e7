"""A line of an artifact leads to the line of the estate that it hangs on, whatever the target."""

import random
from functools import cache

import pytest

import optional
from telford.app import loading, rendering, source_leaves, source_map, source_trials
from telford.app.source_map import How, Origin, SourceMap
from telford.basics.diagnostics import Position
from telford.estate import overlays
from telford.estate.loading import load
from telford.estate.model import Entity, Estate
from telford.plan.actions import Entry
from telford.render import registry
from telford.render.artifacts import Unit
from telford.render.scene import World

ESTATE = """\
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: Environment
name: prod
production: true
namespace: live
---
apiVersion: telford/v1
kind: Architecture
name: paved
owner: team/shop
version: 1.0.0
defaults:
  security:
    runAsUser: 10001
---
apiVersion: telford/v1
kind: Service
name: orders
owner: team/shop
type: http
uses: [{service: stock}]
run:
  image: shop/orders:1.0.0
  env: {GREETING: hello}
  security: {readOnlyRootFilesystem: false}
in:
  prod: {run: {replicas: 4}}
---
apiVersion: telford/v1
kind: Service
name: stock
owner: team/shop
type: grpc
run: {image: "shop/stock:2.0.0"}
"""
PATH = "kubernetes/prod/orders.yaml"


def world(estate: Estate, *targets: str) -> World:
    chosen = [registry.BY_NAME[name] for name in targets]
    return rendering.world(estate, overlays.places(estate), chosen)


@cache
def orders() -> SourceMap:
    estate = load({"e.yaml": ESTATE}).estate
    entry = Entry(PATH, "", "", "service/orders", "kubernetes", "prod")
    found = source_map.of_file(world(estate, "kubernetes"), entry)
    assert found is not None
    return found


def line_of(text: str, *, last: bool = False) -> int:
    found = [i for i, line in enumerate(orders().lines, 1) if text in line]
    return found[-1 if last else 0]


def written(text: str) -> int:
    return next(i for i, line in enumerate(ESTATE.splitlines(), 1) if text in line)


EXACT = [
    ("image: shop/orders", "image: shop/orders", "service/orders", "run.image"),
    ("replicas: 4", "replicas: 4", "service/orders", "in.prod.run.replicas"),
    ("value: hello", "GREETING", "service/orders", "run.env.GREETING"),
    ("name: GREETING", "GREETING", "service/orders", "run.env.GREETING"),
    ("RootFilesystem: false", "RootFile", "service/orders", "run.security.readOnlyRootFilesystem"),
    ("namespace: live", "namespace", "environment/prod", "namespace"),
    ("runAsUser: 10001", "10001", "architecture/paved", "defaults.security.runAsUser"),
    ("telford.dev/owner", "owner: team/shop", "service/orders", "owner"),
    ("name: stock", "uses:", "service/orders", "uses.0.service"),
]


@pytest.mark.parametrize(("generated", "said", "address", "field"), EXACT)
def test_a_value_leads_to_where_it_is_written(generated, said, address, field):
    origin = orders().line(line_of(generated))
    assert (origin.how, origin.address, origin.field) == (How.EXACT, address, field)
    if field != "owner":
        assert origin.position == Position("e.yaml", written(said), origin.position.column)


def test_what_the_road_says_leads_to_its_defaults():
    origin = orders().line(line_of("revisionHistoryLimit"))
    assert (origin.how, origin.address, origin.field) == (
        How.EXACT,
        "",
        "workload.revision_history",
    )
    assert origin.position.file == "telford/road/defaults.toml"


def test_what_is_worked_out_is_derived():
    # The port of what it calls is the road's for what speaks gRPC.
    origin = orders().line(line_of("port: 50051"))
    assert origin.field in ("ports.grpc", "type")


def test_what_nothing_moves_is_of_the_document():
    origin = orders().line(line_of("kind: ServiceAccount"))
    assert (origin.how, origin.address) == (How.ENTITY, "service/orders")
    assert origin.position.line == written("kind: Service") - 1


def test_a_digest_of_everything_is_of_the_document_and_not_of_one_value():
    every = orders().every()
    origins = every[line_of("telford.dev/digest") - 1]
    assert {(o.how, o.address) for o in origins if o.address == "service/orders"} == {
        (How.ENTITY, "service/orders")
    }


def test_the_place_is_known_by_its_name():
    origin = orders().line(line_of("telford.dev/environment"))
    assert (origin.address, origin.field) == ("environment/prod", "name")


def test_a_file_that_nobody_makes_has_no_map():
    estate = load({"e.yaml": ESTATE}).estate
    gone = Entry("kubernetes/prod/gone.yaml", "", "", "service/gone", "kubernetes", "prod")
    assert source_map.of_file(world(estate, "kubernetes"), gone) is None
    nobody = Entry(PATH, "", "", "service/orders", "nobodys.target", "prod")
    assert source_map.of_file(world(estate, "kubernetes"), nobody) is None


# ---------------------------------------------------------------- the property, over our estates

# Other values than the map itself tries.
EDITS_OF_AN_ESTATE = 2
TARGETS = ("kubernetes", "prometheus")


def edited(entity: Entity, leaf: source_leaves.Leaf) -> Entity | None:
    """The entity with a value of the same type in place of a leaf's."""
    value = leaf.value
    others = [value + 11] if isinstance(value, int) and not isinstance(value, bool) else []
    others += [not value] if isinstance(value, bool) else []
    others += [f"{value}-zz", f"1{value}"] if isinstance(value, str) else []
    made = (source_leaves.with_value(entity, leaf, other) for other in others)
    return next(filter(None, made), None)


def units(seen: World) -> dict[str, Unit]:
    targets = [registry.BY_NAME[name] for name in seen.targets]
    every = [t.everywhere(seen) for t in targets]
    every += [t.in_place(scene) for t in targets for scene in seen.scenes]
    return {unit.path: unit for one in every for unit in one.units}


@pytest.mark.parametrize("name", ["shop", "boutique", "organisation"])
def test_every_line_that_an_edit_changes_leads_to_the_edited_document(name: str):
    estate = loading.estate_of([optional.REPOSITORY / "examples" / name / "estate"]).estate
    plain = world(estate, *TARGETS)
    before = {path: unit.make() for path, unit in units(plain).items()}
    by_chance = random.Random(name)
    leaves = [
        (entity, leaf)
        for entity in estate.entities.values()
        for leaf in source_leaves.leaves(entity)
        if not leaf.naming and entity.address.kind in ("service", "datastore", "objective")
    ]
    by_chance.shuffle(leaves)
    looked = 0
    for entity, leaf in leaves:
        other = edited(entity, leaf)
        if other is None or looked == EDITS_OF_AN_ESTATE:
            continue
        entities = {**estate.entities, leaf.address: other}
        resolved = {k: v for k, v in estate.resolved.items() if k[0] != leaf.address}
        after = units(world(Estate(entities, estate.digest, resolved), *TARGETS))
        changed = [p for p in before if p in after and after[p].make() != before[p]]
        # Every line of a file is looked up: of a short one, of a single thing.
        changed = [p for p in changed if after[p].owner.partition("/")[0] != "environment"]
        for path in sorted(changed, key=lambda p: len(before[p]))[:1]:
            _leads_back(plain, after[path], before[path], leaf)
            looked += 1
    assert looked == EDITS_OF_AN_ESTATE


def _leads_back(plain: World, unit: Unit, before: str, leaf: source_leaves.Leaf) -> None:
    entry = Entry(unit.path, "", "", unit.owner, unit.target, unit.place)
    mapped = source_map.of_file(plain, entry)
    assert mapped is not None
    every = mapped.every()
    old, new = (source_map._lines(text) for text in (before, unit.make()))
    for index in source_map._differences(old, new, leaf.text, ""):
        found = [o for o in every[index] if o.address == leaf.address]
        where = f"{unit.path}:{index + 1} {old[index].strip()} <- {leaf.address} {leaf.field}"
        assert found, where
        assert any(_is_of(origin, leaf) for origin in found), where


def _is_of(origin: Origin, leaf: source_leaves.Leaf) -> bool:
    """Whether an origin is a leaf's line, or all of its document."""
    return origin.how is How.ENTITY or origin.position == leaf.position


# ---------------------------------------------------------------- other values


def test_another_value_is_one_that_the_kind_takes():
    entity = load({"e.yaml": ESTATE}).estate.entities["service/orders"]
    for leaf in source_leaves.leaves(entity):
        for text, other in source_leaves.others(leaf, entity):
            assert other.spec.kind == "Service"
            assert text != leaf.text or leaf.field.endswith("GREETING")


def test_a_word_of_a_choice_gives_the_other_words():
    entity = load({"e.yaml": ESTATE}).estate.entities["service/orders"]
    leaf = next(leaf for leaf in source_leaves.leaves(entity) if leaf.field == "type")
    texts = {text for text, _ in source_leaves.others(leaf, entity)}
    assert {"grpc", "worker", "cron"} <= texts


def test_trying_other_values_leaves_the_estate_as_it_is():
    estate = load({"e.yaml": ESTATE}).estate
    entity = estate.entities["service/orders"]
    before = repr(entity.node)
    for leaf in source_leaves.leaves(entity):
        list(source_leaves.others(leaf, entity))
    assert repr(entity.node) == before


def test_a_target_that_fails_on_another_estate_gives_no_answer():
    estate = load({"e.yaml": ESTATE}).estate
    entry = Entry(PATH, "", "", "service/orders", "kubernetes", "prod")
    seen = world(estate, "kubernetes")
    made_by = source_trials.piece(seen, entry)
    assert made_by is not None
    trials = source_trials.Trials(seen, made_by)
    gone = estate.entities["team/shop"]
    assert trials.with_entity("service/orders", gone) is None
