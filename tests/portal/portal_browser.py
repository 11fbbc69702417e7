"""A running portal and a browser that looks at it: what the tests in a real browser share."""

import dataclasses
import functools
import re
import socket
from dataclasses import dataclass, field

import portal_scene
from playwright.sync_api import Browser, BrowserContext, Page, expect

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


# The browser itself reports a page that was asked for and is not there. htmx reports a request
# that it ended because a newer one replaced it, in two lines; one that failed has lines of its own
# (sendError, responseError, timeout) beside the second.
_EXPECTED = re.compile(r"status of 404|^htmx:(sendAbort|afterRequest),")


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
        if message.type in {"error", "warning"} and not _EXPECTED.search(message.text):
            self.complaints.append(message.text)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.url, "data:")):
            self.complaints.append(f"a request to {url}")

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page


def signed_in(browser: Browser, portal: Portal) -> BrowserContext:
    context = browser.new_context(
        color_scheme="light", viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    )
    assert portal.listening is not None
    page = context.new_page()
    page.goto(serve.link(portal.listening, portal_scene.TOKEN))
    return context


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
