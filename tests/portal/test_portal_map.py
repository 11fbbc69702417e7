"""The map of five hundred things in a real browser: folded, opened, focused, found, without script."""

from collections.abc import Iterator

import portal_scene
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from portal_browser import Portal, Watched, settled, signed_in, violations

import graph_estates
from telford.portal import serve

NEW = "\n---\napiVersion: telford/v1\nkind: System\nname: brandnew\n---\napiVersion: telford/v1\nkind: Service\nname: first\nsystem: brandnew\n"
SHIFT = """window.shifted = 0; new PerformanceObserver(list => {
  for (const entry of list.getEntries()) window.shifted += entry.value;
}).observe({type: 'layout-shift', buffered: true});"""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("map")
    (folder / "estate").mkdir()
    (folder / "estate" / "all.yaml").write_text(graph_estates.organisation())
    running = Portal(portal_scene.Scene(folder, estate=folder / "estate"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def context(browser: Browser, portal: Portal) -> Iterator[BrowserContext]:
    made = signed_in(browser, portal)
    made.pages[0].close()
    yield made
    made.close()


@pytest.fixture
def desk(context: BrowserContext, portal: Portal) -> Iterator[Watched]:
    page = context.new_page()
    page.add_init_script(SHIFT)
    yield Watched(page, portal.url)
    page.close()


def view(page: Page) -> str:
    return page.get_attribute("#map svg", "viewBox") or ""


@pytest.mark.parametrize(
    "path", ["/map", "/map?open=payments,web", "/map?focus=payments-api&depth=3"]
)
def test_five_hundred_things_are_clean_and_nothing_jumps(desk: Watched, path: str) -> None:
    page = desk.open(path)
    settled(page)
    assert page.evaluate("window.shifted") < 0.05
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 740})
    settled(page)
    assert violations(page) == []
    wide, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= inner, "the page scrolls sideways"
    assert desk.complaints == []


def test_a_system_opens_where_it_is_clicked_and_folds_by_its_name(desk: Watched) -> None:
    page = desk.open("/map")
    settled(page)
    assert page.locator("#map .node").count() == 25
    page.click("#map a[data-id='system/payments']")
    page.wait_for_url("**/map?open=payments")
    settled(page)
    assert page.locator("#map .node").count() == 24 + 20
    page.click("#map a[data-frame='payments']")
    page.wait_for_url("**/map")
    settled(page)
    assert page.locator("#map .node").count() == 25
    assert desk.complaints == []


def test_all_systems_open_and_from_far_away_their_names_are_read(desk: Watched) -> None:
    page = desk.open("/map?open=all")
    settled(page)
    assert page.locator("#map .node").count() == 500
    assert page.locator("#map .far").first.is_visible()
    assert not page.locator("#map .node text").first.is_visible()
    for _ in range(8):
        page.click("[data-zoom=in]")
    assert page.locator("#map .node text").first.is_visible()
    assert not page.locator("#map .far").first.is_visible()


def test_a_focus_leaves_out_the_rest_and_pointing_dims_it(desk: Watched) -> None:
    page = desk.open("/map?focus=payments-api&depth=1")
    settled(page)
    focus = page.locator("#map .node.focus")
    assert focus.count() == 1
    shown = page.locator("#map .node").count()
    assert 2 < shown < 40
    page.hover("#map a[data-id='datastore/payments.payments-db']")
    assert page.locator("#map .pointing .node.near").count() < shown
    assert page.locator("#map .wire.near").count() >= 1


def test_filters_stand_in_the_url(desk: Watched) -> None:
    page = desk.open("/map")
    settled(page)
    page.select_option("select[name=owner]", "team/team-1")
    page.wait_for_url("**owner=team%2Fteam-1**")
    settled(page)
    page.select_option("select[name=kind]", "Datastore")
    page.wait_for_url("**kind=Datastore**")
    settled(page)
    assert page.locator("#map .node.Datastore").count() == page.locator("#map .node").count() > 1
    page.locator("form.filters select[name=in]").select_option("prod")
    page.wait_for_url("**in=prod**")
    settled(page)
    expect(page.locator("#map-status")).to_contain_text("as in prod")
    assert desk.complaints == []


