"""Rollouts, the list, timelines and events: pages and API say the same."""

import portal_scene
import pytest
from portal_client import Client, client_of
from portal_scene import ROLLOUT, STOREFRONT, Scene

from telford.app import release_list, rollout, rollout_page, timeline
from telford.basics.errors import UsageError
from telford.store.events import Event
from telford.store.releases import Query


def test_a_rollout_stands_as_waves_of_places(reader: Client) -> None:
    text = reader.get(f"/rollouts/{ROLLOUT}").text
    assert "orders 1.4.0 is in 1 of 4 places, in wave 2 of 3; now in staging." in text
    for words in ("Wave 3", "eu-west-1", "us-east-1", "needed to turn back"):
        assert words in text
    found = reader.get(f"/api/rollouts/{ROLLOUT}").json()
    assert found["phases"] == {
        "dev": "promoted",
        "staging": "stepping",
        "prod/eu-west-1": "planned",
        "prod/us-east-1": "planned",
    }
    assert found["sentence"] in text
    assert reader.get("/api/rollouts?service=orders").json()["rollouts"] == [found]
    assert reader.get("/api/rollouts?service=storefront").json() == {"rollouts": []}
    assert reader.get("/rollouts/nothing").status_code == 404
    release = reader.get(f"/api/releases/{found['releases']['staging']}").json()
    assert release["rollout"] == ROLLOUT
    said = reader.get(f"/api/releases/{found['releases']['staging']}/plan/abort").json()["steps"]
    assert f"The other places of the rollout {ROLLOUT} turn back with it." in said


def test_a_whole_rollout_is_paused_resumed_and_aborted(scene: Scene, client: Client) -> None:
    portal_scene.roll_out(scene)
    here = f"/rollouts/{ROLLOUT}"
    assert f'href="{here}/abort"' in client.get(here).text
    form = client.get(f"{here}/abort").text
    assert "staging rolls back: 1.0.0 gets everything at once." in form
    assert "get the old version back" in form
    assert client.post(f"{here}/pause", data={}).status_code == 422
    assert client.post(f"{here}/pause", data={"reason": "lunch"}).status_code == 303
    assert "the rollout is paused by person/ann: lunch" in client.get(here).text
    assert "paused" in client.get("/rollouts").text
    assert client.get(f"{here}/pause").status_code == 409
    told = client.post(f"/api{here}/commands", json={"verb": "resume", "reason": "eaten"})
    assert (told.status_code, told.json()["paused"]) == (202, "")
    fields = {"reason": "customers call", "name": "orders", "finished": "keep"}
    for wrong in ({"name": "order"}, {"reason": ""}, {"finished": "both"}):
        assert client.post(f"{here}/abort", data=fields | wrong).status_code == 422
    plan = client.get(f"/api{here}/plan/abort?keep_promoted=true").json()["steps"]
    assert plan[-1] == "dev keeps 1.4.0: it has everything there."
    done = client.post(f"{here}/abort", data=fields)
    assert (done.status_code, done.headers["location"]) == (303, here)
    found = client.get(f"/api{here}").json()
    assert (found["aborted"], found["undo"]) == (True, [])
    assert [one["verb"] for one in found["asked"]] == ["pause", "resume", "abort"]
    assert f'href="{here}/abort"' not in client.get(here).text
    assert client.get(f"{here}/skip").status_code == 404
    again = client.post(f"/api{here}/commands", json={"verb": "skip", "reason": "x"})
    assert again.status_code == 422
    said = [one.verb for one in scene.store.audit.tail(subject=f"rollout/{ROLLOUT}")]
    assert said == ["asked to abort", "asked to resume", "asked to pause"]


def test_a_list_says_of_each_rollout_what_its_page_says(scene: Scene, client: Client) -> None:
    portal_scene.roll_out(scene)
    found = rollout.standing(scene.store, ROLLOUT, scene.clock.now())
    for place in ("dev", "staging", "prod/eu-west-1", "prod/us-east-1"):
        portal_scene.end(scene, place, "promoted" if place == "dev" else "aborted")
        now = rollout.standing(scene.store, ROLLOUT, scene.clock.now())
        (line,) = rollout_page.lines(scene.store, [now.rollout], scene.clock.now())
        whole = rollout_page.page(now)
        assert (line.sentence, line.state) == (whole.sentence, whole.state)
        assert (line.done, line.total) == (whole.done, 4)
    assert not found.over
    assert now.over
    assert "dev gets the old version back" in client.get("/rollouts").text


def test_an_empty_list_of_rollouts_says_how_to_begin_one(client: Client) -> None:
    assert "names its waves" in client.get("/rollouts").text


