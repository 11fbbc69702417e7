"""The plan of an estate against a folder of artifacts, as a server holds it.

Made beside the requests: the first one costs what a build costs, so a page says that it is being
made and is told when it is there (the topic ``plan``). Made again when the estate's texts have
changed or something was built; until then the last one is shown, and said to be old. Nothing is
made before somebody asks, and nothing is ever written. Called by `telford.portal.wired`.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from telford.app import plan_page, planning
from telford.app.building import Proposal
from telford.app.described import Spawn
from telford.app.desires import Scope
from telford.app.plan_page import Told
from telford.app.planning import Report
from telford.backends import output
from telford.basics.clock import Clock
from telford.basics.errors import TelfordError, TemporaryError
from telford.plan import texts
from telford.plan.actions import Verb
from telford.portal.context import EstateSource, Planned

RETRY_SECONDS = 10.0
"""After a failure that is not the estate's (a folder that cannot be read): looked at again."""
LINES_SECONDS = 2.0
"""How long changed lines wait for a plan that is being made; afterwards the answer is "later"."""
SOON_SECONDS = 2.0
"""Causes that take longer (a sum over a thousand services has many) come after the plan: what
changes is shown without them. Sooner, the page would show two states of each edit.
"""
MAX_COMPARED = 400_000
"""Characters of a file, before and after, that are compared line by line while somebody waits."""

_log = logging.getLogger(__name__)


class Planning(Protocol):
    """What makes plans: `telford.app.watching.Planner`."""

    def plan(self) -> Proposal:
        """What a build of the estate as it is now would change."""
        ...


@dataclass(frozen=True, slots=True)
class _Held:
    """The newest outcome, and the state of estate and folder that it is of."""

    mark: str
    told: Told | None
    problem: str
    at: float


class PlanWatch:
    """The newest plan of the estate in `folder` for the artifacts in `out`.

    `planner` makes the one that plans, once; it is asked in one thread at a time.
    """

    def __init__(
        self,
        folder: Path,
        out: Path,
        estate: EstateSource,
        clock: Clock,
        planner: Callable[[], Planning],
        spawn: Spawn,
    ) -> None:
        self._folder = folder
        self._out = out
        self._estate = estate
        self._clock = clock
        self._make = planner
        self._spawn = spawn
        self._planner: Planning | None = None
        self._cache = _Memory()
        self._working = threading.Lock()
        # Held while the planner works, and by whoever reads a text of it.
        self._planning = threading.Lock()
        self._held = _Held("", None, "", 0.0)

    def current(self) -> Planned:
        """The newest there is; a new one that is due is begun and not waited for."""
        mark = self._mark()
        if self._due(mark) and self._working.acquire(blocking=False):
            self._spawn(self._work)
        held = self._held
        return Planned(self._out, held.told, held.mark != mark, held.problem)

    def lines(self, path: str) -> str | None:
        """What changes in the text of one file, as a unified diff; None where the plan changes no
        such file. Raises `TemporaryError` while the plan is being made.
        """
        if not self._planning.acquire(timeout=LINES_SECONDS):
            raise TemporaryError("the plan is being made anew", fix="ask again in a moment")
        try:
            told = self._held.told
            action = told.rows.get(path) if told is not None else None
            if told is None or action is None:
                return None
            old = output.text(self._out, path) if action.before else ""
            text = told.proposal.wanted.text
            new = text(path) if text is not None and action.verb is not Verb.DELETE else ""
        finally:
            self._planning.release()
        if max(len(old), len(new)) > MAX_COMPARED:
            return "(too long to compare here: telford plan --diff has it)\n"
        return texts.diff(path, old, new)

    def _mark(self) -> str:
        """A text that changes with the estate as it was read, and with what was built."""
        described = self._estate.current()
        try:
            status = (self._out / output.INVENTORY).stat()
            built = f"{status.st_mtime_ns} {status.st_size} {status.st_ino}"
        except OSError:
            built = "nothing"
        read = f"{described.read_at} {described.estate.digest} {described.problem}"
        return f"{read} {built}"

    def _due(self, mark: str) -> bool:
        held = self._held
        again = bool(held.problem) and self._clock.monotonic() >= held.at + RETRY_SECONDS
        return again or held.mark != mark

    def _work(self) -> None:
        """Make the plan and hold it, or why there is none; the last one stays beside a problem."""
        mark = self._mark()
        told, problem = self._held.told, ""
        try:
            with self._planning:
                told = self._told(mark)
                self._hold(mark, told)
        except TelfordError as error:
            problem = ". ".join(filter(None, [error.message, error.fix]))
        except Exception:  # noqa: BLE001 - a bug in a thread must reach whoever waits
            # A page that says "being made" for ever would hide it.
            _log.exception("the plan could not be made")
            problem = "this is a mistake of Telford's own; the controller's log says where it is"
        finally:
            if problem:
                self._held = _Held(mark, told, problem, self._clock.monotonic())
            self._working.release()

    def _hold(self, mark: str, told: Told) -> None:
        # Made here and not while somebody waits.
        _ = told.groups, told.sentence, told.by_key, told.rows
        self._held = _Held(mark, told, "", self._clock.monotonic())

    def _told(self, mark: str) -> Told:
        """The plan with its causes; without them for the time being where they take long."""
        if self._planner is None:
            self._planner = self._make()
        proposal = plan_page.complete(self._planner.plan())
        at = self._clock.now()
        bare = Report(tuple(planning.details(proposal)), ())
        early = Told(proposal, bare, at, causes=not bare.details)
        with _unless_over(SOON_SECONDS, lambda: self._hold(mark, early)):
            report = planning.report(proposal, self._folder, Scope(), cache=self._cache)
        return Told(proposal, report, at)


@contextlib.contextmanager
def _unless_over(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Act once what is inside has taken so long; never after it is over."""
    lock, over = threading.Lock(), threading.Event()

    def late() -> None:
        with lock:
            if not over.is_set():
                act()

    timer = threading.Timer(seconds, late)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            over.set()


class _Memory:
    """What is known of the estate's texts from one plan to the next: kept under one key."""

    def __init__(self) -> None:
        self._key = ""
        self._text = ""

    def get(self, key: str) -> str | None:
        """See `telford.ports.cache.Cache`."""
        return self._text if key == self._key else None

    def put(self, key: str, text: str) -> None:
        """See `telford.ports.cache.Cache`."""
        self._key, self._text = key, text
