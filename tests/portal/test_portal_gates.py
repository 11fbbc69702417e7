"""The page of a release's gates: why each is closed, who can open it, and the forms that do."""

import dataclasses
import pathlib
from collections.abc import Iterator

import portal_scene
import pytest
from playwright.sync_api import Browser, expect
from portal_browser import PATIENCE_MS, Portal, Watched, settled, signed_in, violations
from portal_client import Client, client_of

from telford.analysis.people import Group
from telford.deliver import gate_settings
from telford.deliver.gates import Gate
from telford.road.holding import Days, Hours, Rule

PEOPLE = """\
apiVersion: telford/v1
kind: Team
name: till
---
apiVersion: telford/v1
kind: Person
name: ann
team: till
level: P5
---
apiVersion: telford/v1
kind: Person
name: bob
team: till
level: P5
handles: {github: bobby}
---
apiVersion: telford/v1
kind: Person
name: eve
level: P6
---
apiVersion: telford/v1
kind: Environment
name: dev
"""
SALE = Rule(
    "sale", True, "Europe/Dublin", (), (Days("2000-01-01", "2099-12-31"),), "the great sale"
)
NIGHT = Rule("nights", True, "UTC", (Hours((0, 1, 2, 3, 4, 5, 6), 22 * 60, 6 * 60),))
MADE = (
    ("sign-off", "promote", gate_settings.Approval(1, Group(("team/till",), "P5")), None),
    ("freeze", "step", gate_settings.Window((SALE,)), Group(("person/ann",))),
    ("nights", "step", gate_settings.Window((NIGHT,)), Group(("person/eve",))),
    ("early", "start", gate_settings.Window((NIGHT,)), Group(("person/eve",))),
    ("change", "step", gate_settings.Record(r"CHG-\d+"), None),
    ("bake", "step", gate_settings.Soak(3600.0), None),
)


def gates() -> tuple[Gate, ...]:
    kinds = {made: kind for kind, made in gate_settings.KINDS.items()}
    return tuple(
        Gate(name, kinds[type(made)], at, gate_settings.pairs(made, over))
        for name, at, made, over in MADE
    )


def gated(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, who: str) -> portal_scene.Scene:
    """A release on its way that is started by `who` in an estate of three people."""
    estate = folder / "estate"
    estate.mkdir()
    (estate / "people.yaml").write_text(PEOPLE)
    plain = portal_scene.policy
    monkeypatch.setattr(portal_scene, "policy", lambda: dataclasses.replace(plain(), gates=gates()))
    scene = portal_scene.Scene(folder, estate=estate)
    scene.bind(portal_scene.STOREFRONT, "1.0.0")
    scene.begin("storefront-9", "1.1.0", who=who)
    scene.tick(8)
    return scene


@pytest.fixture
def scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[portal_scene.Scene]:
    made = gated(tmp_path, monkeypatch, "bob")
    yield made
    made.store.close()


@pytest.fixture
def client(scene: portal_scene.Scene) -> Client:
    return client_of(scene)


def post(client: Client, gate: str, verb: str, reason: str):
    return client.post(
        "/releases/storefront-9/gates", data={"gate": gate, "verb": verb, "reason": reason}
    )


def test_the_page_says_of_each_gate_why_it_is_closed_and_what_opens_it(client: Client) -> None:
    text = client.get("/releases/storefront-9/gates").text
    assert "0 of 1 approvals" in text
    assert "team/till with level P5 or above, and not bob, who started it" in text
    assert "window sale freezes changes (the great sale)" in text
    assert "no change record was named" in text
    assert "1 h" in text or "60 min" in text
    assert "by itself at" in text


def test_whoever_may_not_sees_who_can(client: Client) -> None:
    """The portal is ann's; the nights are eve's to override."""
    text = client.get("/releases/storefront-9/gates").text
    assert "person/ann may not override gate nights: not of person/eve" in text
    assert 'href="/catalogue/person/eve"' in text
    assert "gate early" not in text, "its moment is over: nobody can do anything at it"


