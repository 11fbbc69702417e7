"""The client: what a controller, a command or a test holds of a local place.

`LocalPlace` implements `ports.Cluster`, `ports.Router` and `ports.Metrics`. Every call opens its
own connection, so it may be used from several threads and outlives a supervisor that was started
again; every call has a limit. Losing the client changes nothing in the place.
"""

import contextlib
import fcntl
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Self

from telford.backends.local import codec, desired, envoy_reading, layout, protocol, settings
from telford.basics.clock import Clock, SystemClock
from telford.basics.errors import PermanentError, RefusedError, TelfordError, TemporaryError
from telford.estate.observation import Reading
from telford.estate.workload import Ingress, PlaceState, Split, Workload

# Above the supervisor's own limit for an operation, so that its sentence wins.
CALL_SECONDS = 40.0
START_SECONDS = 30.0
METRICS_SECONDS = 3.0
STOP_SECONDS = 60.0

_POLL_SECONDS = 0.05
_KILL_SECONDS = 5.0
_MAX_LOG_TAIL_BYTES = 1_000_000


class LocalPlace:
    """A running local place. Make one with `start` or `connect`."""

    def __init__(self, root: pathlib.Path, clock: Clock, *, started_here: bool) -> None:
        self._paths = layout.Layout(root.absolute())
        self._clock = clock
        self.root = self._paths.root
        self.started_here = started_here
        hello = self._call("hello")
        self.pid = int(hello["pid"])
        self.ingress_url = str(hello["ingress_url"])
        self.settings = settings.from_mapping(hello["settings"])

    # ---- coming and going

    @classmethod
    def start(
        cls,
        root: pathlib.Path,
        chosen: settings.Settings | None = None,
        clock: Clock | None = None,
    ) -> Self:
        """Start a supervisor for `root`, or adopt the one that runs.

        Raises `RefusedError` where the running one has other settings than `chosen`, and
        `PermanentError` where none can be started (with Envoy's or the disk's reason).
        """
        clock = clock or SystemClock()
        deadline = clock.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(TemporaryError):
                return cls._adopt(root, chosen, clock)
            try:
                _spawn(root, chosen or settings.Settings())
            except RefusedError:  # another one holds the place: it starts, or ends, at this moment
                if clock.monotonic() > deadline:
                    raise
                clock.sleep(_POLL_SECONDS)
                continue
            return cls(root, clock, started_here=True)

    @classmethod
    def connect(cls, root: pathlib.Path, clock: Clock | None = None) -> Self:
        """The running place at `root`; raises `TemporaryError` where none answers."""
        return cls(root, clock or SystemClock(), started_here=False)

    @classmethod
    def _adopt(cls, root: pathlib.Path, chosen: settings.Settings | None, clock: Clock) -> Self:
        place = cls.connect(root, clock)
        if chosen is not None and chosen != place.settings:
            raise RefusedError(
                f"the place {root} already runs with other settings",
                fix="stop it first, or connect to it as it is",
            )
        return place

    def stop(self, limit_seconds: float = STOP_SECONDS) -> None:
        """End everything in order: ingress closed, requests finished, services and Envoy ended.

        What was wanted is forgotten, generations are not. A supervisor that does not end within
        the limit is killed, which kills everything it owns. One that is gone already is fine.
        """
        with contextlib.suppress(TemporaryError):
            self._call("stop")
        if self._gone_within(limit_seconds):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        if not self._gone_within(_KILL_SECONDS):
            raise TemporaryError(f"the supervisor {self.pid} does not end", fix="ask again")

    def _gone_within(self, limit_seconds: float) -> bool:
        deadline = self._clock.monotonic() + limit_seconds
        while _is_held(self._paths.lock):
            if self._clock.monotonic() > deadline:
                return False
            self._clock.sleep(_POLL_SECONDS)
        return True

    # ---- ports.Cluster

    def apply(self, workload: Workload) -> None:
        """See `ports.Cluster.apply`."""
        self.apply_all([workload])

    def remove(self, service: str, version: str, generation: int) -> None:
        """See `ports.Cluster.remove`; returns once no new request reaches it, `wait_gone` waits."""
        self._call("remove", service=service, version=version, generation=generation)

    def replace(
        self, service: str, version: str, replica: str, incarnation: str, generation: int
    ) -> None:
        """See `ports.Cluster.replace`; the old process serves until the new one is ready."""
        self._call(
            "replace",
            service=service,
            version=version,
            replica=replica,
            incarnation=incarnation,
            generation=generation,
        )

    def state(self) -> PlaceState:
        """See `ports.Cluster.state`; splits are Envoy's own, versions without weight left out."""
        return codec.state(self._call("state"))

    # ---- ports.Router

    def route(self, split: Split) -> None:
        """See `ports.Router.route`; a split without weights takes the service out of traffic."""
        self._call("route", split=codec.plain(split))

    def expose(self, ingress: Sequence[Ingress]) -> None:
        """See `ports.Router.expose`."""
        self._call("expose", ingress=[codec.plain(item) for item in ingress])

    # ---- ports.Metrics

    def read(self) -> Reading:
        """See `ports.Metrics.read`.

        A series appears with its first request: one that is absent stands at zero. All series
        vanish when Envoy had to be started again (a reset). Copied requests are those of version
        ``V-mirrored``; workers count themselves, and one that does not answer is left out.
        """
        at = self._clock.now()
        text = _admin_get(self._paths.run / "admin.sock", envoy_reading.COUNTERS_PATH)
        answered = envoy_reading.counters(text, self.settings.bounds_ms)
        worked = dict(map(codec.counters, self._call("work", METRICS_SECONDS)))
        return Reading(at, answered | worked)

    # ---- beyond the ports

    def apply_all(self, workloads: Sequence[Workload]) -> None:
        """`apply` for many as one change: all are taken or none, and Envoy is told once."""
        self._call("apply", workloads=[codec.plain(item) for item in workloads])

    def address(self, service: str) -> str:
        """Where other services reach this one through Envoy, or "" where it has no listener."""
        return str(self._call("hello")["addresses"].get(service, ""))

    def envoy_pid(self) -> int:
        """Envoy's process, 0 while it restarts."""
        return int(self._call("hello")["envoy_pid"])

    def wait_ready(self, service: str, version: str, limit_seconds: float = 60.0) -> None:
        """Return once every wanted replica is ready.

        Raises `PermanentError` as soon as one has failed, with the last lines of its log, and
        `TemporaryError` at the limit.
        """
        deadline = self._clock.monotonic() + limit_seconds
        while True:
            state = self.state()
            wanted = _wanted_replicas(state, service, version)
            mine = [r for r in state.replicas if (r.service, r.version) == (service, version)]
            failed = [r for r in mine if r.phase == "failed"]
            if failed:
                raise PermanentError(
                    failed[0].message, fix="mend the command or its environment, then apply again"
                )
            if sum(r.phase == "ready" for r in mine) >= wanted and len(mine) == wanted:
                return
            if self._clock.monotonic() > deadline:
                raise TemporaryError(_not_ready(service, version, mine, limit_seconds))
            self._clock.sleep(_POLL_SECONDS)

    def wait_gone(self, service: str, version: str, limit_seconds: float = 60.0) -> None:
        """Return once no replica of a removed version is left; raises `TemporaryError`."""
        deadline = self._clock.monotonic() + limit_seconds
        while any((r.service, r.version) == (service, version) for r in self.state().replicas):
            if self._clock.monotonic() > deadline:
                raise TemporaryError(f"{service} {version} has not ended", fix="wait longer")
            self._clock.sleep(_POLL_SECONDS)

    def bring_up(
        self,
        workloads: Sequence[Workload],
        splits: Sequence[Split],
        ingress: Sequence[Ingress],
        limit_seconds: float = 60.0,
    ) -> None:
        """Start all, wait until all are ready, then send traffic. All or nothing.

        Where any of it fails, everything that this call started is stopped and the error is
        raised: the whole place if this client started it, else the versions that are new.
        """
        before = {(item.service, item.version) for item in self.state().workloads}
        try:
            self.apply_all(workloads)
            for workload in workloads:
                self.wait_ready(workload.service, workload.version, limit_seconds)
            for split in splits:
                self.route(split)
            self.expose(ingress)
        except TelfordError:
            self._bring_down(
                [w for w in workloads if (w.service, w.version) not in before],
                [s for s in splits if s.service not in {service for service, _ in before}],
            )
            raise

    def _bring_down(self, workloads: Sequence[Workload], splits: Sequence[Split]) -> None:
        """End what is new; `splits` are those of services that are wholly new."""
        if self.started_here:
            self.stop()
            return
        for split in splits:
            with contextlib.suppress(TelfordError):
                self.route(Split(split.service, split.generation, {}))
        for item in workloads:
            with contextlib.suppress(TelfordError):  # the first error is the one to tell
                self.remove(item.service, item.version, item.generation)

    def logs(self, service: str, version: str = "", replica: str = "", lines: int = 100) -> str:
        """The last lines of a service's logs, each file under its name; "envoy" and "supervisor"
        name the place's own. Empty where nothing was said.
        """
        if service in ("envoy", "supervisor"):
            files = [self._paths.logs / f"{service}.log"]
        else:
            desired.check_name("service", service)
            pattern = f"{version or '*'}/{replica or '*'}.log"
            files = sorted((self._paths.logs / service).glob(pattern))
        texts = [(file, _last_lines(file, lines)) for file in files]
        named = [
            f"==> {file.relative_to(self._paths.logs)}\n{text}" for file, text in texts if text
        ]
        return "\n".join(named)

    def _call(
        self, operation: str, limit_seconds: float = CALL_SECONDS, **arguments: object
    ) -> Any:
        path = self._paths.run / "supervisor.sock"
        line = protocol.request(operation, arguments)
        if len(line) > protocol.MAX_LINE_BYTES:
            raise RefusedError(f"a request of {len(line)} bytes is too long")
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(limit_seconds)
                with layout.short_path(path) as name:
                    connection.connect(name)
                connection.sendall(line)
                with connection.makefile("rb") as answers:
                    answer = answers.readline()
        except OSError as error:
            raise TemporaryError(
                f"no supervisor answers for the place {self._paths.root}",
                fix="start it: telford up",
            ) from error
        if not answer:
            raise TemporaryError("the supervisor went away before it answered", fix="ask again")
        return protocol.read_answer(answer)


