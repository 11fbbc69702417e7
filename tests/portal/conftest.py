"""One played scene for what only reads, a fresh one for what writes."""

import pathlib
from collections.abc import Iterator

import portal_scene
import pytest
from playwright.sync_api import Browser, sync_playwright
from portal_browser import ARGUMENTS, AXE
from portal_client import Client, Describe, client_of

import optional


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> portal_scene.Scene:
    """The whole story. Nothing may write to it."""
    return portal_scene.played(tmp_path_factory.mktemp("played"))


@pytest.fixture(scope="session")
def reader(played: portal_scene.Scene) -> Client:
    """A client of the played scene."""
    return client_of(played)


@pytest.fixture
def scene(tmp_path: pathlib.Path) -> Iterator[portal_scene.Scene]:
    """A fresh store over the shop's estate, with one release on its way."""
    fresh = portal_scene.Scene(tmp_path)
    fresh.bind(portal_scene.STOREFRONT, "1.0.0")
    fresh.begin("storefront-9", "1.1.0")
    fresh.tick(6)
    yield fresh
    fresh.store.close()


@pytest.fixture
def client(scene: portal_scene.Scene) -> Client:
    """A client of the fresh scene."""
    return client_of(scene)


@pytest.fixture
def described(tmp_path: pathlib.Path) -> Describe:
    """Makes a client of an estate from its texts."""
    return Describe(tmp_path)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of one file: while it is open its event loop holds this thread."""
    executable = optional.require_tool("chromium")
    if not AXE.is_file():
        pytest.fail("axe-core is not there: run `make setup`")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield made
        made.close()
