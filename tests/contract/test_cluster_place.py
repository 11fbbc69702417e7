"""What only a cluster has: things that were there before, scalers, budgets, Git, faults, rivals."""

import contextlib
import copy
from collections.abc import Callable, Iterator

import cluster_objects
import pytest
import worlds
from cluster_objects import NAMESPACE, deployment, image, service_object, workload
from worlds import World, phases

from backends.kubernetes.api_server import Fault
from telford.backends.kubernetes.access import Access
from telford.backends.kubernetes.place import KubernetesPlace
from telford.backends.kubernetes.wire import Answer, Question, Wire
from telford.backends.kubernetes.writing import WritingServer
from telford.basics.errors import OutsideError, PermanentError, RefusedError, TemporaryError
from telford.estate.workload import Match, Split
from telford.road.traffic_ways import GATEWAY, ISTIO, LINKERD, RATIO

SHARE = {"1.0.0": 6700, "1.1.0": 3300}


@pytest.fixture
def world() -> Iterator[World]:
    with worlds.cluster(GATEWAY) as found:
        yield found


def objects(world: World, *kinds: str) -> dict[tuple[str, str], dict]:
    """Everything that was declared, without what every write changes."""
    assert world.server
    found = {}
    with world.server.lock:
        for item in world.server.store.objects.values():
            if item["kind"] in (kinds or KINDS):
                found[item["kind"], item["metadata"]["name"]] = copy.deepcopy(item)
    return found


KINDS = (
    "Deployment",
    "Service",
    "ServiceAccount",
    "HTTPRoute",
    "VirtualService",
    "DestinationRule",
)


def specs(world: World, *kinds: str) -> dict[tuple[str, str], dict]:
    return {key: item.get("spec") for key, item in objects(world, *kinds).items()}


def found_running(world: World, version: str = "1.0.0", replicas: int = 2, **spec) -> None:
    """Somebody else has put the service there, and it is ready."""
    assert world.server
    assert world.kubelet
    world.server.apply(deployment("orders", image("orders", version), replicas, **spec), "kubectl")
    world.server.apply(service_object("orders"), "kubectl")
    for _ in range(400):
        item = objects(world, "Deployment")["Deployment", "orders"]
        if (item.get("status") or {}).get("readyReplicas") == replicas:
            return
        world.place._ground.clock.sleep(0.02)
    raise AssertionError("it does not get ready")


def test_what_runs_already_is_adopted_without_a_restart(world: World):
    found_running(world)
    before = objects(world, "Deployment")["Deployment", "orders"]
    pods = set(objects(world, "Pod"))
    world.place.apply(workload("1.0.0"))
    after = objects(world, "Deployment")["Deployment", "orders"]
    assert after["spec"] == before["spec"]
    assert set(objects(world, "Pod")) == pods
    assert [one.version for one in world.place.state().workloads] == ["1.0.0"]


def test_another_version_than_runs_is_not_called_the_one_that_does(world: World):
    found_running(world, "0.9.0")
    with pytest.raises(RefusedError, match=r"runs .*orders:0\.9\.0 here"):
        world.place.apply(workload("1.0.0"))


def test_an_abort_leaves_every_object_as_it_was_before(world: World):
    found_running(world)
    world.place.apply(workload("1.0.0"))
    world.place.route(Split("orders", 1, {"1.0.0": 10_000}))
    before = specs(world)
    world.beside()
    world.place.route(Split("orders", 2, SHARE))
    assert specs(world) != before
    world.place.route(Split("orders", 3, {"1.0.0": 10_000}))
    world.place.remove("orders", "1.1.0", 3)
    assert specs(world) == before


@pytest.mark.parametrize("way", [GATEWAY, ISTIO, RATIO])
def test_a_promotion_leaves_what_a_build_of_the_new_version_would(way: str):
    with worlds.cluster(way) as world:
        world.start()
        before = specs(world)
        world.beside("1.1.0", 2, 2)
        world.place.route(Split("orders", 3, {"1.1.0": 10_000}))
        world.place.remove("orders", "1.0.0", 4)
        after = specs(world)
        home = after["Deployment", "orders"]["template"]["spec"]["containers"][0]
        assert home["image"] == image("orders", "1.1.0")
        assert after.keys() == before.keys()
        for key in before.keys() - {("Deployment", "orders")}:
            assert after[key] == before[key], key


def test_callers_that_no_router_sees_stay_with_the_version_that_is_at_home(world: World):
    world.start()
    world.beside()
    service = specs(world, "Service")["Service", "orders"]
    assert service["selector"]["telford.dev/track"] == "stable"


