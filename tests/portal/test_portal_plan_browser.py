"""The plan in a real browser: clean in every state, by keyboard, at 360 px, live without moving."""

import os
import pathlib
from collections.abc import Callable, Iterator

import plan_scene
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from portal_browser import PATIENCE_MS, Portal, Watched, settled, signed_in, violations

ROAD = ("road.yaml", "  estate: estate\n", "  estate: estate\ndefaults:\n  rollout: {%s}\n")
CHANGED = ROAD[2] % "maxUnavailable: 0, maxSurge: 50%"


@pytest.fixture
def scene(tmp_path: pathlib.Path) -> plan_scene.Planning:
    made = plan_scene.Planning(tmp_path)
    made.plans.current()
    return made


@pytest.fixture
def portal(scene: plan_scene.Planning) -> Iterator[Portal]:
    running = Portal(scene)
    running.start()
    yield running
    running.stop()
    scene.store.close()


@pytest.fixture
def desk(browser: Browser, portal: Portal) -> Iterator[Watched]:
    context: BrowserContext = signed_in(browser, portal)
    yield Watched(context.pages[0], portal.url)
    context.close()


TOO_WIDE = (
    "[...document.querySelectorAll('body *')]"
    ".filter((one) => one.getBoundingClientRect().right > innerWidth)"
    ".map((one) => one.outerHTML.slice(0, 120)).slice(0, 5)"
)


def look(page: Page, name: str) -> None:
    """A picture of the page as it is, where somebody wants to see it."""
    if folder := os.environ.get("TELFORD_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/plan-{name}.png", full_page=True)


def clean_everywhere(page: Page, name: str) -> None:
    """Nothing for axe-core to find, on a desk and on a phone, in light and in dark."""
    for width in (1440, 360):
        page.set_viewport_size({"width": width, "height": 900 if width > 400 else 740})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            settled(page)
            look(page, f"{name}-{width}-{scheme}")
        assert violations(page) == []
        wide, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= inner, page.evaluate(TOO_WIDE)
    page.emulate_media(color_scheme="light")
    assert violations(page) == []


def loading(scene: plan_scene.Planning) -> None:
    scene.plans._held = type(scene.plans._held)("", None, "", 0.0)
    scene.plans._spawn = lambda work: None


def stale(scene: plan_scene.Planning) -> None:
    change(scene)
    scene.plans.current()
    scene.plans._spawn = lambda work: None
    scene.edit("orders.yaml", "shop/orders:1.1.0", "shop/orders:1.2.0")


def wrong(scene: plan_scene.Planning) -> None:
    scene.edit(
        "orders.yaml", "owner: team/orders\ndescription: Keeps", "owner: team/none\nx: Keeps"
    )


def change(scene: plan_scene.Planning) -> None:
    scene.edit(ROAD[0], ROAD[1], CHANGED)
    scene.edit("orders.yaml", "shop/orders:1.0.0", "shop/orders:1.1.0")
    (scene.out / "kubernetes/dev/shop/stream.yaml").write_text("# mine\n")
    scene.edit("orders.yaml", "shop/stream:1.0.0", "shop/stream:1.1.0")


STATES: dict[str, tuple[Callable[[plan_scene.Planning], None], str]] = {
    "nothing": (lambda scene: None, "Nothing would change"),
    "changes": (change, "Edited by hand"),
    "loading": (loading, "The first plan is being made"),
    "stale": (stale, "being made anew"),
    "errors": (wrong, "No plan: the estate has"),
}


@pytest.mark.parametrize("name", STATES)
def test_a_state_of_the_page_is_clean(desk: Watched, scene: plan_scene.Planning, name: str) -> None:
    act, said = STATES[name]
    act(scene)
    page = desk.open("/plan")
    expect(page.locator("#page")).to_contain_text(said)
    clean_everywhere(page, name)
    assert desk.complaints == []


def test_a_cause_is_opened_and_read_to_its_lines_by_keyboard(
    desk: Watched, scene: plan_scene.Planning
) -> None:
    change(scene)
    page = desk.open("/plan")
    settled(page)
    one_by_one = page.locator("details.all > summary").first
    one_by_one.focus()
    page.keyboard.press("Enter")
    link = page.locator("details.all[open] a.address").first
    expect(link).to_be_visible()
    for _ in range(4):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('details.all a.address')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/plan/cause/**thing=**")
    settled(page)
    lines = page.locator("details:has(> .lines) > summary").first
    lines.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".lines ins").first).to_contain_text("+ ", timeout=PATIENCE_MS)
    clean_everywhere(page, "thing")
    page.get_by_role("link", name="The whole plan").click()
    page.wait_for_url("**/plan")
    assert desk.complaints == []


def test_an_edit_appears_by_itself_and_what_one_reads_stays_open_and_in_its_place(
    desk: Watched, scene: plan_scene.Planning
) -> None:
    scene.edit("orders.yaml", "shop/orders:1.0.0", "shop/orders:1.1.0")
    page = desk.open("/plan")
    settled(page)
    page.locator("details:has(> .lines) > summary").nth(2).click()
    shown = page.locator(".lines pre")
    expect(shown).to_be_visible(timeout=PATIENCE_MS)
    shown.scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, document.querySelector('.lines pre').offsetTop - 200)")
    page.wait_for_timeout(50)
    top = "document.querySelector('.lines pre').getBoundingClientRect().top"
    stood = page.evaluate(top)
    # A graver change of many things: it comes to stand above.
    scene.edit(ROAD[0], ROAD[1], CHANGED)
    expect(page.locator(".sentence")).to_contain_text("a protection is", timeout=PATIENCE_MS)
    expect(shown).to_be_visible()
    assert page.evaluate(top) == pytest.approx(stood, abs=2)
    scene.build()
    expect(page.locator(".sentence")).to_contain_text("Nothing would change", timeout=PATIENCE_MS)
    assert desk.complaints == []


def test_the_first_plan_appears_by_itself(browser: Browser, tmp_path: pathlib.Path) -> None:
    waiting: list[Callable[[], None]] = []
    scene = plan_scene.Planning(tmp_path, spawn=waiting.append)
    portal = Portal(scene)
    portal.start()
    context = signed_in(browser, portal)
    page = context.pages[0]
    page.goto(portal.url + "/plan")
    settled(page)
    expect(page.locator("[role=status] h2")).to_contain_text("The first plan is being made")
    waiting.pop()()
    expect(page.locator(".sentence")).to_contain_text("Nothing would change", timeout=PATIENCE_MS)
    context.close()
    portal.stop()
    scene.store.close()
