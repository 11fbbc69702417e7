"""What a supervisor can be asked: apply, remove, replace, route, expose, state. No decision is made here.

Each operation checks the fence, writes the new wish durably, then makes Envoy and the processes
follow; a wish that Envoy rejects is taken back. One lock orders everything that changes Envoy.
Used by `supervisor`, which carries requests in and answers out.
"""

import asyncio
import dataclasses
import os
import random
from collections.abc import Awaitable, Callable
from typing import Any

from telford.backends.local import (
    children,
    codec,
    dataplane,
    desired,
    diary,
    fleet,
    layout,
    ports,
    replica,
    work,
)
from telford.backends.local.settings import Settings
from telford.basics.errors import OutsideError, PermanentError, RefusedError, UsageError
from telford.estate.observation import Series
from telford.estate.workload import PlaceState, Workload

INGRESS = ""  # its key in the remembered ports


class Operations:
    """One place while its supervisor lives."""

    def __init__(
        self,
        paths: layout.Layout,
        settings: Settings,
        nursery: children.Children,
        envoy: str,
        chance: random.Random,
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._nursery = nursery
        self._ports = ports.Ports(chance)
        self._dataplane = dataplane.DataPlane(paths, settings, nursery, envoy)
        self._fleet = fleet.Fleet(
            self._host, self._dataplane, settings.drain_seconds, self._emptied, _report
        )
        self._ledger = work.Ledger()
        self._desired = desired.Desired()
        self._lock = asyncio.Lock()
        self._chores: set[asyncio.Task[None]] = set()
        self.table: dict[str, Callable[[dict[str, Any]], Awaitable[object]]] = {
            "hello": self._hello,
            "apply": self._apply,
            "remove": self._remove,
            "replace": self._replace,
            "route": self._route,
            "expose": self._expose,
            "state": self._state,
            "work": self._work,
        }

    async def start(self) -> None:
        """Bring back what was wanted before, with its addresses where they are still free."""
        before = desired.load(self._paths)
        self._desired = self._with_ports(_ports_checked(before, self._settings))
        desired.save(self._paths, self._desired)
        await self._dataplane.start(self._served())
        self._fleet.converge(self._desired)

    async def stop(self, *, forget: bool) -> None:
        """Close the ingress, let requests finish, end all processes.

        `forget` drops what was wanted, so that the next start begins empty; generations stay.
        """
        if forget:
            kept = dataclasses.replace(self._desired, workloads={}, splits={}, ingress=())
            try:
                desired.save(self._paths, kept)
            except OutsideError as error:  # ending matters more
                diary.say(error.message)
        for chore in self._chores:
            chore.cancel()
        if self._dataplane.pid:
            await _attempt(self._dataplane.close_ingress())
            await self._calm()
        await self._fleet.stop()
        await self._dataplane.stop()

    async def _calm(self) -> None:
        """Wait until nothing from outside is in flight, or the limit.

        Workers do not count: they always wait for an answer somewhere.
        """
        try:
            async with asyncio.timeout(self._settings.drain_seconds):
                while await self._dataplane.from_outside():
                    await asyncio.sleep(0.02)
        except (TimeoutError, OutsideError):
            return

    # ---- operations

    async def _hello(self, _: dict[str, Any]) -> object:
        return {
            "pid": os.getpid(),
            "envoy_pid": self._dataplane.pid,
            "envoy_restarts": self._dataplane.restarts,
            "settings": dataclasses.asdict(self._settings),
            "ingress_url": self._url(INGRESS),
            "addresses": {name: self._url(name) for name in self._desired.ports if name},
        }

    async def _apply(self, arguments: dict[str, Any]) -> object:
        workloads = [codec.workload(item) for item in arguments["workloads"]]
        async with self._lock:
            wanted = self._desired
            for workload in workloads:
                wanted = desired.with_workload(wanted, workload)
            await self._become(self._with_ports(wanted))
        return None

    async def _remove(self, arguments: dict[str, Any]) -> object:
        service, version = str(arguments["service"]), str(arguments["version"])
        async with self._lock:
            await self._become(
                desired.without_workload(
                    self._desired, service, version, int(arguments["generation"])
                )
            )
        return None

    async def _replace(self, arguments: dict[str, Any]) -> object:
        service, version = str(arguments["service"]), str(arguments["version"])
        generation = int(arguments["generation"])
        async with self._lock:
            await self._become(
                desired.with_replacement(self._desired, service, version, generation)
            )
            self._fleet.replace(
                (service, version), str(arguments["replica"]), str(arguments["incarnation"])
            )
        return None

    async def _route(self, arguments: dict[str, Any]) -> object:
        split = codec.split(arguments["split"])
        async with self._lock:
            wanted = desired.with_split(self._desired, split)
            if wanted is not self._desired:
                for version in desired.targets(split):
                    self._check_target(split.service, version)
            await self._become(wanted)
            await self._dataplane.confirm_split(split)
        return None

    async def _expose(self, arguments: dict[str, Any]) -> object:
        routes = [codec.ingress(item) for item in arguments["ingress"]]
        async with self._lock:
            await self._become(desired.with_ingress(self._desired, routes))
        return None

    async def _state(self, _: dict[str, Any]) -> object:
        return codec.plain_state(
            PlaceState(
                replicas=self._fleet.states(),
                workloads=tuple(self._desired.workloads.values()),
                splits=await self._dataplane.splits(),
                ingress_url=self._url(INGRESS),
            )
        )

    async def _work(self, _: dict[str, Any]) -> object:
        """What the workers did that answer now: service, version, replica and their counters."""
        asked = self._fleet.working()
        answered = await asyncio.gather(*(item.look() for item in asked))
        told = [_series(item) for item, yes in zip(asked, answered, strict=True) if yes]
        found = [(series, self._ledger.total(series)) for series in told]
        return [codec.plain_counters(series, counters) for series, counters in found if counters]

    # ---- making it so

    async def _become(self, wanted: desired.Desired) -> None:
        """Write the wish, then make Envoy and the processes follow; take it back on rejection."""
        before = self._desired
        if wanted != before:
            desired.save(self._paths, wanted)
            self._desired = wanted
        try:
            await self._dataplane.serve(self._served())
        except PermanentError:
            await self._take_back(before)
            raise
        self._fleet.converge(self._desired)

    async def _take_back(self, before: desired.Desired) -> None:
        """The wish before, but no generation forgotten."""
        self._desired = dataclasses.replace(
            before,
            workload_generations=self._desired.workload_generations,
            split_generations=self._desired.split_generations,
        )
        desired.save(self._paths, self._desired)
        await _attempt(self._dataplane.serve(self._served()))

    def _served(self) -> dataplane.Served:
        """What Envoy shall serve; versions that still drain keep their cluster."""
        wanted = {key for key, item in self._desired.workloads.items() if item.listens}
        draining = self._fleet.draining()
        return dataplane.Served(
            clusters=frozenset(wanted | draining),
            splits=self._desired.splits,
            ingress=self._desired.ingress,
            ports=self._desired.ports,
        )

    def _emptied(self, key: desired.Key) -> None:
        """The last replica of a removed version is gone: drop its cluster."""
        self._ledger.forget(*key)
        chore = asyncio.create_task(self._clear(key))
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)

    async def _clear(self, key: desired.Key) -> None:
        async with self._lock:
            await _attempt(self._dataplane.serve(self._served()))
            if key not in self._desired.workloads:
                self._dataplane.forget_endpoints(*key)

    def _check_target(self, service: str, version: str) -> None:
        workload = self._desired.workloads[service, version]
        if not workload.listens:
            raise RefusedError(f"{service} {version} is a worker: it takes no traffic")
        if self._fleet.ready(service, version):
            return
        said = [
            f"replica {item.replica} is {item.phase}"
            + (f": {item.message.splitlines()[0]}" if item.message else "")
            for item in self._fleet.states()
            if (item.service, item.version) == (service, version)
        ]
        raise RefusedError(
            f"{service} {version} has no ready replica ({'; '.join(said) or 'none is wanted'})",
            fix="wait until a replica is ready, then route again",
        )

    # ---- addresses

    def _with_ports(self, wanted: desired.Desired) -> desired.Desired:
        """Give the ingress and every service that is called a port of its own."""
        names = {INGRESS}
        for workload in wanted.workloads.values():
            names |= _addressed(workload)
        for name in sorted(names - set(wanted.ports)):
            fixed = self._settings.ingress_port if name == INGRESS else 0
            wanted = desired.with_port(wanted, name, fixed or self._ports.take())
        return wanted

    def _url(self, name: str) -> str:
        port = self._desired.ports.get(name)
        return f"http://127.0.0.1:{port}" if port else ""

    def _host(self, changed: Callable[[replica.Replica], None]) -> replica.Host:
        return replica.Host(
            paths=self._paths,
            settings=self._settings,
            children=self._nursery,
            ports=self._ports,
            address=self._address,
            changed=changed,
            worked=self._worked,
        )

    def _worked(self, item: replica.Replica, page: work.Page) -> None:
        self._ledger.add(_series(item), item.state().pid, page)

    def _address(self, service: str) -> str:
        url = self._url(service)
        if not url:
            raise UsageError(f"{{upstream:{service}}} names no service of this place")
        return url