def test_a_route_that_others_changed_is_not_said_to_serve_the_split(world: World):
    world.start()
    world.beside()
    world.place.route(Split("orders", 2, SHARE))
    assert world.server
    route = objects(world, "HTTPRoute")["HTTPRoute", "shop"]
    route["spec"] = cluster_objects.route_object()["spec"]
    world.server.update(route, "argocd")
    assert worlds.weights(world.place.state()) == {"1.0.0": 10_000}
    world.place.route(Split("orders", 2, SHARE))
    assert worlds.weights(world.place.state()) == SHARE


def test_a_route_that_its_controller_refuses_is_no_split(world: World):
    world.start()
    world.beside()
    assert world.kubelet
    world.kubelet.accepts = False
    with pytest.raises(PermanentError, match="the listener allows no such route"):
        world.place.route(Split("orders", 2, SHARE))
    assert world.place.state().splits == ()


def scaler(least: int, most: int) -> dict:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"}
    spec = {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most}
    about = {"name": "orders", "namespace": NAMESPACE}
    kind = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
    return {**kind, "metadata": about, "spec": spec}


def test_a_scaler_keeps_its_replicas_and_a_guest_is_as_large_as_it_made_the_home(world: World):
    found_running(world, replicas=4)
    assert world.server
    world.server.apply(scaler(2, 5), "kubectl")
    world.place.apply(workload("1.0.0", 1, 2))
    world.place.apply(workload("1.0.0", 2, 3))
    assert specs(world)["Deployment", "orders"]["replicas"] == 4
    world.place.apply(workload("1.1.0", 3, 3))
    guest = specs(world)["Deployment", "orders-1-1-0"]
    assert guest["replicas"] == 4, "3 of 3 becomes 4 of 4"
    assert not any(kind == "HorizontalPodAutoscaler" for kind, _ in specs(world) if "1-1-0" in _)


def test_no_share_is_given_before_there_are_replicas_for_it(world: World):
    world.start()
    world.place.apply(workload("1.1.0-slow", 2, 2))
    half = Split("orders", 3, {"1.0.0": 5000, "1.1.0-slow": 5000})
    with pytest.raises(TemporaryError, match="0 of the 1 replicas that 50%"):
        world.place.route(half)
    assert worlds.weights(world.place.state()) == {"1.0.0": 10_000}
    world.ready("1.1.0-slow", 2)
    world.place.route(half)


def test_what_git_owns_comes_home_by_a_commit(world: World):
    assert world.server
    item = deployment("orders", image("orders", "1.0.0"))
    world.server.apply(item, "argocd-controller")
    world.server.apply(service_object("orders"), "argocd-controller")
    world.place.apply(workload("1.0.0"))
    world.ready("1.0.0", 2)
    world.place.route(Split("orders", 1, {"1.0.0": 10_000}))
    world.beside("1.1.0", 2, 2)
    world.place.route(Split("orders", 3, {"1.1.0": 10_000}))
    with pytest.raises(TemporaryError, match="what Argo CD says"):
        world.place.remove("orders", "1.0.0", 4)
    assert worlds.weights(world.place.state()) == {"1.1.0": 10_000}


def test_fields_that_others_took_of_a_guest_are_theirs_and_named(world: World):
    world.start()
    world.beside()
    assert world.server
    item = objects(world, "Deployment")["Deployment", "orders-1-1-0"]
    item["spec"]["replicas"] = 5
    world.server.update(item, "kubectl-scale")
    with pytest.raises(PermanentError, match=r"kubectl-scale has \.spec\.replicas"):
        world.place.apply(workload("1.1.0", 3, 2))


def test_what_keeps_pods_from_being_is_said_in_words(world: World):
    world.start()
    assert world.kubelet
    world.kubelet.quota = 2
    world.place.apply(workload("1.1.0", 2, 1))
    state = world.until(lambda now: bool(phases(now, "1.1.0")))
    (missing,) = [one for one in state.replicas if one.version == "1.1.0"]
    assert (missing.phase, "exceeded quota" in missing.message) == ("starting", True)
    world.kubelet.quota = 100
    world.place.apply(workload("1.2.0-missing", 3, 1, progressDeadlineSeconds=1))
    state = world.until(lambda now: phases(now, "1.2.0-missing") == ["failed"])
    (failed,) = [one for one in state.replicas if one.version == "1.2.0-missing"]
    assert "made no progress for 1 s" in failed.message
    assert "image cannot be pulled" in failed.message