def test_a_rollout_is_begun_after_its_plan_was_shown(scene: Scene, client: Client) -> None:
    form = client.get("/rollouts/new?service=storefront&version=1.4.0").text
    assert "Wave 2: prod/eu-west-1." in form
    fields = {"service": STOREFRONT, "version": "1.4.0"}
    assert client.post("/rollouts/new", data=fields).status_code == 422
    done = client.post("/rollouts/new", data={**fields, "reason": "for all"})
    assert (done.status_code, done.headers["location"]) == (303, f"/rollouts/{ROLLOUT}")
    assert scene.acts.started[-1].reason == "for all"
    other = {"service": "orders", "version": "1.4.0", "reason": "x"}
    refused = client.post("/rollouts/new", data=other)
    assert (refused.status_code, "names no waves" in refused.text) == (422, True)
    assert client.post("/api/rollouts/plan", json=other).status_code == 409
    begun = client.post("/api/rollouts", json={**other, "service": "storefront"})
    assert (begun.status_code, begun.json()) == (201, {"rollout": ROLLOUT})


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, 7),
        ({"which": "on-the-way"}, 4),
        ({"which": "ended", "phase": "stepping"}, 0),
        ({"place": "prod"}, 2),
        ({"service": "storefront", "version": "1.2"}, 1),
        ({"team": "team/storefront"}, None),
        ({"system": "shop", "who": "ANN", "strategy": "canary", "since": "hour"}, 7),
        ({"strategy": "mirror"}, 0),
        ({"who": "%"}, 0),
        ({"page": "2"}, 7),
    ],
)
def test_the_list_is_narrowed_and_counted(
    reader: Client, asked: dict[str, str], found: int | None
) -> None:
    answer = reader.get("/api/releases/search", params=asked).json()
    if found is not None:
        assert answer["total"] == found
    assert len(answer["releases"]) == (0 if "page" in asked else answer["total"])
    assert reader.get("/releases", params=asked).status_code == 200


def test_pages_of_the_list_follow_each_other(scene: Scene, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(release_list, "PAGE_ROWS", 3)
    portal_scene.roll_out(scene)
    client = client_of(scene)
    first = client.get("/releases?who=ann").text
    assert "1 to 3 of 5" in first
    assert 'href="/releases?page=2&amp;who=ann"' in first
    assert "4 to 5 of 5" in client.get("/releases?page=2&who=ann").text
    keys = [one.id for one in scene.store.releases.search(Query(), limit=9)]
    assert len(keys) == 5
    assert keys[0].startswith("orders-")


def test_what_cannot_be_asked_is_said(reader: Client) -> None:
    for query in ("which=some", "phase=x", "strategy=x", "since=ever", "page=0", "page=x"):
        assert reader.get(f"/releases?{query}").status_code == 422
    with pytest.raises(UsageError):
        timeline.timeline("service/x", {}, (), {}, now=0.0, span="century")


def test_a_timeline_has_each_version_and_each_release(reader: Client) -> None:
    (dev,) = reader.get("/api/timeline?service=storefront").json()["places"]
    assert [one["version"] for one in dev["versions"]] == ["1.0.0", "1.1.0"]
    assert [one["phase"] for one in dev["releases"]] == ["promoted", "rolled-back", "stepping"]
    text = reader.get("/timeline?service=storefront").text
    assert "runs 1.1.0" in text
    assert "Nothing is known of" in reader.get("/timeline?service=service/none").text
    assert reader.get("/api/timeline?service=").status_code == 422


def test_a_replay_says_what_is_not_known(reader: Client) -> None:
    form = reader.get("/replay?service=storefront").text
    assert "Settings to try" in form
    assert "What they would have decided" not in form
    done = reader.get("/replay?service=storefront&alpha=0.05&last=5").text
    assert "not known" in done
    assert "alpha=0.05" in done
    wrong = reader.get("/replay?service=storefront&alpha=much&last=5")
    assert (wrong.status_code, "is a number" in wrong.text) == (422, True)
    assert reader.get("/replay?service=storefront&last=0").status_code == 422
    assert reader.get("/replay?service=storefront&last=all").status_code == 422


def test_events_are_told_in_order(scene: Scene, client: Client) -> None:
    assert client.get("/api/events").json() == {"events": []}
    with scene.store.writing() as writing:
        scene.store.events.append(
            writing,
            [
                Event(
                    f"e{number}", 1.0, "dev", "deployed", STOREFRONT, "storefront-9", {"n": number}
                )
                for number in range(3)
            ],
        )
    newest = client.get("/api/events?release=storefront-9&limit=2").json()["events"]
    assert [one["event"]["n"] for one in newest] == [2, 1]
    later = client.get("/api/events?after=1").json()["events"]
    assert [one["id"] for one in later] == ["e1", "e2"]
    assert client.get("/api/events?limit=0").status_code == 422
