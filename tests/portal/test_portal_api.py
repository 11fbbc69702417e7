"""The API gives what the pages show."""

import gzip
import pathlib

from portal_client import Client
from portal_scene import Scene

from telford.app import release_acts

JSON = {"accept": "application/json"}


def test_openapi_is_3_1_and_names_no_page(reader: Client) -> None:
    described = reader.get("/api/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert all(path.startswith("/api/") for path in described["paths"])
    for methods in described["paths"].values():
        for operation in methods.values():
            assert operation["description"]


def test_entities_are_searched_and_paged(reader: Client) -> None:
    found = reader.get("/api/entities?q=orders&kind=Service&limit=1").json()
    assert found["total"] == 2
    assert [one["address"] for one in found["entities"]] == ["service/shop.fulfilment"]
    # fulfilment speaks of orders in its description; the next page has orders itself.
    found = reader.get("/api/entities?q=orders&kind=Service&limit=1&offset=1").json()
    assert [one["address"] for one in found["entities"]] == ["service/shop.orders"]


def test_one_entity_has_every_field_with_its_source(reader: Client) -> None:
    entity = reader.get("/api/entities/service/orders?in=prod/eu-west-1").json()
    assert entity["address"] == "service/shop.orders"
    assert entity["owner"] == "team/orders"
    fields = {one["field"]: one for one in entity["fields"]}
    memory = fields["run.resources.limits.memory"]
    assert memory["value"] == "512Mi"
    assert memory["layer"] == "prod"
    assert "orders.yaml:" in memory["position"]
    assert [one["target"] for one in entity["uses"]] == [
        "datastore/shop.orders",
        "stream/shop.order-placed",
    ]
    assert "service/shop.storefront" in entity["blast_radius"]


def test_the_graph_narrows_to_a_focus(reader: Client) -> None:
    whole = reader.get("/api/graph").json()
    near = reader.get("/api/graph?focus=service/catalogue&depth=1").json()
    assert {one["id"] for one in near["nodes"]} == {
        "service/shop.catalogue",
        "service/shop.storefront",
    }
    assert len(whole["nodes"]) > len(near["nodes"])
    assert not whole["folded"]


def test_a_release_says_its_sentence_rates_gates_and_acts(reader: Client) -> None:
    release = reader.get("/api/releases/storefront-3").json()
    assert release["sentence"].startswith("storefront 1.3.0 is at ")
    assert {one["name"] for one in release["indicators"]} == {"errors", "slowness"}
    rates = release["indicators"][0]["rates"]["canary"]
    assert rates["low"] <= rates["rate"] <= rates["high"]
    assert [one["verb"] for one in release["acts"]] == list(release_acts.VERBS)
    assert release["acts"][3]["refused"]
    assert {one["name"] for one in release["gates"]} >= {"Weight", "Soak", "Deadline"}


def test_the_evidence_over_time_ends_where_the_ledger_ends(reader: Client, played: Scene) -> None:
    series = reader.get("/api/releases/storefront-2/evidence").json()
    last = played.store.ledger.last("storefront-2")
    assert last is not None
    assert series["tick"][-1] == last.tick
    assert series["changes"][-1]["decision"] == "rollback"
    errors = series["indicators"]["errors"]
    assert errors["rollback"][-1] >= errors["rollback_bound"][-1]
    length = len(series["at"])
    assert all(len(column) == length for column in errors.values())


def test_the_ledger_is_paged_by_tick(reader: Client) -> None:
    first = reader.get("/api/releases/storefront-1/ledger?limit=5").json()
    assert [one["tick"] for one in first["entries"]] == [0, 1, 2, 3, 4]
    after = reader.get("/api/releases/storefront-1/ledger?limit=1&after=4").json()
    assert after["entries"][0]["tick"] == 5


def test_a_command_is_planned_first_and_then_given(scene: Scene, client: Client) -> None:
    plan = client.get("/api/releases/storefront-9/plan/promote").json()
    assert "goes from 10% to 100%" in plan["steps"][0]
    answer = client.post(
        "/api/releases/storefront-9/commands", json={"verb": "pause", "reason": "lunch"}
    )
    assert answer.status_code == 202
    key = answer.json()["command"]
    assert scene.store.commands.of("storefront-9")[0].id == key
    assert client.get(f"/api/commands/{key}").json()["taken_at"] is None


def test_what_cannot_be_done_is_answered_with_a_sentence(client: Client) -> None:
    path = "/api/releases/storefront-9/commands"
    refused = client.post(path, json={"verb": "resume", "reason": "x"})
    assert refused.status_code == 409
    assert "resume" in refused.json()["error"]
    assert client.post(path, json={"verb": "explode", "reason": "x"}).status_code == 422
    assert client.post(path, json={"verb": "pause", "reason": ""}).status_code == 422
    assert client.post(path, json={"verb": "pause"}).status_code == 422
    nothing = client.post("/api/releases/none/commands", json={"verb": "pause", "reason": "x"})
    assert nothing.status_code == 404
    assert nothing.json() == {"error": "there is no release none"}


def test_settings_are_replayed_over_past_releases(reader: Client) -> None:
    found = reader.get("/api/replay?service=storefront&place=dev&settings=alpha=0.02").json()
    assert found["policy"]["alpha"] == 0.02
    happened = {one["release"]: one["happened"]["decision"] for one in found["releases"]}
    assert happened["storefront-1"] == "promoted"
    assert happened["storefront-2"] == "rolled back"
    assert all(one["would"]["decision"] for one in found["releases"])
    wrong = reader.get("/api/replay?service=storefront&place=dev&settings=colour=1", headers=JSON)
    assert wrong.status_code == 422


def test_a_release_is_started(scene: Scene, client: Client) -> None:
    wanted = {"service": "storefront", "version": "2.0.0", "place": "dev", "reason": "new"}
    assert client.post("/api/releases", json=wanted).status_code == 201
    assert scene.acts.started[0].service == "service/shop.storefront"
    assert client.post("/api/releases", json=wanted | {"service": "nothing"}).status_code == 422
    wanted["version"] = "1.0.0"
    assert client.post("/api/releases", json=wanted).status_code == 409


def test_objectives_diagnostics_and_audit(reader: Client) -> None:
    objectives = reader.get("/api/objectives").json()["objectives"]
    assert objectives[0]["state"] == "exhausted"
    assert {one["state"] for one in objectives} >= {"ok", "not-measured"}
    assert reader.get("/api/diagnostics").json()["errors"] == 0
    records = reader.get("/api/audit?limit=2").json()["records"]
    assert records[0]["previous"] == records[1]["hash"]


def test_a_value_of_the_wrong_type_is_a_sentence_for_programs(reader: Client) -> None:
    answer = reader.get("/api/releases/storefront-1/ledger?limit=many", headers=JSON)
    assert answer.status_code == 422


def test_a_page_loads_under_150_kilobytes_of_script(reader: Client) -> None:
    static = pathlib.Path(__file__).parents[2] / "src/telford/portal/static"
    total = sum(len(gzip.compress(one.read_bytes(), 9)) for one in static.rglob("*.js"))
    assert total < 150_000
