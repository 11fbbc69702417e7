"""Every page: it answers, it says what it should, and nothing that the estate says is trusted."""

import re
from html.parser import HTMLParser

import pytest
from portal_client import Client, Describe, client_of
from portal_scene import Rates, Scene

from telford.portal import page, server
from telford.portal.pages import static

PAGES = [
    "/",
    "/catalogue",
    "/catalogue?q=orders&kind=Service&sort=name&order=down",
    "/catalogue/service/shop.storefront",
    "/catalogue/service/shop.orders?in=prod/eu-west-1",
    "/catalogue/service/shop.orders/artifacts",
    "/catalogue/service/shop.orders/matrix",
    "/catalogue/system/shop",
    "/catalogue/team/orders",
    "/catalogue/datastore/shop.orders",
    "/map",
    "/map?focus=service/orders&depth=1",
    "/map?owner=team/orders&tier=0",
    "/releases",
    "/releases?service=service/shop.storefront&which=ended",
    "/releases?team=team/shop&strategy=canary&who=ann&version=1.&since=week&page=1",
    "/releases/storefront-1",
    "/releases/storefront-2",
    "/releases/storefront-3",
    "/releases/storefront-3/promote",
    "/releases/storefront-2/retry",
    "/timeline",
    "/timeline?service=service/shop.storefront&span=hour",
    "/compare?a=storefront-1&b=storefront-2",
    "/rollouts",
    "/rollouts/orders-1.4.0-waves-1",
    "/rollouts/new?service=storefront&version=1.4.0",
    "/replay?service=storefront&alpha=0.05&last=5",
    "/releases/new",
    "/releases/new?service=service/shop.storefront&version=2.0.0",
    "/objectives",
    "/objectives?state=exhausted",
    "/objectives/shop.storefront-availability",
    "/objectives/shop.orders-latency",
    "/conformance",
    "/conformance?q=shop&why=overridden",
    "/conformance/service/shop.orders",
    "/conformance/service/orders?in=prod/eu-west-1",
    "/audit",
    "/audit?verify=1",
    "/plan",
    "/problems",
    "/docs",
    "/search/suggest?q=stor",
]


