"""``/api``: a step, a hold, once more, back, and two releases beside each other."""

import dataclasses

from portal_client import Client
from portal_scene import Scene

from telford.deliver import hands
from telford.deliver.state import Phase, State


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


def test_the_page_of_what_ended_says_what_can_be_done_with_it(scene: Scene, client: Client) -> None:
    """An aborted version can be tried once more, and never was there to go back to."""
    scene.acts.command("storefront-9", "abort", "person/ann", "a test")
    _abort(scene)
    text = client.get("/releases/storefront-9").text
    assert 'href="/releases/storefront-9/retry"' in text
    assert "never was the stable version" in text
    form = client.get("/releases/storefront-9/retry").text
    assert "of storefront 1.1.0 start" in form
    empty = client.post("/releases/storefront-9/retry", data={})
    assert (empty.status_code, "Say why" in empty.text) == (422, True)
    done = client.post(
        "/releases/storefront-9/retry", data={"reason": "again", "name": "storefront"}
    )
    assert done.status_code == 303
    made = scene.store.releases.get(done.headers["location"].rpartition("/")[2])
    assert made is not None
    assert (made.to_version, made.reason) == ("1.1.0", "retry of storefront-9: again")
    busy = client.get("/releases/storefront-9/rollback")
    assert busy.status_code == 409


def _abort(scene: Scene) -> None:
    row = scene.store.releases.get("storefront-9")
    assert row is not None
    state = State.from_json(row.state)
    after = hands.command(state, "abort", who="person/ann", reason="x", now=scene.clock.now())
    ended = dataclasses.replace(after.state, phase=Phase.ABORTED)
    saved = dataclasses.replace(
        row,
        state=ended.to_json(),
        phase="aborted",
        active=False,
        finished_at=scene.clock.now(),
    )
    with scene.store.writing(scene.lease) as writing:
        scene.store.releases.save(writing, [saved])
