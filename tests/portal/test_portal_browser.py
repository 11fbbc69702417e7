"""The portal in a real browser: no error, no foreign request, nothing axe-core finds, keyboard, 360 px,
live numbers, a lost connection that mends itself.
"""

from collections.abc import Iterator

import portal_scene
import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from portal_browser import PATIENCE_MS, Portal, Watched, settled, signed_in, violations

from telford.portal import serve

PAGES = (
    "/",
    "/catalogue",
    "/catalogue/service/shop.orders",
    "/map",
    "/releases",
    "/releases/storefront-2",
    "/releases/storefront-3",
    "/releases/storefront-3/abort",
    "/timeline?service=service/shop.storefront",
    "/compare?a=storefront-1&b=storefront-2",
    "/rollouts",
    "/rollouts/orders-1.4.0-waves-1",
    "/rollouts/new?service=storefront&version=1.4.0",
    "/replay?service=storefront&alpha=0.05&last=5",
    "/releases/new?service=storefront&version=2.0.0",
    "/objectives",
    "/objectives/shop.storefront-availability",
    "/conformance",
    "/audit",
    "/plan",
    "/problems",
    "/docs",
    "/nowhere",
)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Portal]:
    scene = portal_scene.played(tmp_path_factory.mktemp("browser"))
    running = Portal(scene)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def light(browser: Browser, portal: Portal) -> Iterator[BrowserContext]:
    context = signed_in(browser, portal)
    context.pages[0].close()
    yield context
    context.close()


@pytest.fixture
def desk(light: BrowserContext, portal: Portal) -> Iterator[Watched]:
    # Closed in any case: a browser has six connections to a host, and a live page keeps one.
    page = light.new_page()
    yield Watched(page, portal.url)
    page.close()


def test_parts_that_come_after_the_page_arrive(desk: Watched) -> None:
    """Artifacts and the comparison of places are fetched into the page, and clean as it is."""
    page = desk.open("/catalogue/service/shop.storefront")
    expect(page.locator("#across")).to_contain_text("run.replicas", timeout=PATIENCE_MS)
    expect(page.locator("#generated summary").first).to_be_visible(timeout=PATIENCE_MS)
    settled(page)
    assert violations(page) == []
    assert desk.complaints == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_clean_in_light_on_a_desk_and_in_dark_on_a_phone(
    desk: Watched, path: str
) -> None:
    page = desk.open(path)
    settled(page)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 740})
    settled(page)
    assert violations(page) == []
    wide, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= inner, "the page scrolls sideways"
    assert desk.complaints == []


def test_the_way_in_is_readable(browser: Browser, portal: Portal) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    answer = page.goto(portal.url)
    assert answer is not None
    assert answer.status == 401
    assert violations(page) == []
    assert page.get_by_role("heading").inner_text() == "Open the link on your terminal"
    context.close()


def test_the_token_leaves_the_address_bar(browser: Browser, portal: Portal) -> None:
    context = signed_in(browser, portal)
    (page,) = context.pages
    assert page.url == f"{portal.url}/"
    context.close()


def test_the_keyboard_reaches_everything_and_can_skip_the_frame(desk: Watched) -> None:
    page = desk.open("/catalogue")
    settled(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.goto(desk.url + "/releases/storefront-3")
    settled(page)
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("(document.activeElement.textContent || '').trim()"))
    assert {"Overview", "Promote", "Abort", "Pause"} <= reached
    assert desk.complaints == []


def test_search_goes_anywhere_by_keyboard(desk: Watched) -> None:
    page = desk.open("/audit")
    settled(page)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("recommend")
    page.wait_for_selector("#suggestions [role=option]")
    assert violations(page) == []
    page.keyboard.press("Enter")
    page.wait_for_url("**/catalogue/service/shop.recommendations")
    page.keyboard.press("Control+k")
    page.keyboard.type("start")
    page.wait_for_selector("#suggestions >> text=Start a release")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Escape")
    expect(page.locator("#suggestions li")).to_have_count(0)
    assert desk.complaints == []


def test_back_works_after_a_filter(desk: Watched) -> None:
    page = desk.open("/catalogue")
    settled(page)
    page.select_option("select[name=kind]", "Datastore")
    page.wait_for_url("**kind=Datastore**")
    expect(page.locator("#found tbody tr")).to_have_count(2)
    page.go_back()
    page.wait_for_url("**/catalogue")
    page.wait_for_function("document.querySelectorAll('#found tbody tr').length > 2")
    assert desk.complaints == []


def test_the_place_is_chosen_everywhere_and_kept(desk: Watched) -> None:
    page = desk.open("/catalogue/service/shop.orders")
    settled(page)
    page.select_option("select[name=in]", "prod/eu-west-1")
    page.wait_for_url("**in=prod**")
    page.click("nav.rail >> text=Map")
    page.wait_for_url("**/map?in=prod**")
    settled(page)
    assert desk.complaints == []


def test_the_map_is_drawn_moves_by_keyboard_and_opens_what_is_clicked(desk: Watched) -> None:
    page = desk.open("/map")
    settled(page)
    assert page.locator("#map .node").count() == 9
    before = page.get_attribute("#map svg", "viewBox")
    page.focus("#map svg")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    assert page.get_attribute("#map svg", "viewBox") != before
    page.click("[data-zoom=fit]")
    page.click("#map a[data-id='service/shop.catalogue']")
    page.wait_for_url("**/catalogue/service/shop.catalogue")
    assert desk.complaints == []


