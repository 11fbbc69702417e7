"""From an estate's data changes to a release's plan, its panel, and what the API says."""

import json
import pathlib

import pytest

import data_plans
import stores
from telford.app import data, data_page, data_plan
from telford.basics.clock import SystemClock
from telford.basics.errors import RefusedError, UsageError
from telford.deliver import data_changes
from telford.deliver.data_changes import DataView
from telford.estate import loading, overlays
from telford.estate.model import Binding
from telford.store.store import Store

HEAD = "apiVersion: telford/v1\n"
ESTATE = (
    f"{HEAD}kind: Team\nname: shop\n---\n{HEAD}kind: Environment\nname: dev\n---\n"
    f"{HEAD}kind: Datastore\nname: book\nowner: team/shop\nengine: postgres\n---\n"
    f"{HEAD}kind: Datastore\nname: notes\nowner: team/shop\nengine: sqlite\n---\n"
    f"""{HEAD}kind: Service
name: orders
owner: team/shop
run: {{image: "shop/orders:2"}}
uses: [{{datastore: book, access: readwrite}}, {{datastore: notes, access: readwrite}}]
dataChanges:
  - datastore: book
    url: env:BOOK_URL
    environment: [APP_MODE]
    steps:
      - {{name: add, phase: expand, sql: ALTER TABLE a ADD COLUMN b int}}
      - {{name: drop, phase: contract, sql: ALTER TABLE a DROP COLUMN c, after: 7d}}
  - datastore: notes
    url: file:/run/notes
    lockTimeout: 500ms
    steps:
      - {{name: index, phase: expand, sql: CREATE INDEX i ON n (b)}}
      - name: fill
        phase: migrate
        backfill: {{table: n, key: id, statement: "UPDATE n SET b = 1 WHERE id BETWEEN :first AND :last"}}
      - {{name: known, phase: expand, sql: DROP VIEW v, compatible: nobody reads it}}
---
{HEAD}kind: Service
name: still
owner: team/shop
"""
)


@pytest.fixture(scope="module")
def binding() -> Binding:
    loaded = loading.load({"estate.yaml": ESTATE})
    return overlays.bind(loaded.estate, overlays.places(loaded.estate)[0])


def test_steps_of_all_data_stores_go_through_the_phases_together(binding: Binding) -> None:
    seen = data.described(binding, "orders")
    assert [one.name for one in seen.steps] == ["add", "index", "known", "fill", "drop"]
    by_name = {one.name: one for one in seen.steps}
    assert by_name["index"].setting("lock_timeout") == "0.5"
    assert by_name["add"].setting("lock_timeout") == "2"
    assert json.loads(by_name["add"].setting("environment")) == ["APP_MODE"]
    assert by_name["drop"].setting("after") == "604800"
    assert not by_name["drop"].reversible
    assert by_name["fill"].setting("pause") == "0.1"


def test_each_engine_is_judged_by_its_own_rules_and_a_persons_word_counts(
    binding: Binding, tmp_path: pathlib.Path
) -> None:
    seen = data.described(binding, "orders")
    changes = data_plan.changer(tmp_path, SystemClock())
    assert data.check(changes, seen) == ()


def test_a_plan_is_begun_by_hand_and_obeys(binding: Binding, tmp_path: pathlib.Path) -> None:
    store = Store(stores.fresh(tmp_path / "store.db"), SystemClock())
    changes = data_plan.changer(tmp_path, SystemClock())
    seen = data.overview(store, binding, "orders")
    assert seen.plan is None
    with pytest.raises(RefusedError, match="no data plan is under way"):
        data.wish(store, seen.plan, "pause", who="ann")
    data.run(store, changes, seen, who="ann")
    begun = data.overview(store, binding, "orders", changes)
    assert begun.plan is not None
    assert begun.plan.active
    assert "BOOK_URL, which is not set" in begun.problem
    data.wish(store, begun.plan, "pause", who="ann", reason="lunch")
    again = data.overview(store, binding, "orders")
    assert again.plan is not None
    assert again.plan.wish == "pause"
    assert again.plan.generation > begun.plan.generation
    with pytest.raises(RefusedError, match="before add, index, known, fill is done"):
        data.wish(store, again.plan, "contract", who="ann")
    with pytest.raises(RefusedError, match="is under way"):
        data.undo(store, changes, again, "add", who="ann")
    assert json.dumps(again.as_json())
    store.close()


def test_what_changes_no_data_says_so(binding: Binding) -> None:
    with pytest.raises(RefusedError, match="changes no data"):
        data.described(binding, "still")
    with pytest.raises(UsageError, match="no service called"):
        data.described(binding, "nobody")


def test_the_panel_says_what_happens_next_and_where_there_is_no_way_back() -> None:
    steps = (
        data_plans.step("add", "expand"),
        data_plans.fill(),
        data_plans.step("drop", "contract"),
    )
    views = (
        DataView("add", "expand", "done"),
        DataView("fill-email", "migrate", "running", 400, 1000),
        DataView("drop", "contract", "waiting"),
    )
    panel = data_page.draw(None, "service/orders", steps, views)
    assert panel.says == "fill-email is running, 400 of about 1,000 rows"
    assert panel.back == ""
    assert [one.share for one in panel.steps] == [None, 0.4, None]
    assert panel.steps[2].irreversible_says
    done = tuple(DataView(one.name, one.phase, "done") for one in steps)
    panel = data_page.draw(None, "service/orders", steps, done)
    assert panel.says == "every step is done"
    assert "drop is done" in panel.back
    assert data_changes.announce(steps) == panel.announced
    assert json.dumps(panel.as_json())
