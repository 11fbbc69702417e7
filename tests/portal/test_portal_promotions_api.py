"""What is where, what waits, and what is kept out, as JSON."""

import portal_scene
from portal_client import Client
from portal_promotions import KEPT_OUT, keep_out


def test_the_api_says_the_same(client: Client, scene: portal_scene.Scene) -> None:
    keep_out(scene)
    [row] = client.get("/api/promotions", params={"service": "storefront"}).json()["promotions"]
    cells = {one["place"]: one for one in row["places"]}
    assert cells["dev"]["version"] == "1.0.0"
    assert cells["dev"]["underway"] == "storefront-9"
    waiting = cells["staging/eu-west-1"]["next"]
    assert (waiting["version"], waiting["open"]) == ("1.0.0", True)
    [held] = client.get("/api/quarantines").json()["quarantines"]
    assert (held["version"], held["reason"]) == ("1.0.9", "2.1 times the errors")


def test_lifting_needs_a_reason_and_happens_once(client: Client, scene: portal_scene.Scene) -> None:
    keep_out(scene)
    lift = f"/api/quarantines/{KEPT_OUT.id}/lift"
    assert client.post(lift, json={"reason": ""}).status_code == 422
    done = client.post(lift, json={"reason": "fixed"}).json()
    assert (done["active"], done["lifted_by"]) == (False, "person/ann")
    assert client.post(lift, json={"reason": "again"}).status_code == 409
    assert client.get("/api/quarantines").json()["quarantines"] == []
    page = client.post(f"/promotions/lift/{KEPT_OUT.id}", data={"reason": ""})
    assert page.status_code == 422
    assert client.post("/promotions/lift/none", data={"reason": "x"}).status_code == 404
