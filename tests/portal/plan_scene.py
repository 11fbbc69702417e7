"""A copy of the shop, built once, over which a portal plans: what the tests of the page share."""

import dataclasses
import functools
import pathlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable

import portal_client
import portal_scene

from telford.app import building, loading
from telford.app.building import Proposal
from telford.app.described import Described
from telford.app.watching import Planner
from telford.portal import guard, server, wired
from telford.portal.context import Context
from telford.portal.plans import PlanWatch


def at_once(work: Callable[[], None]) -> None:
    work()


class Fresh:
    """An estate that is read whenever its files have changed, whatever the clock says."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.seen = ""
        self.held: Described | None = None

    def current(self) -> Described:
        with self.lock:
            seen = wired.signature(self.folder)
            if self.held is None or seen != self.seen:
                self.seen = seen
                self.held = Described(loading.load_folder(self.folder), time.time()).made()
            return self.held


class Planning(portal_scene.Scene):
    """A scene over a copy of the shop that is built into a folder, with a plan of it."""

    def __init__(
        self,
        folder: pathlib.Path,
        *,
        built: bool = True,
        spawn: Callable[[Callable[[], None]], None] = at_once,
    ) -> None:
        copy = folder / "estate"
        shutil.copytree(portal_scene.SHOP, copy)
        super().__init__(folder, estate=copy)
        self.out = folder / "build"
        if built:
            shutil.copytree(built_shop(), self.out)
        self.fresh = Fresh(copy)
        self.planners = 0
        self.plans = PlanWatch(copy, self.out, self.fresh, self.clock, self._planner, spawn)

    def _planner(self) -> Planner:
        self.planners += 1
        return Planner([self.estate], self.out)

    def context(self, hosts: frozenset[str]) -> Context:
        return dataclasses.replace(super().context(hosts), plans=self.plans, estate=self.fresh)

    def edit(self, name: str, old: str, new: str) -> None:
        """Write another text into a file of the estate."""
        path = self.estate / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new))

    def add(self, name: str, text: str) -> None:
        """Write a new file into the estate."""
        (self.estate / name).write_text(text)

    def build(self) -> Proposal:
        """What `telford build` does."""
        proposal = Planner([self.estate], self.out).plan()
        building.carry_out(proposal)
        return proposal

    def client(self) -> portal_client.Client:
        """Somebody who is signed in."""
        door = guard.keys(portal_scene.TOKEN, portal_client.HOSTS)
        app = server.create_app(self.context(portal_client.HOSTS))
        return portal_client.Client(app, {door.cookie_name: door.cookie_value})


@functools.cache
def built_shop() -> pathlib.Path:
    """The shop's artifacts, made once; nothing may write to them."""
    out = pathlib.Path(tempfile.mkdtemp(prefix="telford-plan-")) / "build"
    building.carry_out(Planner([portal_scene.SHOP], out).plan())
    return out