def test_an_approval_is_kept_shown_and_audited(client: Client, scene: portal_scene.Scene) -> None:
    answer = post(client, "sign-off", "approve", "checked the copy")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/releases/storefront-9/gates#gate-sign-off",
    )
    text = client.get("/releases/storefront-9/gates").text
    assert "approved by person/ann" in text
    last = scene.store.audit.tail(limit=1)[0]
    assert (last.who, last.verb) == ("person/ann", "approved a gate")
    assert last.detail["reason"] == "checked the copy"
    assert last.detail["level"] == "P5"
    assert post(client, "sign-off", "withdraw", "").status_code == 303
    assert "0 of 1 approvals" in client.get("/releases/storefront-9/gates").text


def test_a_form_without_a_reason_comes_back_with_what_is_missing(client: Client) -> None:
    answer = post(client, "sign-off", "refuse", "")
    assert answer.status_code == 422
    assert "say why you refuse" in answer.text
    answer = post(client, "change", "approve", "no id here")
    assert answer.status_code == 409
    assert "holds no id that fits" in answer.text
    assert ">no id here</textarea>" in answer.text


def test_what_makes_no_sense_is_said(client: Client) -> None:
    assert post(client, "sign-off", "explode", "x").status_code == 404
    assert post(client, "no-such", "approve", "x").status_code == 422
    assert client.get("/releases/no-such/gates").status_code == 404


def test_nobody_approves_what_they_started(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = gated(tmp_path, monkeypatch, "ann")
    client = client_of(scene)
    text = client.get("/releases/storefront-9/gates").text
    assert "person/ann started storefront-9: somebody else must approve it" in text
    assert "/catalogue/person/bob" in text
    answer = post(client, "sign-off", "approve", "it is fine")
    assert answer.status_code == 409
    assert "who can: person/bob" in answer.text
    scene.store.close()


def test_the_api_says_the_same_and_does_the_same(client: Client) -> None:
    found = client.get("/api/releases/storefront-9/gates").json()
    assert found["moment"] == "step"
    assert set(found["waits_for"]) == {"freeze", "change", "bake"}
    by_name = {one["name"]: one for one in found["gates"]}
    assert by_name["sign-off"]["choices"][0] == {
        "verb": "approve", "refused": None, "who_can": ["person/ann"],
    }  # fmt: skip
    path = "/api/releases/storefront-9/gates/freeze"
    made = client.post(path, json={"verb": "override", "reason": "an outage"})
    assert (made.status_code, made.json()["person"]) == (201, "person/ann")
    found = client.get("/api/releases/storefront-9/gates").json()
    assert "freeze" not in found["waits_for"]
    assert client.post(path, json={"verb": "approve", "reason": "x"}).status_code == 409
    assert client.post(path, json={"verb": "sing", "reason": "x"}).status_code == 422


def test_the_release_page_leads_here(client: Client) -> None:
    text = client.get("/releases/storefront-9").text
    assert 'href="/releases/storefront-9/gates"' in text


def test_in_a_browser_somebody_approves_on_a_phone(
    browser: Browser, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clean for axe-core in light and dark, nothing scrolls sideways, and the form does its work."""
    running = Portal(gated(tmp_path, monkeypatch, "bob"))
    running.start()
    context = signed_in(browser, running)
    desk = Watched(context.pages[0], running.url)
    page = desk.open("/releases/storefront-9/gates")
    settled(page)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 740})
    settled(page)
    assert violations(page) == []
    wide, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= inner, "the page scrolls sideways"
    page.locator("#reason-sign-off").fill("checked on a phone")
    page.locator("#gate-sign-off").get_by_role("button", name="Approve").click()
    expect(page.locator("#gate-sign-off")).to_contain_text("approved by", timeout=PATIENCE_MS)
    assert desk.complaints == []
    context.close()
    running.stop()
    running.scene.store.close()
