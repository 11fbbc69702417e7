"""What is where, what waits, and what is kept out, in a real browser."""

import os
from collections.abc import Iterator

import portal_scene
import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from portal_browser import PATIENCE_MS, Portal, Watched, settled, signed_in, violations
from portal_promotions import keep_out


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Portal]:
    scene = portal_scene.Scene(tmp_path_factory.mktemp("promotions"))
    scene.bind(portal_scene.STOREFRONT, "1.0.0")
    keep_out(scene)
    running = Portal(scene)
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
    yield Watched(page, portal.url)
    page.close()


def test_the_page_is_clean_and_lifts_a_quarantine_with_a_reason(
    desk: Watched, portal: Portal
) -> None:
    page = desk.open("/promotions")
    settled(page)
    assert violations(page) == []
    if folder := os.environ.get("TELFORD_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/promotions.png", full_page=True)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 740})
    settled(page)
    assert violations(page) == []
    wide, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= inner, "the page scrolls sideways"
    expect(page.locator("main")).to_contain_text("1.0.0 may come", timeout=PATIENCE_MS)
    page.get_by_label("Why 1.0.9 may come again").fill("the database was slow, not it")
    page.get_by_role("button", name="Lift the quarantine of 1.0.9").click()
    expect(page.locator("main")).to_contain_text("No version is quarantined", timeout=PATIENCE_MS)
    assert desk.complaints == []
