"""One replica: a process that is started, probed, restarted with back-off, drained and stopped.

The supervisor holds one `Replica` per (service, version, number) and hears of every change of
phase; it decides nothing here beyond "try again, later each time".
"""

import asyncio
import contextlib
import os
import pathlib
import re
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telford.backends.local import asking, children, layout, ports, work
from telford.backends.local.settings import Settings
from telford.basics.errors import OutsideError, UsageError
from telford.estate.workload import BASELINE_SUFFIX, ReplicaState, Workload

STARTING, READY, BACKING_OFF = "starting", "ready", "backing-off"
STOPPING, FAILED, STOPPED = "stopping", "failed", "stopped"

# A service that has never been ready and ended this often in a row will not get ready by itself;
# more than one try, for it may have lost the race for a port or be waiting for another service.
MAX_FIRST_STARTS = 3

# A worker has no port to ask; one that still runs after this long has started.
WORKER_SETTLE_SECONDS = 0.3

# Between two looks at a worker's page, and how long an answer may take.
WORK_LOOK_SECONDS = 1.0
WORK_LIMIT_SECONDS = 1.0

_PLACEHOLDER = re.compile(r"\{(port|metrics_port|state|upstream:([^{}]*))\}")

Address = Callable[[str], str]  # service name -> http://127.0.0.1:PORT


@dataclass(frozen=True, slots=True)
class Host:
    """What a replica needs from the supervisor around it."""

    paths: layout.Layout
    settings: Settings
    children: children.Children
    ports: ports.Ports
    address: Address
    changed: Callable[["Replica"], None]
    worked: Callable[["Replica", work.Page], None]


