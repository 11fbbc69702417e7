"""All replicas of a place, brought level with what is desired.

`converge` starts what is missing and retires what is too much: what is not ready first, then the
newest. A version whose command or environment changed is replaced one replica after the other: where
it answers requests the old one leaves when the new one is ready; of a worker never two run under one
name, so the old one ends first. Endpoints follow every change of phase at once. Used by `operations`.
"""

import asyncio
import dataclasses
import itertools
from collections.abc import Callable, Coroutine, Iterator

from telford.backends.local import diary
from telford.backends.local import replica as replicas
from telford.backends.local.dataplane import DataPlane
from telford.backends.local.desired import Desired, Key
from telford.backends.local.envoy_config import Endpoint
from telford.basics.errors import OutsideError
from telford.estate.workload import ReplicaState, Workload

# Between two looks at the requests in flight; two looks in a row must find none, for Envoy's
# threads hear of a change a moment after its admin shows it.
_DRAIN_LOOK_SECONDS = 0.02
_CALM_LOOKS = 3

# Endpoints that could not be written are written again after this long.
_REWRITE_SECONDS = 1.0

MakeHost = Callable[[Callable[[replicas.Replica], None]], replicas.Host]
Report = Callable[[replicas.Replica], None]


@dataclasses.dataclass(slots=True)
class Group:
    """One version's replicas: the present ones by name, and those on their way out."""

    workload: Workload
    present: dict[str, replicas.Replica] = dataclasses.field(default_factory=dict)
    outgoing: dict[str, replicas.Replica] = dataclasses.field(default_factory=dict)
    leaving: list[replicas.Replica] = dataclasses.field(default_factory=list)

    def all(self) -> Iterator[replicas.Replica]:
        """Every replica that still has a process or may get one."""
        yield from self.present.values()
        yield from self.outgoing.values()
        yield from self.leaving


