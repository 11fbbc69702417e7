"""Screenshots of every portal page, from a running demo: light and dark, desk and phone.

    make demo                      (in one terminal)
    make screenshots               (in another): build/screenshots/*.png
    python tools/screenshots.py --url LINK --out DIR --only release,map

Also says what went wrong on a page: an error in the console, a request to another host, a page that
scrolls sideways. Needs Chromium; no other host is asked for anything.
"""

import argparse
import json
import pathlib
import shutil
import sys
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERVING = ROOT / ".telford" / "demo" / "up.json"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SIZES = {"desk": (1280, 860), "phone": (360, 740)}
SETTLE_MS = 1200
"""Long enough for the charts to be drawn and the stream to be open."""


@dataclass(frozen=True)
class Shot:
    """One page and the name of its picture."""

    name: str
    path: str


def link(arguments: argparse.Namespace) -> str:
    """The portal's start link: given, or that of the demo that runs here."""
    if arguments.url:
        return str(arguments.url)
    if not SERVING.is_file():
        raise SystemExit("no demo runs here: start one with `make demo`, or give --url LINK")
    return str(json.loads(SERVING.read_text())["portal"])


def shots(page: Page) -> Iterator[Shot]:
    """Every page; releases, services and objectives as this portal has them."""
    yield from (
        Shot("overview", "/"),
        Shot("catalogue", "/catalogue"),
        Shot("map", "/map"),
        Shot("releases", "/releases"),
        Shot("objectives", "/objectives"),
        Shot("plan", "/plan"),
        Shot("audit", "/audit"),
        Shot("docs", "/docs"),
        Shot("problems", "/problems"),
        Shot("not-found", "/nowhere"),
    )
    releases = page.request.get("/api/releases").json()["releases"]
    services = page.request.get("/api/entities?kind=Service&sort=tier").json()["entities"]
    objectives = page.request.get("/api/objectives").json()["objectives"]
    named: dict[str, str] = {}
    for one in releases:
        named.setdefault(one["phase"], one["id"])
    for phase, key in named.items():
        yield Shot(f"release-{phase}", f"/releases/{key}")
    active = next((one["id"] for one in releases if one["active"]), None)
    if active:
        yield Shot("promote", f"/releases/{active}/promote")
    if services:
        address = releases[0]["service"] if releases else services[0]["address"]
        yield Shot("service", f"/catalogue/{address}")
        yield Shot("map-focus", f"/map?focus={address}&depth=1")
        yield Shot("start", f"/releases/new?service={address}&version=next")
    if objectives:
        yield Shot("objective", "/objectives/" + objectives[0]["address"].partition("/")[2])


def take(context: BrowserContext, shot: Shot, target: pathlib.Path, base: str, full: bool) -> int:
    """One picture; returns how many complaints there were."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
    page.on(
        "request",
        lambda one: complaints.append(one.url) if not one.url.startswith((base, "data:")) else None,
    )
    page.goto(base + shot.path)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=target, full_page=full)
    wide, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    page.close()
    if wide > inner:
        complaints.append(f"scrolls sideways: {wide} px in {inner}")
    real = [one for one in complaints if not (shot.name == "not-found" and "404" in one)]
    for complaint in real:
        print(f"{target.name}: {complaint}", file=sys.stderr)
    return len(real)


def all_of(browser: Browser, start: str, arguments: argparse.Namespace) -> int:
    """Every page at every size in both schemes."""
    parts = urllib.parse.urlsplit(start)
    base = f"{parts.scheme}://{parts.netloc}"
    only = set(filter(None, arguments.only.split(",")))
    complaints = 0
    for size, (width, height) in SIZES.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(
                base_url=base,
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                reduced_motion="reduce",
            )
            page = context.new_page()
            page.goto(start)
            found = list(shots(page))
            page.close()
            for shot in found:
                if only and shot.name.partition("-")[0] not in only and shot.name not in only:
                    continue
                target = arguments.out / f"{shot.name}-{size}-{scheme}.png"
                complaints += take(context, shot, target, base, arguments.full)
            context.close()
    return complaints


def main() -> int:
    """Take them all; exit code 1 where a page complained."""
    parser = argparse.ArgumentParser(description="screenshots of every portal page")
    parser.add_argument("--url", help="the start link that the portal printed")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "screenshots")
    parser.add_argument("--only", default="", help="some pages, such as release,map")
    parser.add_argument("--full", action="store_true", help="the whole page, not the first screen")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("Chromium is not there: make test-tools")
    start = link(arguments)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        complaints = all_of(browser, start, arguments)
        browser.close()
    print(f"pictures in {arguments.out}; {complaints} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