def _spawn(root: pathlib.Path, chosen: settings.Settings) -> None:
    """Start a detached supervisor; returns when it answers, raises what kept it from it."""
    command = [sys.executable, "-P", "-m", "telford.backends.local.supervisor", "--detach"]
    command += ["--root", str(root.absolute()), "--settings", chosen.as_json()]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PermanentError(
            f"the supervisor did not start within {START_SECONDS:g} s",
            fix="see logs/supervisor.log of the place",
        ) from error
    if not done.stdout:
        raise PermanentError(
            f"the supervisor did not start: {done.stderr.decode(errors='replace')[-2000:]}"
        )
    protocol.read_answer(done.stdout)


def _admin_get(path: pathlib.Path, target: str) -> str:
    connection = http.client.HTTPConnection("admin", timeout=METRICS_SECONDS)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(METRICS_SECONDS)
            with layout.short_path(path) as name:
                sock.connect(name)
            connection.sock = sock
            connection.request("GET", target)
            answer = connection.getresponse()
            body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise TemporaryError(
            "Envoy's counters cannot be read", fix="see logs/envoy.log of the place"
        ) from error
    finally:
        connection.close()
    if answer.status != 200:
        raise TemporaryError(f"Envoy's admin said {answer.status}")
    return body.decode()


def _is_held(lock: pathlib.Path) -> bool:
    """Whether a supervisor lives: the kernel frees its lock at its end, however it ends."""
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _wanted_replicas(state: PlaceState, service: str, version: str) -> int:
    for item in state.workloads:
        if (item.service, item.version) == (service, version):
            return item.replicas
    raise RefusedError(
        f"{service} has no version {version} in this place", fix="apply it before waiting for it"
    )


def _not_ready(service: str, version: str, mine: Sequence[Any], limit_seconds: float) -> str:
    phases = "; ".join(
        f"replica {item.replica} is {item.phase}" + (f": {item.message}" if item.message else "")
        for item in mine
    )
    return f"{service} {version} is not ready after {limit_seconds:g} s: {phases or 'no replica'}"


def _last_lines(file: pathlib.Path, lines: int) -> str:
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(0, size - _MAX_LOG_TAIL_BYTES))
            text = opened.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "".join(text.splitlines(keepends=True)[-lines:])