@pytest.mark.parametrize("path", PAGES)
def test_the_page_answers(reader: Client, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert tags_that_act(answer.text) == []
    assert not re.search(r'(src|href|action|hx-get)="(https?:)?//', answer.text)


@pytest.mark.parametrize("path", PAGES)
def test_a_whole_page_has_one_heading_one_main_and_a_skip_link(reader: Client, path: str) -> None:
    text = reader.get(path).text
    if "<html" in text:
        assert text.count("<h1") == 1
        assert text.count("<main") == 1
        assert 'href="#content"' in text
        assert '<html lang="en">' in text


def test_every_link_of_every_page_leads_somewhere(reader: Client) -> None:
    """All links that the pages show, one level deep: none is dead."""
    found = set()
    for path in PAGES:
        for link in re.findall(
            r'(?:href|action|hx-get|data-graph)="([^"#]+)"', reader.get(path).text
        ):
            found.add(link.replace("&amp;", "&"))
    dead = [link for link in sorted(found) if reader.get(link).status_code not in {200, 303, 409}]
    assert not dead


def test_what_is_not_there_is_said_and_the_way_back_shown(reader: Client) -> None:
    for path in (
        "/nowhere",
        "/catalogue/service/nothing",
        "/releases/nothing",
        "/objectives/nothing",
        "/releases/storefront-1/explode",
    ):
        answer = reader.get(path)
        assert answer.status_code == 404
        assert "There is nothing at this address" in answer.text
        assert 'href="/catalogue"' in answer.text


def test_a_short_address_leads_to_the_canonical_one(reader: Client) -> None:
    answer = reader.get("/catalogue/service/orders?in=prod/eu-west-1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/catalogue/service/shop.orders?in=prod%2Feu-west-1"


def test_an_ambiguous_address_asks_which(described: Describe) -> None:
    system = "apiVersion: telford/v1\nkind: System\nname: {0}\nowner: team/a\n---\n"
    service = "apiVersion: telford/v1\nkind: Service\nname: api\nsystem: {0}\nowner: team/a\n---\n"
    texts = {f"{one}.yaml": (system + service).format(one) for one in ("one", "two")}
    answer = described(texts).get("/catalogue/service/api")
    assert answer.status_code == 300
    assert "service/one.api" in answer.text
    assert "service/two.api" in answer.text


def test_the_service_page_resolves_fields_for_the_chosen_place(reader: Client) -> None:
    here = reader.get("/catalogue/service/shop.orders?in=dev").text
    there = reader.get("/catalogue/service/shop.orders?in=prod/eu-west-1").text
    assert "512Mi" not in here
    assert "512Mi" in there
    row = there[there.index('id="field-run.resources.limits.memory"') :]
    assert "orders.yaml:" in row[:1500]
    assert "prod" in row[:1500]


def test_links_keep_the_chosen_place(reader: Client) -> None:
    text = reader.get("/catalogue?in=staging").text
    assert 'href="/catalogue/service/shop.orders?in=staging"' in text
    assert 'href="/map?in=staging"' in text


def test_the_service_page_shows_who_needs_it_and_what_it_needs(reader: Client) -> None:
    text = reader.get("/catalogue/service/shop.orders").text
    assert "service/shop.storefront" in text
    assert "datastore/shop.orders" in text
    assert "can do without" in text
    assert '<svg class="picture"' in text


def test_artifacts_come_after_the_page_with_their_text(reader: Client) -> None:
    text = reader.get("/catalogue/service/shop.orders/artifacts?in=dev").text
    assert "dev/orders/deployment.yaml" in text
    assert "kind: Deployment" in text


def test_one_thing_is_shown_across_all_places_with_links_to_why(reader: Client) -> None:
    """Differences first, places as links to the same page there, fields as links to their chain."""
    text = reader.get("/catalogue/service/shop.storefront").text
    assert 'hx-get="/catalogue/service/shop.storefront/matrix"' in text
    part = reader.get("/catalogue/service/shop.storefront/matrix").text
    assert "run.replicas" in part
    assert "in=prod/eu-west-1#fields" in part or "in=prod%2Feu-west-1#fields" in part
    assert "#field-run.replicas" in part
    assert "fields are the same everywhere" in part


def test_the_catalogue_is_one_page_of_rows_however_large(described: Describe) -> None:
    head = "apiVersion: telford/v1\nkind: Service\nname: s{0:04}\nowner: team/a\n"
    client = described({"all.yaml": "---\n".join(head.format(n) for n in range(1200))})
    text = client.get("/catalogue?kind=Service").text
    assert text.count("<tr>") == 51
    assert "1 to 50 of 1,200" in text
    assert "s0050" in client.get("/catalogue?kind=Service&offset=50").text


def test_an_empty_estate_says_how_to_fill_it(described: Describe) -> None:
    client = described({})
    assert "telford init" in client.get("/").text
    assert "The estate is empty" in client.get("/catalogue").text
    assert "The estate is empty" in client.get("/map").text
    assert "Nothing is promised yet" in client.get("/objectives").text
    assert "A release brings a new version" in client.get("/releases").text
    assert "Nothing was done yet" in client.get("/audit").text


def test_an_estate_with_errors_shows_them_with_line_and_fix(described: Describe) -> None:
    client = described({"a.yaml": "apiVersion: telford/v1\nkind: Service\nname: a\nownr: team/x\n"})
    assert 'href="/problems"' in client.get("/").text
    text = client.get("/problems").text
    assert "a.yaml:4" in text
    assert "owner" in text


class Acting(HTMLParser):
    """Collects whatever the content policy forbids: inline scripts, styles and handlers."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attributes}
        if tag in {"style", "img", "iframe", "object", "base"} or "style" in names:
            self.found.append(tag)
        if any(name.startswith(("on", "hx-on")) for name in names):
            self.found.append(tag)
        source = dict(attributes).get("src") or ""
        if tag == "script" and not source.startswith("/static/"):
            self.found.append(tag)
        if (dict(attributes).get("href") or "").startswith(("javascript:", "data:", "http", "//")):
            self.found.append(tag)


def tags_that_act(text: str) -> list[str]:
    """What of a page could do something by itself."""
    parser = Acting()
    parser.feed(text)
    return parser.found


HOSTILE = """<script>alert(1)</script>"><img src=x onerror=alert(2)>{{ 7*7 }}' onclick='x"""


def test_texts_of_the_estate_are_never_markup(described: Describe) -> None:
    quoted = HOSTILE.replace("'", "''")
    client = described(
        {
            "a.yaml": f"""
apiVersion: telford/v1
kind: Team
name: red
description: '{quoted}'
---
apiVersion: telford/v1
kind: Service
name: api
owner: team/red
description: '{quoted}'
labels: {{note: '{quoted}'}}
run:
  image: 'x:1'
  env: {{EVIL: '{quoted}'}}
---
apiVersion: telford/v1
kind: Service
name: '{quoted}'
owner: '{quoted}'
---
apiVersion: telford/v1
kind: Environment
name: dev
"""
        }
    )
    for path in (
        "/",
        "/catalogue",
        f"/catalogue?q={HOSTILE}",
        "/catalogue/service/api",
        "/catalogue/team/red",
        "/problems",
        "/map",
        f"/map?focus={HOSTILE}",
        f"/map?open={HOSTILE}&kind={HOSTILE}&owner={HOSTILE}&in={HOSTILE}",
        f"/search/suggest?q={HOSTILE}",
        "/search/suggest?q=api",
        f"/releases?service={HOSTILE}",
        f"/releases/new?service=service/api&version={HOSTILE}",
        f"/audit?subject={HOSTILE}",
        f"/nowhere/{HOSTILE}",
    ):
        assert tags_that_act(client.get(path).text) == []


def test_texts_of_records_are_never_markup(scene: Scene, client: Client) -> None:
    scene.acts.command("storefront-9", "pause", HOSTILE, HOSTILE)
    with scene.store.writing() as writing:
        scene.store.audit.append(writing, HOSTILE, HOSTILE, HOSTILE, {HOSTILE: {"x": HOSTILE}})
    for path in ("/", "/audit", "/releases/storefront-9"):
        text = client.get(path).text
        assert "alert(1)" in text
        assert tags_that_act(text) == []


def test_an_act_needs_a_reason_and_a_dangerous_one_the_name(scene: Scene, client: Client) -> None:
    path = "/releases/storefront-9/abort"
    assert "goes from 10% to 0%" in client.get(path).text
    empty = client.post(path, data={})
    assert empty.status_code == 422
    assert "Say why" in empty.text
    assert "Type storefront, exactly." in empty.text
    wrong = client.post(path, data={"reason": "too slow", "name": "storefrunt"})
    assert wrong.status_code == 422
    assert "too slow" in wrong.text
    assert not scene.store.commands.of("storefront-9")
    done = client.post(path, data={"reason": "too slow", "name": "storefront"})
    assert done.status_code == 303
    assert done.headers["location"] == "/releases/storefront-9"
    (command,) = scene.store.commands.of("storefront-9")
    assert (command.verb, command.who, command.reason) == ("abort", "person/ann", "too slow")
    assert "too slow" in client.get("/audit").text


def test_pausing_needs_no_name(scene: Scene, client: Client) -> None:
    assert client.post("/releases/storefront-9/pause", data={"reason": "lunch"}).status_code == 303
    assert scene.store.commands.of("storefront-9")[0].verb == "pause"


def test_an_act_that_is_impossible_now_is_refused_with_the_reason(
    scene: Scene, client: Client
) -> None:
    shown = client.get("/releases/storefront-9/resume")
    assert shown.status_code == 409
    assert "Not now" in shown.text
    assert client.post("/releases/storefront-9/resume", data={"reason": "x"}).status_code == 409
    assert not scene.store.commands.of("storefront-9")


def test_a_form_of_another_type_is_refused(client: Client) -> None:
    answer = client.post("/releases/storefront-9/abort", json={"reason": "x", "name": "storefront"})
    assert answer.status_code == 422


def test_starting_a_release_shows_the_plan_before_it_asks_why(scene: Scene, client: Client) -> None:
    path = "/releases/new?service=storefront&version=2.0.0"
    shown = client.get(path).text
    assert "One replica of 2.0.0 is started in dev." in shown
    assert "Start shop.storefront 2.0.0" in shown
    fields = {"service": "service/shop.storefront", "version": "2.0.0"}
    assert client.post(path, data=fields).status_code == 422
    assert not scene.acts.started
    done = client.post(path, data=fields | {"reason": "a new header"})
    assert done.status_code == 303
    assert scene.acts.started[0].reason == "a new header"


def test_a_release_that_cannot_start_says_why(client: Client) -> None:
    shown = client.get("/releases/new?service=storefront&version=1.0.0").text
    assert "storefront already runs 1.0.0" in shown
    fields = {"service": "service/shop.storefront", "version": "1.0.0", "reason": "again"}
    answer = client.post("/releases/new", data=fields)
    assert answer.status_code == 422
    assert "storefront already runs 1.0.0" in answer.text


def test_a_release_without_ticks_for_long_is_shown_as_stale(scene: Scene, client: Client) -> None:
    assert "Stale" not in client.get("/releases/storefront-9").text
    scene.clock.at += 60
    text = client.get("/releases/storefront-9").text
    assert "Stale" in text
    assert "telford up" in text
    assert "is silent" in client.get("/").text


def test_an_estate_that_cannot_be_read_any_more_is_shown_as_it_was(described: Describe) -> None:
    client = described({"a.yaml": "apiVersion: telford/v1\nkind: Team\nname: red\n"})
    (described.folder / "estate" / "a.yaml").unlink()
    (described.folder / "estate").rmdir()
    described.scene.clock.at += 5
    client.get("/")
    text = client.get("/catalogue").text
    assert "cannot be read now" in text
    assert "red" in text


def test_an_edit_of_the_estate_is_on_the_next_page(described: Describe) -> None:
    client = described({"a.yaml": "apiVersion: telford/v1\nkind: Team\nname: red\n"})
    (described.folder / "estate" / "b.yaml").write_text(
        "apiVersion: telford/v1\nkind: Team\nname: blue\n"
    )
    described.scene.clock.at += 5
    client.get("/")
    assert "blue" in client.get("/catalogue").text


def test_a_bug_of_ours_shows_a_sentence_and_no_traceback(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(scene)
    monkeypatch.setattr(scene.store.audit, "tail", lambda **_: 1 / 0)
    answer = client.get("/audit")
    assert answer.status_code == 500
    assert "Telford made a mistake" in answer.text
    assert "ZeroDivisionError" not in answer.text
    assert "default-src" in answer.headers["content-security-policy"]


def test_the_release_list_says_how_each_one_stands(reader: Client) -> None:
    text = reader.get("/releases").text
    for words in ("rolled back", "promoted", "in progress", "storefront 1.3.0", "after 1.1.0"):
        assert words in text


def test_a_failing_version_is_rolled_back_and_the_page_counts_the_harm(tmp_path) -> None:  # type: ignore[no-untyped-def]
    scene = Scene(tmp_path)
    scene.bind("service/shop.storefront", "1.0.0")
    scene.rates["1.2.0"] = Rates(0.2, 0.0)
    scene.begin("storefront-5", "1.2.0")
    scene.finish("storefront-5")
    text = client_of(scene).get("/releases/storefront-5").text
    assert re.search(r"storefront 1.2.0 was rolled back in dev after .*requests were harmed", text)
    assert "roll back" in text
    scene.store.close()


def test_the_pages_of_the_rail_are_the_pages_there_are() -> None:
    paths = {
        route.path for router in server.ROUTERS for route in router.routes if hasattr(route, "path")
    }
    assert {room.path for room in page.RAIL} <= paths


def test_every_listed_file_is_there_and_asked_for_by_its_content(reader: Client) -> None:
    for name in static.NAMES:
        address = page.asset(name)
        answer = reader.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