def test_a_number_changes_live_and_nothing_moves_or_closes(desk: Watched, portal: Portal) -> None:
    page = desk.open("/releases/storefront-3")
    settled(page)
    newest = page.locator("[id^=tick-]").first
    before = newest.get_attribute("id")
    page.locator("[role=region]").first.focus()
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.evaluate("scrollTo(0, 300)")
    top = "Math.round(document.getElementById('chart-weight').getBoundingClientRect().top)"
    stood = page.evaluate(top)
    portal.scene.tick(2)
    expect(newest).not_to_have_attribute("id", before or "", timeout=PATIENCE_MS)
    assert page.evaluate(top) == pytest.approx(stood, abs=2)
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == focused
    assert page.locator(".uplot canvas").count() == page.locator("[data-chart]").count()
    assert desk.complaints == []


def test_the_list_is_narrowed_by_keyboard_and_its_address_says_so(
    desk: Watched, portal: Portal
) -> None:
    page = desk.open("/releases?in=dev")
    settled(page)
    page.focus("input[name=version]")
    page.keyboard.type("1.2")
    page.wait_for_url("**version=1.2**")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    assert "in=dev" in page.url
    with page.expect_response(lambda answer: "version=1.2" in answer.url, timeout=PATIENCE_MS):
        portal.scene.tick(1)
    expect(page.locator("#found tbody tr")).to_have_count(1)
    page.click("#found a:has-text('rolled back')")
    page.wait_for_url("**phase=rolled-back**")
    page.go_back()
    page.wait_for_url(lambda url: "version=1.2" in url and "phase=" not in url)
    settled(page)
    with page.expect_response(lambda answer: "version=1.2" in answer.url, timeout=PATIENCE_MS):
        portal.scene.tick(1)
    expect(page.locator("#found tbody tr")).to_have_count(1)
    page.click("text=clear all filters")
    page.wait_for_function("document.querySelectorAll('#found tbody tr').length > 3")
    assert desk.complaints == []


def test_a_rollout_changes_live_and_stays_where_it_is(desk: Watched, portal: Portal) -> None:
    page = desk.open(f"/rollouts/{portal_scene.ROLLOUT}")
    settled(page)
    staging = page.locator(".box", has=page.locator("a", has_text="staging"))
    expect(staging).to_contain_text("in progress")
    top = staging.bounding_box()
    portal_scene.turn_back(portal.scene, "staging")
    expect(staging).to_contain_text("rolling back", timeout=PATIENCE_MS)
    expect(page.locator(".sentence")).to_contain_text("turns back")
    now = staging.bounding_box()
    assert top is not None
    assert now is not None
    assert now["x"] == top["x"]
    assert violations(page) == []
    assert desk.complaints == []


def test_acting_from_the_page_is_on_the_audit_page(browser: Browser, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """In a place of its own: other tests let time pass, and then a release comes to its end."""
    scene = portal_scene.Scene(tmp_path)
    scene.bind(portal_scene.STOREFRONT, "1.0.0")
    scene.begin("storefront-8", "1.1.0")
    scene.tick(5)
    portal = Portal(scene)
    portal.start()
    context = signed_in(browser, portal)
    desk = Watched(context.pages[0], portal.url)
    page = desk.open("/releases/storefront-8")
    settled(page)
    page.click("text=Pause")
    page.fill("textarea[name=reason]", "to have a closer look")
    page.click("button:has-text('Pause storefront 1.1.0')")
    page.wait_for_url("**/releases/storefront-8")
    page.goto(desk.url + "/audit")
    expect(page.locator("text=to have a closer look")).to_be_visible()
    assert desk.complaints == []
    context.close()
    portal.stop()
    scene.store.close()


def test_a_lost_connection_is_said_and_mends_itself(browser: Browser, tmp_path) -> None:  # type: ignore[no-untyped-def]
    scene = portal_scene.Scene(tmp_path)
    scene.bind(portal_scene.STOREFRONT, "1.0.0")
    scene.begin("storefront-8", "1.1.0")
    scene.tick(5)
    portal = Portal(scene)
    portal.start()
    context = signed_in(browser, portal)
    (page,) = context.pages
    page.goto(portal.url + "/releases/storefront-8")
    settled(page)
    newest = page.locator("[id^=tick-]").first
    before = newest.get_attribute("id") or ""
    portal.stop()
    expect(page.locator("#lost")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#live")).to_contain_text("connection lost")
    scene.tick(2)
    portal.start()
    expect(page.locator("#lost")).to_be_hidden(timeout=PATIENCE_MS)
    expect(page.locator("#live")).to_contain_text("live")
    expect(newest).not_to_have_attribute("id", before, timeout=PATIENCE_MS)
    portal.stop()
    portal.token = "another-token"
    portal.start()
    expect(page.locator("[data-out]")).to_be_visible(timeout=PATIENCE_MS)
    context.close()
    portal.stop()
    scene.store.close()


def test_a_page_reads_without_script_and_on_paper(browser: Browser, portal: Portal) -> None:
    context = browser.new_context(java_script_enabled=False)
    assert portal.listening is not None
    page = context.new_page()
    page.goto(serve.link(portal.listening, portal_scene.TOKEN))
    page.goto(portal.url + "/releases/storefront-2")
    assert "was rolled back" in page.inner_text(".sentence")
    page.emulate_media(media="print")
    assert page.locator(".rail").is_hidden()
    assert page.locator(".sentence").is_visible()
    context.close()
