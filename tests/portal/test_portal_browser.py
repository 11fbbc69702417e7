"""The portal in a real browser: no error, no foreign request, nothing axe-core finds, keyboard, 360 px,
live numbers, a lost connection that mends itself.
"""

import dataclasses
import functools
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import portal_scene
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

import optional
from telford.portal import serve

AXE = optional.REPOSITORY / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
# No request of the browser's own to anywhere.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
)
PATIENCE_MS = 15_000
"""How long to wait for what must happen; a loaded machine may be slow, and no test is about that."""
PAGES = (
    "/",
    "/catalogue",
    "/catalogue/service/shop.orders",
    "/map",
    "/releases",
    "/releases/storefront-2",
    "/releases/storefront-3",
    "/releases/storefront-3/abort",
    "/releases/new?service=storefront&version=2.0.0",
    "/objectives",
    "/objectives/shop.storefront-availability",
    "/audit",
    "/problems",
    "/docs",
    "/nowhere",
)


@dataclass
class Portal:
    """A portal that runs, can be stopped, and started again at the same address."""

    scene: portal_scene.Scene
    port: int = 0
    token: str = portal_scene.TOKEN
    serving: serve.Serving | None = None
    listening: socket.socket | None = None

    def start(self) -> None:
        self.listening = serve.listen(self.port)
        self.port = self.listening.getsockname()[1]
        context = self.scene.context(serve.hosts(self.listening))
        context = dataclasses.replace(context, token=self.token)
        self.serving = serve.start(context, self.listening)

    def stop(self) -> None:
        assert self.serving is not None
        assert self.listening is not None
        self.serving.stop()
        self.listening.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class Watched:
    """A page whose console and requests are watched."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))

    def _said(self, message) -> None:  # type: ignore[no-untyped-def]
        # The browser itself reports a page that was asked for and is not there.
        if message.type in {"error", "warning"} and "status of 404" not in message.text:
            self.complaints.append(message.text)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.url, "data:")):
            self.complaints.append(f"a request to {url}")

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = optional.require_tool("chromium")
    if not AXE.is_file():
        pytest.fail("axe-core is not there: run `make setup`")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield made
        made.close()


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Portal]:
    scene = portal_scene.played(tmp_path_factory.mktemp("browser"))
    running = Portal(scene)
    running.start()
    yield running
    running.stop()


def signed_in(browser: Browser, portal: Portal) -> BrowserContext:
    context = browser.new_context(
        color_scheme="light", viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    )
    assert portal.listening is not None
    page = context.new_page()
    page.goto(serve.link(portal.listening, portal_scene.TOKEN))
    return context


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


@functools.cache
def axe_source() -> str:
    return AXE.read_text()


def violations(page: Page) -> list[str]:
    """What axe-core finds of WCAG 2.2 A and AA and of its best practices."""
    page.evaluate(axe_source())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found["violations"]
    ]


def settled(page: Page) -> None:
    """Wait until scripts have drawn and the stream is open."""
    expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=PATIENCE_MS)
    if page.locator("#map").count():
        page.wait_for_selector("#map svg .node")
    if page.locator("[data-chart]").count():
        page.wait_for_selector(".uplot canvas")


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


def test_acting_from_the_page_is_on_the_audit_page(desk: Watched, portal: Portal) -> None:
    page = desk.open("/releases/storefront-3")
    settled(page)
    page.click("text=Pause")
    page.fill("textarea[name=reason]", "to have a closer look")
    page.click("button:has-text('Pause storefront 1.3.0')")
    page.wait_for_url("**/releases/storefront-3")
    page.goto(desk.url + "/audit")
    expect(page.locator("text=to have a closer look")).to_be_visible()
    assert desk.complaints == []


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