def _series(item: replica.Replica) -> Series:
    return Series(item.workload.service, item.workload.version, item.name)


def _addressed(workload: Workload) -> set[str]:
    own = {workload.service} if workload.listens else set()
    named = replica.named_upstreams(workload)
    for name in named:
        desired.check_name("service", name)
    return own | named


def _ports_checked(before: desired.Desired, settings: Settings) -> desired.Desired:
    """Remembered ports that are still free; raises where the asked ingress port is taken."""
    asked = settings.ingress_port
    if asked and not ports.is_free(asked):
        raise PermanentError(
            f"port {asked} of 127.0.0.1, asked for the ingress, is taken",
            fix="end what listens there (ss -ltnp shows it), or choose another ingress port",
        )
    kept = {name: port for name, port in before.ports.items() if ports.is_free(port)}
    if asked:
        kept[INGRESS] = asked
    return dataclasses.replace(before, ports=kept)


async def _attempt(work: Awaitable[None]) -> None:
    """Do what is good to do but may fail while the outside does; the log keeps the reason."""
    try:
        await work
    except OutsideError as error:
        diary.say(error.message)


def _report(item: replica.Replica) -> None:
    who = f"{item.workload.service} {item.workload.version} replica {item.name}"
    diary.say(
        f"{who}: {item.phase}" + (f" ({item.message.splitlines()[0]})" if item.message else "")
    )