def test_a_budget_is_asked_before_a_pod_goes(world: World):
    world.start()
    assert world.server
    about = {"name": "orders", "namespace": NAMESPACE}
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": cluster_objects.identity("orders")}}
    kind = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"}
    made = world.server.apply({**kind, "metadata": about, "spec": spec})
    world.server.update({**made, "status": {"disruptionsAllowed": 0}}, "controller", "status")
    one = world.place.state().replicas[0]
    with pytest.raises(TemporaryError, match="disruption budget"):
        world.place.replace("orders", "1.0.0", one.replica, one.incarnation, 2)
    assert one in world.place.state().replicas


def test_replica_counts_that_cannot_give_a_share_are_refused_with_what_they_give():
    with worlds.cluster(RATIO) as world:
        world.start()
        world.beside()
        with pytest.raises(RefusedError, match=r"get 33% of the requests and not 1\.0%"):
            world.place.route(Split("orders", 2, {"1.0.0": 9900, "1.1.0": 100}))


def test_linkerd_divides_by_a_route_of_its_own_that_goes_with_the_release():
    with worlds.cluster(GATEWAY) as world:
        assert world.server
        world.server.store.objects.pop(
            ("gateway.networking.k8s.io", "httproutes", NAMESPACE, "shop")
        )
        server = WritingServer(Access("tests", world.server.url, NAMESPACE), worlds.QUICK)
        place = KubernetesPlace(server, NAMESPACE, {"orders": LINKERD}, waits=worlds.WAITS)
        world.client = lambda: place
        world.start()
        world.beside()
        place.route(Split("orders", 2, SHARE))
        assert ("HTTPRoute", "orders-release") in specs(world)
        with pytest.raises(RefusedError, match="Gateway API and Istio could"):
            place.route(Split("orders", 3, {"1.0.0": 10_000}, mirror={"1.1.0": 10_000}))
        place.route(Split("orders", 3, {"1.0.0": 10_000}))
        place.remove("orders", "1.1.0", 3)
        assert ("HTTPRoute", "orders-release") not in specs(world)
        server.close()


def test_a_match_on_gateway_api_comes_before_the_rule_it_was_made_of(world: World):
    world.start()
    world.beside()
    matches = (Match("1.1.0", "on", cookie="preview"),)
    world.place.route(Split("orders", 2, {"1.0.0": 10_000}, matches=matches))
    rules = specs(world)["HTTPRoute", "shop"]["rules"]
    header = rules[1]["matches"][0]["headers"][0]
    assert header["name"] == "cookie"
    assert rules[1]["backendRefs"][0]["name"] == "orders-1-1-0"
    assert rules[1]["timeouts"] == {"request": "2s"}
    assert "headers" not in rules[2]["matches"][0]


FAULTS = (
    lambda: Fault("/namespaces/", 429, 6, {"Retry-After": "0"}),
    lambda: Fault("/namespaces/", 500, 6),
    lambda: Fault("(deployments|httproutes|services)/", 409, 2, reason="Conflict"),
    lambda: Fault("watch=true", 500, 3),
    lambda: Fault("deployments", 0, 1, delay_seconds=2.2),
)


@pytest.mark.parametrize("turn", [0, 2, 4])
def test_a_release_goes_through_whatever_the_server_does(world: World, turn: int):
    """Another fault at each step: busy, failing, conflicts, dropped watches, silence."""
    world.start()
    assert world.server
    for number, step in enumerate(_release()):
        world.server.faults.append(FAULTS[(turn + number) % len(FAULTS)]())
        _insist(lambda step=step: step(world.place))
        world.server.faults.clear()
        if step is _begin:
            world.ready("1.1.0", 2)
    state = world.gone("1.0.0")
    assert worlds.weights(state) == {"1.1.0": 10_000}


def _begin(place: KubernetesPlace) -> None:
    place.apply(workload("1.1.0", 2, 2))


def _release() -> list[Callable[[KubernetesPlace], None]]:
    return [
        _begin,
        lambda place: place.route(Split("orders", 3, SHARE)),
        lambda place: place.route(Split("orders", 4, {"1.1.0": 10_000})),
        lambda place: place.remove("orders", "1.0.0", 5),
    ]


def _insist(act: Callable[[], None]) -> None:
    """As orders are: what fails for now is asked again."""
    for _ in range(20):
        try:
            act()
        except TemporaryError:
            continue
        return
    raise AssertionError("it never went through")


# --- rivals and kills ------------------------------------------------------------------------------


class Killed(Exception):  # noqa: N818 - it is no error of the place
    """The process is gone."""


class Stopped(Wire):
    """At its n-th write a process stops: something else happens, then it goes on, or is dead."""

    at = 0
    writes = 0
    then: Callable[[], None]

    def ask(self, question: Question) -> Answer:
        if question.method != "GET":
            self.writes += 1
            if self.writes == self.at:
                self.then()
        return super().ask(question)