def test_what_is_typed_is_found_and_enter_shows_around_it(desk: Watched) -> None:
    page = desk.open("/map")
    settled(page)
    page.fill("[data-find]", "pay")
    expect(page.locator("#map-status")).to_have_text("1 of the boxes match")
    assert page.locator("#map .node.missed").count() == 24
    page.fill("[data-find]", "payments-writer")
    page.press("[data-find]", "Enter")
    page.wait_for_url("**focus=payments-writer**")
    settled(page)
    assert page.get_attribute("#map .node.focus a", "data-id") == "service/payments.payments-writer"


def test_the_map_moves_by_wheel_drag_buttons_and_keys(desk: Watched) -> None:
    page = desk.open("/map")
    settled(page)
    box = page.locator("#map").bounding_box()
    assert box is not None
    corner = (box["x"] + 30, box["y"] + box["height"] - 30)
    acts = [
        lambda: page.mouse.wheel(0, -200),
        lambda: (
            page.mouse.down(),
            page.mouse.move(corner[0] + 90, corner[1] - 40),
            page.mouse.up(),
        ),
        lambda: page.click("[data-zoom=out]"),
        lambda: (page.focus("#map svg"), page.keyboard.press("ArrowDown")),
        lambda: page.keyboard.press("+"),
    ]
    for act in acts:
        page.mouse.move(*corner)
        before = view(page)
        act()
        page.wait_for_function(
            "b => document.querySelector('#map svg').getAttribute('viewBox') !== b", arg=before
        )
    assert page.url.endswith("/map"), "a drag is no click"
    assert desk.complaints == []


def test_two_fingers_zoom(browser: Browser, portal: Portal) -> None:
    touch = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    page = touch.new_page()
    assert portal.listening is not None
    page.goto(serve.link(portal.listening, portal_scene.TOKEN))
    page.goto(portal.url + "/map")
    settled(page)
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = [float(part) for part in view(page).split()]
    session = touch.new_cdp_session(page)
    for kind, apart in (("touchStart", 20), ("touchMove", 60), ("touchMove", 110), ("touchEnd", 0)):
        points = [{"x": x - apart, "y": y, "id": 1}, {"x": x + apart, "y": y, "id": 2}]
        session.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": points if apart else []}
        )
    after = [float(part) for part in view(page).split()]
    assert after[2] < before[2] * 0.5
    touch.close()


def test_the_keyboard_walks_from_box_to_box_and_focuses(desk: Watched) -> None:
    page = desk.open("/map?system=payments")
    settled(page)
    assert page.locator('#map a[tabindex="0"]').count() == 1
    page.focus("#map a[data-id='service/payments.payments-writer']")
    reached = set()
    for key in ("ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
        reached.add(page.evaluate("document.activeElement.dataset.id"))
    assert len(reached) > 1
    last = page.evaluate("document.activeElement.dataset.id")
    page.keyboard.press("f")
    page.wait_for_url("**focus=**")
    settled(page)
    assert page.get_attribute("#map .node.focus a", "data-id") == last
    assert desk.complaints == []


def test_without_script_the_picture_the_filters_and_the_list_are_there(
    browser: Browser, portal: Portal
) -> None:
    plain = browser.new_context(java_script_enabled=False)
    page = plain.new_page()
    assert portal.listening is not None
    page.goto(serve.link(portal.listening, portal_scene.TOKEN))
    page.goto(portal.url + "/map")
    assert page.locator("#map .node").count() == 25
    page.click("table >> text=checkout >> nth=0")
    assert "open=checkout" in page.url
    page.select_option("select[name=system]", "stock")
    page.click("form.filters button")
    assert "system=stock" in page.url
    assert page.locator("#map .node").count() == 20
    assert page.locator("tbody tr").count() == 20
    plain.close()


def test_a_new_thing_appears_by_itself_and_the_view_stays(desk: Watched, portal: Portal) -> None:
    page = desk.open("/map")
    settled(page)
    page.click("[data-zoom=in]")
    before = view(page)
    text = portal.scene.estate / "all.yaml"
    text.write_text(text.read_text() + NEW)
    portal.scene.clock.at += 60
    page.wait_for_selector("#map a[data-id='system/brandnew']", state="attached")
    assert view(page) == before
    assert desk.complaints == []
