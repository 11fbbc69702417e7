"""Data plans in the API, and their panel as a part of a page."""

import pytest
from portal_client import Client, Describe

import data_plans
from telford.app import data_page
from telford.deliver.data_changes import DataView
from telford.portal import page

JSON = {"accept": "application/json"}
HEAD = "apiVersion: telford/v1\n"
ESTATE = (
    f"{HEAD}kind: Team\nname: shop\n---\n{HEAD}kind: Environment\nname: dev\n---\n"
    f"{HEAD}kind: Datastore\nname: book\nowner: team/shop\nengine: postgres\n---\n"
    f"""{HEAD}kind: Service
name: orders
owner: team/shop
uses: [{{datastore: book, access: readwrite}}]
dataChanges:
  - datastore: book
    url: env:BOOK_URL
    steps: [{{name: add, phase: expand, sql: ALTER TABLE a ADD COLUMN b int}}]
"""
)


@pytest.fixture
def client(described: Describe) -> Client:
    return described({"estate.yaml": ESTATE})


def test_the_api_says_how_data_stand_and_refuses_what_cannot_be(client: Client) -> None:
    found = client.get("/api/data/orders?place=dev", headers=JSON).json()
    assert found["plan"] is None
    assert [(one["name"], one["status"]) for one in found["steps"]] == [("add", "waiting")]
    wish = {"verb": "contract", "place": "dev", "reason": "now"}
    answer = client.post("/api/data/orders", json=wish, headers=JSON)
    assert answer.status_code == 409
    assert "no data plan is under way" in answer.text
    assert client.post("/api/data/orders", json={**wish, "verb": "dance"}).status_code == 422
    assert client.get("/api/releases/nothing/data", headers=JSON).status_code == 404


def test_the_panel_is_drawn_with_words_beside_every_colour() -> None:
    steps = (data_plans.step("add<b>", "expand"), data_plans.fill())
    views = (
        DataView("add<b>", "expand", "done"),
        DataView("fill-email", "migrate", "failed", 400, 1000, "on <purpose>"),
    )
    panel = data_page.draw(None, "service/orders", steps, views)
    template = '{% import "parts.html" as p %}{% include "data.html" %}'
    drawn = page.environment().from_string(template).render(data=panel)
    assert "failed" in drawn
    assert "400 of about 1,000 rows" in drawn
    assert "on &lt;purpose&gt;" in drawn
    assert "<b>" not in drawn
    assert page.environment().from_string(template).render(data=None).strip() == ""