@contextlib.contextmanager
def stopping(
    world: World, at: int, then: Callable[[], None]
) -> Iterator[tuple[KubernetesPlace, Stopped]]:
    """A second holder of the place that stops at its n-th write."""
    assert world.server
    access = Access("tests", world.server.url, NAMESPACE)
    server = WritingServer(access, worlds.QUICK)
    server._wire.close()
    wire = Stopped(access, worlds.QUICK)
    wire.at, wire.then = at, then
    server._wire = wire
    way = world.kind
    try:
        yield KubernetesPlace(server, NAMESPACE, {"orders": way}, waits=worlds.WAITS), wire
    finally:
        server.close()


def _stand(world: World) -> object:
    """What a place serves, said without what tells one write from another."""
    return specs(world, "Deployment", "Service", "HTTPRoute"), world.place.state().workloads


def _until_it_ends(scene: Callable[[int], bool]) -> None:
    """Stop at the first write, the second, and so on, until an act has no more of them."""
    at = 1
    while scene(at):
        at += 1
    assert at > 3, "an act is several writes"


def test_who_was_overtaken_while_it_started_a_version_changes_nothing(world: World):
    world.start()
    number = iter(range(2, 1000, 2))

    def scene(at: int) -> bool:
        generation = next(number)
        stands: list[object] = []

        def overtake() -> None:
            world.place.remove("orders", "1.1.0", generation + 1)
            stands.append(_stand(world))

        with stopping(world, at, overtake) as (old, _):
            with contextlib.suppress(RefusedError, OutsideError):
                old.apply(workload("1.1.0", generation, 1))
            if stands:
                assert _stand(world) == stands[0], f"stopped before write {at}"
            else:
                world.place.remove("orders", "1.1.0", generation + 1)
            return bool(stands)

    _until_it_ends(scene)
    assert ("Deployment", "orders-1-1-0") not in specs(world)


def test_who_was_overtaken_while_it_divided_requests_changes_nothing(world: World):
    world.start()
    world.beside()
    number = iter(range(3, 1000, 2))

    def scene(at: int) -> bool:
        generation = next(number)
        stands: list[object] = []

        def overtake() -> None:
            world.place.route(Split("orders", generation + 1, {"1.0.0": 10_000}))
            stands.append(_stand(world))

        with stopping(world, at, overtake) as (old, _):
            with contextlib.suppress(RefusedError, OutsideError):
                old.route(Split("orders", generation, SHARE))
            if stands:
                assert _stand(world) == stands[0], f"stopped before write {at}"
            return bool(stands)

    _until_it_ends(scene)


def test_whoever_is_killed_anywhere_leaves_nothing_that_the_next_cannot_end(world: World):
    """A whole release, killed before each of its writes; the next holder asks for the same again."""
    world.start()
    number = 2
    old, new = "1.0.0", "1.1.0"
    for kill in (1, 2):
        acts = (
            lambda place, n=number, v=new: place.apply(workload(v, n, 2)),
            lambda place, n=number, v=new: place.route(Split("orders", n + 1, {v: 10_000})),
            lambda place, n=number, v=old: place.remove("orders", v, n + 2),
        )
        for act in acts:
            for at in (kill, kill + 2, kill + 4):
                dead = contextlib.suppress(Killed, TemporaryError)
                with stopping(world, at, _die) as (victim, _), dead:
                    act(victim)
            _insist(lambda act=act: act(world.place))
            if act is acts[0]:
                world.ready(new, 2)
        state = world.gone(old)
        assert worlds.weights(state) == {new: 10_000}
        assert sorted(n for k, n in specs(world, "Deployment")) == ["orders"]
        assert sorted(n for k, n in specs(world, "Service")) == ["basket", "orders"]
        old, new, number = new, f"1.{kill + 1}.0", number + 3


def test_a_replacement_that_was_cut_short_anywhere_leaves_one_replica(world: World):
    """The second replica that stood in for the only one goes, whoever took it away."""
    world.start("1.0.0", 1)
    number = iter(range(2, 1000))
    gone = ""

    def scene(at: int) -> bool:
        nonlocal gone
        (only,) = world.place.state().replicas
        generation, gone = next(number), only.incarnation
        words = ("orders", "1.0.0", only.replica, gone, generation)
        with stopping(world, at, _die) as (victim, wire), contextlib.suppress(Killed):
            victim.replace(*words)
        _insist(lambda: world.place.replace(*words))
        world.until(
            lambda state: (
                phases(state, "1.0.0") == ["ready"] and state.replicas[0].incarnation != gone
            )
        )
        return wire.writes >= at

    _until_it_ends(scene)


def _die() -> None:
    raise Killed
