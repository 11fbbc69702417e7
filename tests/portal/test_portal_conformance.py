"""How far everything conforms, in a real browser and as JSON, of the organisation's estate."""

import os
import pathlib
from collections.abc import Iterator

import portal_scene
import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from portal_browser import PATIENCE_MS, Portal, Watched, settled, signed_in, violations

ESTATE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "organisation" / "estate"
QUAY = "in=prod/harbour/quay"
OUTBOX = "/conformance/service/booking.ticket-outbox"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Portal]:
    running = Portal(portal_scene.Scene(tmp_path_factory.mktemp("conformance"), estate=ESTATE))
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


@pytest.mark.parametrize(
    "path", ["/conformance", f"{OUTBOX}?{QUAY}", f"/conformance/service/ferry-desk.desk?{QUAY}"]
)
def test_a_page_is_clean_in_light_on_a_desk_and_in_dark_on_a_phone(
    desk: Watched, path: str
) -> None:
    page = desk.open(path)
    settled(page)
    assert violations(page) == []
    if folder := os.environ.get("TELFORD_SCREENSHOTS"):
        page.screenshot(
            path=f"{folder}/conformance-{path.count('/')}-{len(path)}.png", full_page=True
        )
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 740})
    settled(page)
    assert violations(page) == []
    wide, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= inner, "the page scrolls sideways"
    assert desk.complaints == []


def test_the_list_is_narrowed_and_leads_to_what_differs(desk: Watched) -> None:
    """The worst stands first; what is found leads to its page, and that back to the catalogue."""
    page = desk.open(f"/conformance?{QUAY}")
    first = page.locator("#found tbody tr").first
    expect(first).to_contain_text("as-found")
    page.get_by_label("Differs because").select_option("waived")
    expect(page.locator("#found tbody tr")).to_have_count(1, timeout=PATIENCE_MS)
    page.locator("#found tbody a").first.click()
    expect(page.locator("h1")).to_contain_text("service/booking.ticket-outbox")
    row = page.locator("tr", has_text="run.replicas")
    expect(row).to_contain_text("waiver/one-outbox of team/booking until 2027-06-30")
    expect(row).to_contain_text("booking.yaml:")
    page.get_by_role("link", name="prod/westeurope", exact=True).click()
    expect(page.locator(".lede")).to_contain_text("100.0% in prod/westeurope")
    page.get_by_role("link", name="In the catalogue").click()
    page.get_by_role("link", name="how far it is as the architecture says").click()
    expect(page.locator("h1")).to_contain_text("Conformance of service/booking.ticket-outbox")
