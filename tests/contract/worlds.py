"""A place with what a contract's test needs to drive it: the same for a machine and for a cluster."""

import contextlib
import dataclasses
import os
import pathlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping

import cluster_objects
import pytest
from kubelet import Kubelet
from kubelet_hands import Direct, Hands, OverHttp

from backends.kubernetes.api_server import ApiServer
from backends.local import local_samples
from telford.backends.kubernetes import kubeconfig
from telford.backends.kubernetes.access import Access
from telford.backends.kubernetes.place import KubernetesPlace, Waits
from telford.backends.kubernetes.wire import Limits
from telford.backends.kubernetes.writing import WritingServer
from telford.backends.local.place import LocalPlace
from telford.basics.errors import TelfordError
from telford.estate.workload import PlaceState, Split, Workload
from telford.ports.objects import Observed, Resource
from telford.road.traffic_ways import GATEWAY, ISTIO, RATIO

QUICK = Limits(answer_seconds=2.0, connect_seconds=2.0, call_seconds=8.0, longest_wait_seconds=0.05)
WAITS = Waits(confirm=20.0, move=40.0, surge=40.0)
LIMIT = 60.0
NAMES = Resource("", "v1", "Namespace", "namespaces", namespaced=False)


@dataclasses.dataclass
class World:
    """`client` gives a new holder of the same place, as another process would have."""

    kind: str
    client: Callable[[], LocalPlace | KubernetesPlace]
    workload: Callable[..., Workload]
    able: frozenset[str]
    server: ApiServer | None = None
    kubelet: Kubelet | None = None
    writing: WritingServer | None = None

    @property
    def place(self) -> LocalPlace | KubernetesPlace:
        return self.client()

    def until(self, seen: Callable[[PlaceState], bool]) -> PlaceState:
        """The first state that is so. Fails at the limit, with the last one."""
        end = time.monotonic() + LIMIT
        while True:
            before = self._version()
            state = self.place.state()
            if seen(state):
                return state
            assert time.monotonic() < end, state
            self._rest(before)

    def _version(self) -> int:
        if self.server is None:
            return 0
        with self.server.lock:
            return self.server.store.version

    def _rest(self, before: int) -> None:
        """Until something was written since then; a while where nobody can know without asking."""
        if self.server is None:
            time.sleep(0.02)
            return
        with self.server.changed:
            self.server.changed.wait_for(lambda: self.server.store.version != before, 1.0)

    def ready(self, version: str, replicas: int, service: str = "orders") -> PlaceState:
        """Once exactly so many replicas of a version are ready."""
        return self.until(lambda state: phases(state, version, service) == ["ready"] * replicas)

    def gone(self, version: str) -> PlaceState:
        """Once nothing of a version runs."""
        return self.until(lambda state: not set(phases(state, version)) - {"stopped"})

    def start(self, version: str = "1.0.0", replicas: int = 2) -> None:
        """The first version, with all requests."""
        self.place.apply(self.workload(version, 1, replicas))
        self.ready(version, replicas)
        self.place.route(Split("orders", 1, {version: 10_000}))

    def beside(self, version: str = "1.1.0", generation: int = 2, replicas: int = 1) -> None:
        """Another version beside the first, without requests."""
        self.place.apply(self.workload(version, generation, replicas))
        self.ready(version, replicas)


def phases(state: PlaceState, version: str, service: str = "orders") -> list[str]:
    return [r.phase for r in state.replicas if (r.service, r.version) == (service, version)]


def weights(state: PlaceState, service: str = "orders") -> Mapping[str, int]:
    return next((dict(one.weights) for one in state.splits if one.service == service), {})


def local_workload(version: str, generation: int = 1, replicas: int = 2) -> Workload:
    arguments = ("--ready-after", "999") if "broken" in version else ()
    made = local_samples.stub(version, generation, *arguments, replicas=replicas)
    if "broken" not in version:
        return made
    return dataclasses.replace(made, probe=dataclasses.replace(made.probe, deadline_seconds=0.5))