class Replica:
    """See the module. It lives from its making until `retire`; `after` is what it waits for first.

    `began` is a moment of the loop's clock; `gone` is set when it has stopped for good. `port` is
    where it answers requests, or where a worker says what it did.
    """

    def __init__(
        self, host: Host, workload: Workload, name: str, after: asyncio.Event | None = None
    ) -> None:
        self.workload = workload
        self.name = name
        self.phase = STARTING
        self.port = 0
        self.restarts = 0
        self.message = ""
        self.draining = False
        self.began = asyncio.get_running_loop().time()
        self.gone = asyncio.Event()
        self._after = after
        self._beat = 0.0
        self._host = host
        self._child: children.Child | None = None
        self._ever_ready = False
        self._ends_in_a_row = 0
        log = host.paths.replica_log(workload.service, workload.version, name)
        self._log = children.RotatingLog(log, host.settings.log_bytes, host.settings.log_files)
        self._task = asyncio.create_task(self._run())

    @property
    def serves(self) -> bool:
        """Whether traffic may go to it."""
        return self.workload.listens and self.phase == READY

    @property
    def tells(self) -> bool:
        """Whether it is a worker that says what it did."""
        return has_page(self.workload) and self.phase == READY and not self.draining

    async def look(self) -> bool:
        """Ask a worker what it did, and pass it on; whether it answered."""
        try:
            page = work.read(await asking.page(self.port, work.PATH, WORK_LIMIT_SECONDS))
        except asking.NoAnswerError:
            return False
        # A worker without a heartbeat lives as long as it answers.
        age = 0.0 if page.heartbeat is None else max(time.time() - page.heartbeat, 0.0)
        self._beat = max(self._beat, asyncio.get_running_loop().time() - age)
        self._host.worked(self, page)
        return True

    def state(self) -> ReplicaState:
        """What the outside sees."""
        running = self._child is not None and self._child.returncode is None
        return ReplicaState(
            service=self.workload.service,
            version=self.workload.version,
            replica=self.name,
            phase=self.phase,
            port=self.port,
            pid=self._child.pid if running and self._child else 0,
            restarts=self.restarts,
            message=self.message,
        )

    async def retire(self, drain: Callable[["Replica"], Awaitable[None]]) -> None:
        """Let it finish what it has, then stop it; takes at most drain and stop limits."""
        was_serving = self.serves
        if self.tells:
            await self.look()  # what it did since the last look counts too
        self._task.cancel()
        self.draining = True
        if was_serving:
            self._host.changed(self)
            await drain(self)
        self._enter(STOPPING, "")
        if self._child:
            await self._child.stop(self.workload.stop_seconds)
        self._host.ports.give_back(self.port)
        self.gone.set()
        self._enter(STOPPED, "")

    def _enter(self, phase: str, message: str) -> None:
        self.phase, self.message = phase, message
        self._host.changed(self)

    async def _run(self) -> None:
        """Start; while it ends by itself, wait and start again."""
        if self._after:
            await self._after.wait()
        delay = self._host.settings.backoff_first_seconds
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            reason, hopeless = await self._live()
            if loop.time() - began > self._host.settings.backoff_forget_seconds:
                delay = self._host.settings.backoff_first_seconds
            if hopeless:
                self._enter(FAILED, reason)
                return
            self._enter(BACKING_OFF, reason)
            await asyncio.sleep(delay)
            delay = min(delay * 2, self._host.settings.backoff_cap_seconds)
            self.restarts += 1

    async def _live(self) -> tuple[str, bool]:
        """One life: how it ended, and whether another try makes no sense."""
        self._enter(STARTING, self.message)
        try:
            child = self._spawn()
        except (OSError, UsageError, OutsideError) as error:
            problem = f"cannot be started: {_reason(error)}"
            return self._sentence(problem), not self._ever_ready
        problem = await self._await_ready(child)
        if problem:
            await self._end(child)
            return self._sentence(problem), not self._ever_ready
        if child.returncode is None:
            self._ever_ready, self._ends_in_a_row = True, 0
            self._enter(READY, "")
            problem = await self._stay(child)
            if problem:
                await self._end(child)
                return self._sentence(problem), False
        self._host.ports.give_back(self.port)
        self._ends_in_a_row += 1
        hopeless = not self._ever_ready and self._ends_in_a_row >= MAX_FIRST_STARTS
        return self._sentence(child.how_it_ended()), hopeless

    async def _end(self, child: children.Child) -> None:
        child.signal(signal.SIGKILL)
        await child.exited.wait()
        self._host.ports.give_back(self.port)

    def _sentence(self, what: str) -> str:
        tail = self._log.last_lines()
        where = self._host.paths.replica_log(
            self.workload.service, self.workload.version, self.name
        ).relative_to(self._host.paths.root)
        said = f"; its last lines ({where}):\n{tail}" if tail else f"; it said nothing ({where})"
        who = f"{self.workload.service} {self.workload.version} replica {self.name}"
        return f"{who} {what}{said}"

    def _spawn(self) -> children.Child:
        workload = self.workload
        data = self._host.paths.data(workload.service)
        data.mkdir(parents=True, exist_ok=True)
        folder = pathlib.Path(workload.cwd) if workload.cwd else data
        if not folder.is_absolute():
            raise UsageError(f"its working folder {folder} must be given from the root")
        if not folder.is_dir():
            raise UsageError(f"its working folder {folder} is not there")
        self.port = self._host.ports.take() if workload.listens or has_page(workload) else 0
        fill = _filler(self.port, str(data), self._host.address)
        named = {
            "TELFORD_SERVICE": workload.service,
            "TELFORD_VERSION": workload.version.removesuffix(BASELINE_SUFFIX),
            "TELFORD_REPLICA": self.name,
        }
        env = {**os.environ, **named, **{k: fill(v) for k, v in workload.env.items()}}
        self._child = self._host.children.spawn(
            [fill(part) for part in workload.command], env, folder, self._log
        )
        return self._child

    async def _await_ready(self, child: children.Child) -> str:
        """Wait for readiness or the end; a sentence where the deadline passed, else ""."""
        if self.workload.listens:
            return await self._await_answer(child, self.workload.probe.path)
        if has_page(self.workload):
            return await self._await_answer(child, work.PATH)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WORKER_SETTLE_SECONDS):
                await child.exited.wait()
        return ""

    async def _await_answer(self, child: children.Child, path: str) -> str:
        probe, loop = self.workload.probe, asyncio.get_running_loop()
        deadline = loop.time() + probe.deadline_seconds
        answer = "was never asked"
        while child.returncode is None:
            try:
                await asking.page(self.port, path, probe.timeout_seconds)
            except asking.NoAnswerError as error:
                answer = str(error)
            else:
                return ""
            if loop.time() > deadline:
                return f"was not ready within {probe.deadline_seconds:g} s: {path} {answer}"
            await _ended_within(child, probe.interval_seconds)
        return ""

    async def _stay(self, child: children.Child) -> str:
        """Wait for the end; a sentence where a worker's heart has stopped before it, else ""."""
        if not has_page(self.workload):
            await child.exited.wait()
            return ""
        limit, loop = self._host.settings.heartbeat_seconds, asyncio.get_running_loop()
        self._beat = loop.time()
        while not await _ended_within(child, WORK_LOOK_SECONDS):
            await self.look()
            silent = loop.time() - self._beat
            if silent > limit:
                return f"gave no sign of life for {silent:.0f} s (limit {limit:g} s)"
        return ""


def has_page(workload: Workload) -> bool:
    """Whether a version is a worker that says what it did, on a port that the place gives it."""
    texts = (*workload.command, *workload.env.values())
    return not workload.listens and any("{metrics_port}" in text for text in texts)


async def _ended_within(child: children.Child, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await child.exited.wait()
    return child.returncode is not None


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no program {error.filename}"
    if isinstance(error, PermissionError):
        return f"{error.filename} may not be executed"
    return str(error)


def _filler(port: int, data: str, address: Address) -> Callable[[str], str]:
    """Replaces placeholders; other braces stay as they are."""

    def value(match: re.Match[str]) -> str:
        if match[1] in ("port", "metrics_port"):
            return str(port)
        return data if match[1] == "state" else address(match[2])

    return lambda text: _PLACEHOLDER.sub(value, text)


def named_upstreams(workload: Workload) -> set[str]:
    """The services whose addresses a workload needs: declared ones and those in placeholders."""
    texts = [*workload.command, *workload.env.values()]
    found = {match[2] for text in texts for match in _PLACEHOLDER.finditer(text) if match[2]}
    return found | set(workload.upstreams)
