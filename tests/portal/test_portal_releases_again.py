"""``/api``: a step, a hold, once more, back, and two releases beside each other."""

from portal_client import Client
from portal_scene import Scene


def test_a_release_is_told_to_step_or_to_hold(scene: Scene, client: Client) -> None:
    plan = client.get("/api/releases/storefront-9/plan/step").json()
    assert any("judged like any other" in one for one in plan["steps"])
    path = "/api/releases/storefront-9/commands"
    for verb in ("step", "hold"):
        assert client.post(path, json={"verb": verb, "reason": "x"}).status_code == 202
    asked = [one.verb for one in scene.store.commands.of("storefront-9")]
    assert sorted(asked) == ["hold", "step"]


def test_what_is_not_over_is_not_tried_again_and_what_never_ran_not_restored(
    client: Client,
) -> None:
    retry = client.post("/api/releases/storefront-9/retry", json={"reason": "x"})
    assert (retry.status_code, "is not over" in retry.json()["error"]) == (409, True)
    back = client.post("/api/releases/storefront-9/rollback", json={"reason": "x"})
    assert back.status_code == 422
    assert "never was the stable version" in back.json()["error"]
    assert client.post("/api/releases/storefront-9/retry", json={}).status_code == 422


def test_two_releases_are_compared(reader: Client) -> None:
    found = reader.get("/api/releases/storefront-1/compare/storefront-2").json()
    assert (found["first"]["phase"], found["second"]["phase"]) == ("promoted", "rolled-back")
    assert found["second"]["harmed"]["errors"] > 10