@contextlib.contextmanager
def local(folder: pathlib.Path) -> Iterator[World]:
    place = LocalPlace.start(folder / "place", local_samples.QUICK)
    able = frozenset({"weights", "matches", "mirror", "sticky"})
    try:
        yield World("local", lambda: LocalPlace.connect(folder / "place"), local_workload, able)
    finally:
        place.stop(20)


ABLE = {
    GATEWAY: frozenset({"weights", "matches", "mirror"}),
    ISTIO: frozenset({"weights", "matches", "mirror", "sticky"}),
    RATIO: frozenset({"weights"}),
}


def cluster_workload(version: str, generation: int = 1, replicas: int = 2) -> Workload:
    spec = {"progressDeadlineSeconds": 1} if "broken" in version else {}
    return cluster_objects.workload(version, generation, replicas, **spec)


@contextlib.contextmanager
def cluster(way: str) -> Iterator[World]:
    """A namespace of the API server in this process, kept alive by the stand-in kubelet."""
    with ApiServer(kinds=cluster_objects.ALL_KINDS) as server:
        for item in _around(way):
            server.apply(item, "kubectl")
        namespace = cluster_objects.NAMESPACE
        access = Access("tests", server.url, namespace)
        with _holding(access, way, namespace, Direct(server, namespace)) as world:
            world.server = server
            yield world


@contextlib.contextmanager
def real_cluster(way: str) -> Iterator[World]:
    """A namespace of its own in the cluster that KUBECONFIG names, removed at the end.

    TELFORD_TEST_KUBELET=1 runs the stand-in kubelet there: for an API server without nodes.
    """
    home = pathlib.Path(os.environ.get("HOME", "/"))
    alone = os.environ.get("TELFORD_TEST_KUBELET", "") == "1"
    if not alone and not os.environ.get("TELFORD_TEST_IMAGE"):
        pytest.skip(
            "say how pods come up: TELFORD_TEST_KUBELET=1 for a stand-in, or TELFORD_TEST_IMAGE for"
            " an image that stays up on the cluster's nodes"
        )
    namespace = f"telford-test-{uuid.uuid4().hex[:8]}"
    try:
        access = kubeconfig.access(os.environ.get("TELFORD_TEST_CONTEXT", ""), os.environ, home)
        writing = WritingServer(access)
        made = writing.create(NAMES, {"metadata": {"name": namespace}})
    except TelfordError as error:
        pytest.skip(f"no cluster: {error.message}; {error.fix}")
    assert made.done, made.why
    try:
        hands = OverHttp(access, namespace) if alone else None
        with _holding(access, way, namespace, hands) as world:
            for item in _around(way):
                about = {**item["metadata"], "namespace": namespace}
                resource = writing.served().find(item["apiVersion"], item["kind"])
                assert resource, f"the cluster serves no {item['kind']}"
                assert writing.apply(resource, {**item, "metadata": about}).done
            yield world
    finally:
        writing.delete(NAMES, "", namespace, Observed())
        writing.close()


def _around(way: str) -> list[dict]:
    """What others have put there before a release."""
    return {
        GATEWAY: [cluster_objects.route_object(), cluster_objects.service_object("basket")],
        ISTIO: [cluster_objects.virtual_service(), cluster_objects.destination_rule()],
        RATIO: [],
    }[way]


@contextlib.contextmanager
def _holding(access: Access, way: str, namespace: str, hands: Hands | None) -> Iterator[World]:
    opened: list[WritingServer] = []

    def client() -> KubernetesPlace:
        opened.append(WritingServer(access, QUICK))
        return KubernetesPlace(opened[-1], namespace, {"orders": way}, waits=WAITS)

    writing = WritingServer(access, QUICK)
    opened.append(writing)
    stand_in = Kubelet(hands, namespace, routes=way == GATEWAY) if hands else None
    with contextlib.ExitStack() as held:
        if stand_in:
            held.enter_context(stand_in)
        held.callback(lambda: [one.close() for one in opened])
        first = client()
        yield World(
            way,
            lambda: first,
            cluster_workload,
            ABLE[way],
            kubelet=stand_in,
            writing=writing,
        )