class Fleet:
    """See the module. `emptied` is called when the last replica of a removed version is gone."""

    def __init__(
        self,
        make_host: MakeHost,
        dataplane: DataPlane,
        drain_seconds: float,
        emptied: Callable[[Key], None],
        report: Report,
    ) -> None:
        self._host = make_host(self._changed)
        self._dataplane = dataplane
        self._drain_seconds = drain_seconds
        self._emptied = emptied
        self._report = report
        self._groups: dict[Key, Group] = {}
        self._wanted: frozenset[Key] = frozenset()
        self._tasks: set[asyncio.Task[None]] = set()

    def draining(self) -> frozenset[Key]:
        """Versions that are not wanted any more but still have a process behind the data plane."""
        unwanted = self._groups.keys() - self._wanted
        return frozenset(key for key in unwanted if self._groups[key].workload.listens)

    def ready(self, service: str, version: str) -> int:
        """How many replicas of a version may get traffic."""
        group = self._groups.get((service, version))
        return sum(item.serves and not item.draining for item in group.all()) if group else 0

    def working(self) -> tuple[replicas.Replica, ...]:
        """The workers that can be asked what they did."""
        groups = self._groups.values()
        return tuple(item for group in groups for item in group.all() if item.tells)

    def states(self) -> tuple[ReplicaState, ...]:
        """All replicas as the outside sees them, in a stable order."""
        found = [item.state() for group in self._groups.values() for item in group.all()]
        return tuple(sorted(found, key=lambda s: (s.service, s.version, s.replica, s.phase)))

    def converge(self, desired: Desired) -> None:
        """Start and retire replicas until they are as desired; returns at once."""
        self._wanted = frozenset(desired.workloads)
        for key, workload in desired.workloads.items():
            self._adopt(self._groups.setdefault(key, Group(workload)), workload)
        for key, group in list(self._groups.items()):
            if key not in self._wanted:
                self._dismiss(group)
                self._sweep(group)

    def replace(self, key: Key, name: str, incarnation: str) -> None:
        """Start one replica anew; the old one serves until the new one is ready.

        Nothing is done where its process is not `incarnation` (a pid): it was replaced already.
        """
        group = self._groups.get(key)
        old = group.present.get(name) if group else None
        if group is None or old is None or str(old.state().pid) != incarnation:
            return
        self._succeed(group, old)

    async def stop(self) -> None:
        """Retire everything and wait for its end."""
        for group in self._groups.values():
            self._dismiss(group)
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _dismiss(self, group: Group) -> None:
        for item in [*group.present.values(), *group.outgoing.values()]:
            self._retire(group, item)
        group.present.clear()
        group.outgoing.clear()

    def _adopt(self, group: Group, workload: Workload) -> None:
        group.workload = workload
        for item in _surplus(group):
            del group.present[item.name]
            self._retire(group, item)
            if item.name in group.outgoing:
                self._retire(group, group.outgoing.pop(item.name))
        free = (name for name in map(str, itertools.count()) if name not in group.present)
        while len(group.present) < workload.replicas:
            name = next(free)
            group.present[name] = replicas.Replica(self._host, workload, name)
        for item in list(group.present.values()):
            if not _outdated(item, workload):
                item.workload = workload
            if item.phase == replicas.FAILED:  # applying again is trying again
                self._succeed(group, item)
        self._renew(group)

    def _renew(self, group: Group) -> None:
        """Replace what runs another command: at once what is not ready, else one at a time."""
        old = [item for item in group.present.values() if _outdated(item, group.workload)]
        for item in old:
            if item.phase != replicas.READY:
                self._succeed(group, item)
        running = [item for item in old if item.phase == replicas.READY]
        coming = [item for item in group.present.values() if item.phase != replicas.READY]
        if running and not coming:
            self._succeed(group, min(running, key=lambda item: item.began))

    def _succeed(self, group: Group, old: replicas.Replica) -> None:
        """Start one in its place; it serves until then, if it serves at all."""
        listens = group.workload.listens
        group.present[old.name] = replicas.Replica(
            self._host, group.workload, old.name, after=None if listens else old.gone
        )
        if old.serves and old.name not in group.outgoing:
            group.outgoing[old.name] = old
        else:
            self._retire(group, old)

    def _retire(self, group: Group, item: replicas.Replica) -> None:
        group.leaving.append(item)
        self._do(item.retire(self._drain))

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _changed(self, item: replicas.Replica) -> None:
        key = (item.workload.service, item.workload.version)
        self._report(item)
        group = self._groups.get(key)
        if group is None:
            return
        predecessor = group.outgoing.get(item.name)
        if item.phase == replicas.READY and predecessor and item is not predecessor:
            self._retire(group, group.outgoing.pop(item.name))
        if item.phase == replicas.STOPPED and item in group.leaving:
            group.leaving.remove(item)
        if group.workload.listens:
            self._place(key, group)
        if item.phase == replicas.READY and key in self._wanted:
            self._renew(group)
        self._sweep(group)

    def _place(self, key: Key, group: Group) -> None:
        endpoints = [Endpoint(r.name, r.port, r.draining) for r in group.all() if r.serves]
        try:
            self._dataplane.place_endpoints(*key, endpoints)
        except OutsideError as error:  # a full disk; nobody would ask again
            diary.say(error.message)
            loop = asyncio.get_running_loop()
            loop.call_later(_REWRITE_SECONDS, self._place_again, key, group)

    def _place_again(self, key: Key, group: Group) -> None:
        if self._groups.get(key) is group:
            self._place(key, group)

    def _sweep(self, group: Group) -> None:
        key = (group.workload.service, group.workload.version)
        if key in self._groups and key not in self._wanted and not any(group.all()):
            del self._groups[key]
            self._emptied(key)

    async def _drain(self, item: replicas.Replica) -> None:
        """Wait until Envoy has no request in flight to a draining replica, or the limit."""
        calm = 0
        try:
            async with asyncio.timeout(self._drain_seconds):
                while calm < _CALM_LOOKS:
                    await asyncio.sleep(_DRAIN_LOOK_SECONDS)
                    draining, active = (await self._dataplane.in_flight()).get(item.port, (True, 0))
                    calm = calm + 1 if draining and not active else 0
        except (TimeoutError, OutsideError):
            return


def _surplus(group: Group) -> list[replicas.Replica]:
    """Those to go: first what gets no requests, then the newest."""

    def worth(item: replicas.Replica) -> tuple[bool, float]:
        return item.phase != replicas.READY and item.name not in group.outgoing, item.began

    return sorted(group.present.values(), key=worth)[group.workload.replicas :]


def _outdated(item: replicas.Replica, workload: Workload) -> bool:
    return _program(item.workload) != _program(workload)


def _program(workload: Workload) -> Workload:
    """A workload without what may change while its processes stay."""
    return dataclasses.replace(workload, generation=0, replicas=0)
