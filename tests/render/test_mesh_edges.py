"""Network policies and both meshes speak of the very same edges: those that the estate declares.

Estates are drawn at random: services and stores with several ports and namespaces, endpoints that
translate ports, dependencies that are declared, confirmed, or only guessed, and ways in.
"""

from dataclasses import dataclass, field

import mesh_evaluation
import rendered
from hypothesis import given, settings
from hypothesis import strategies as st

from telford.estate import loading, overlays, place
from telford.estate.model import Binding

_PORTS = ((8080,), (8080, 9090), (5000,))


@dataclass
class Thing:
    """A workload of a drawn estate. `uses` are (server, dialled port or None, how sure)."""

    name: str
    store: bool
    namespace: str
    ports: tuple[int, ...]
    translated: bool
    route: bool
    exposed: bool
    uses: list[tuple[int, int | None, str]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{'datastore' if self.store else 'service'}/shop.{self.name}"

    def dialled(self, port: int) -> int:
        """The port of the process behind a port that clients dial."""
        return port - 1000 if self.translated else port


@st.composite
def _things(draw) -> list[Thing]:
    count = draw(st.integers(1, 5))
    things = []
    for number in range(count):
        store = draw(st.booleans())
        things.append(
            Thing(
                name=f"t{number}",
                store=store,
                namespace=draw(st.sampled_from(["", "", "other"])),
                ports=draw(st.sampled_from(_PORTS)),
                translated=not store and draw(st.booleans()),
                route=not store and draw(st.booleans()),
                exposed=not store and draw(st.sampled_from([False, False, True])),
            )
        )
    for client in things:
        for number, server in enumerate(things):
            sure = draw(st.sampled_from(["", "", "declared", "confirmed", "guessed"]))
            if not sure or server is client:
                continue
            shown = [port + 1000 if server.translated else port for port in server.ports]
            port = draw(st.sampled_from([None, *shown]))
            client.uses.append((number, port, sure))
    return things


def _text(things: list[Thing]) -> str:
    return "".join(_document(thing, things) for thing in things)


def _document(thing: Thing, things: list[Thing]) -> str:
    ports = ", ".join(f"{{name: p{port}, port: {port}}}" for port in thing.ports)
    fields = f"run: {{image: 'x:1', ports: [{ports}]}}\n"
    if thing.namespace:
        fields += f"namespace: {thing.namespace}\n"
    if thing.store:
        fields += "engine: postgres\n"
    if thing.translated or thing.exposed:
        shown = ", ".join(
            f"{{name: p{port}, port: {port + 1000 if thing.translated else port}, target: p{port}}}"
            for port in thing.ports
        )
        kind = "LoadBalancer" if thing.exposed else "ClusterIP"
        fields += f"endpoints: [{{name: {thing.name}, type: {kind}, ports: [{shown}]}}]\n"
    if thing.route:
        fields += f"routes: [{{host: {thing.name}.example.com}}]\n"
    uses = []
    for number, port, sure in thing.uses:
        server = things[number]
        said = f"{'datastore' if server.store else 'service'}: {server.name}, critical: false"
        said += f", port: {port}" if port else ""
        if sure != "declared":
            confirmed = str(sure == "confirmed").lower()
            said += f", inferred: {{from: a guess, confirmed: {confirmed}}}"
        uses.append(f"{{{said}}}")
    fields += f"uses: [{', '.join(uses)}]\n" if uses else ""
    return rendered.service(thing.name, fields, kind="Datastore" if thing.store else "Service")


def _bound(things: list[Thing]) -> Binding:
    loaded = loading.load({"estate.yaml": rendered.PLACES + _text(things)})
    assert loaded.diagnostics == ()
    return overlays.bind(loaded.estate, place.parse("prod"))


Pairs = set[tuple[str, str, int]]


def _declared(things: list[Thing]) -> Pairs:
    """(client, server, port of the process) of what is declared or confirmed."""
    found = set()
    for client in things:
        for number, port, sure in client.uses:
            server = things[number]
            reached = server.ports if port is None else (server.dialled(port),)
            if sure != "guessed":
                found |= {(client.address, server.address, one) for one in reached}
    return found


def _guessed_into(things: list[Thing]) -> set[str]:
    return {
        things[number].address
        for one in things
        for number, _, sure in one.uses
        if sure == "guessed"
    }


def _guessed_out_of(things: list[Thing]) -> set[str]:
    return {one.address for one in things if any(sure == "guessed" for _, _, sure in one.uses)}


def _pairs(made: list[mesh_evaluation.Object], lets) -> Pairs:
    found = mesh_evaluation.pods(made)
    return {
        (client.address, server.address, port)
        for client in found
        for server in found
        if client is not server
        for port in server.ports
        if lets(made, client, server, port)
    }


def _everybody(things: list[Thing]) -> Pairs:
    """What the declared, the unknown and the exposed let in together."""
    open_to_all = _guessed_into(things) | {one.address for one in things if one.exposed}
    every = {
        (client.address, server.address, port)
        for client in things
        for server in things
        if client is not server and server.address in open_to_all
        for port in server.ports
    }
    return _declared(things) | every


@settings(max_examples=120, deadline=None)
@given(_things())
def test_three_systems_let_in_exactly_whom_the_estate_declares(things: list[Thing]):
    binding = _bound(things)
    istio = mesh_evaluation.objects(binding, "istio")
    linkerd = mesh_evaluation.objects(binding, "linkerd")
    expected = _everybody(things)
    assert _pairs(istio, mesh_evaluation.network_into) == expected
    assert _pairs(istio, mesh_evaluation.istio_into) == expected
    assert _pairs(linkerd, mesh_evaluation.network_into) == expected
    assert _pairs(linkerd, mesh_evaluation.linkerd_into) == expected


@settings(max_examples=30, deadline=None)
@given(_things())
def test_what_leaves_a_workload_is_what_its_estate_declares_in_both_systems(things: list[Thing]):
    made = mesh_evaluation.objects(_bound(things), "istio")
    found = {pod.address: pod for pod in mesh_evaluation.pods(made)}
    unknown = _guessed_out_of(things)
    declared = {(client, server) for client, server, _ in _declared(things)}
    for client in things:
        for server in things:
            if client is server:
                continue
            pod, other = found[client.address], found[server.address]
            host = f"{other.namespace}/{server.name}.{other.namespace}.svc.cluster.local"
            expected = client.address in unknown or (client.address, server.address) in declared
            network = any(
                mesh_evaluation.network_out_of(made, pod, other, port) for port in other.ports
            )
            assert network == mesh_evaluation.istio_out_of(made, pod, host) == expected


@settings(max_examples=30, deadline=None)
@given(_things(), st.sampled_from(["istio", "linkerd"]))
def test_whoever_serves_requests_from_outside_is_let_in_by_all_of_them(
    things: list[Thing], mesh: str
):
    made = mesh_evaluation.objects(_bound(things), mesh)
    lets = {"istio": mesh_evaluation.istio_into, "linkerd": mesh_evaluation.linkerd_into}[mesh]
    namespace = {"istio": "istio-ingress", "linkerd": "ingress-nginx"}[mesh]
    controller = mesh_evaluation.Pod("", namespace, frozenset(), "whatever", ())
    open_to_all = _guessed_into(things)
    by_name = {thing.address: thing for thing in things}
    for pod in mesh_evaluation.pods(made):
        thing = by_name[pod.address]
        for number, port in enumerate(pod.ports):
            # A route leads to the first port of the first endpoint.
            expected = thing.exposed or pod.address in open_to_all or (thing.route and number == 0)
            assert mesh_evaluation.network_into(made, controller, pod, port) == expected
            assert lets(made, controller, pod, port) == expected


def test_the_evaluators_tell_a_policy_that_lost_a_caller():
    """Or the tests above would prove nothing."""
    things = [
        Thing("t0", False, "", (8080,), False, False, False, [(1, None, "declared")]),
        Thing("t1", False, "", (8080,), False, False, False),
    ]
    for mesh, kind, lets in (
        ("istio", "AuthorizationPolicy", mesh_evaluation.istio_into),
        ("linkerd", "AuthorizationPolicy", mesh_evaluation.linkerd_into),
        ("istio", "NetworkPolicy", mesh_evaluation.network_into),
    ):
        made = mesh_evaluation.objects(_bound(things), mesh)
        assert _pairs(made, lets) == _declared(things)
        for item in made:
            if item["kind"] == kind and "t1" in item["metadata"]["name"]:
                item["spec"].update(rules=[], ingress=[], targetRef={"name": "nothing"})
        assert _pairs(made, lets) == set()


def _policy(mesh: str, text: str, name: str) -> dict:
    scene = rendered.registry.scene(rendered.bound(text), ["kubernetes", mesh])
    units = rendered.registry.BY_NAME["kubernetes"].in_place(scene).units
    (found,) = [
        item["spec"]
        for unit in units
        for item in unit.objects()
        if item["kind"] == "NetworkPolicy" and item["metadata"]["name"] == name
    ]
    return found


PAIR = rendered.service("orders") + rendered.service("web", "uses: [{service: orders}]\n")


def test_a_proxy_reaches_its_control_plane_through_the_network_policy():
    for mesh, namespace, ports in (
        ("istio", "istio-system", [15012]),
        ("linkerd", "linkerd", [8080, 8086, 8090]),
    ):
        rules = _policy(mesh, PAIR, "orders")["egress"]
        (control,) = [rule for rule in rules if f"'{namespace}'" in str(rule)]
        assert [port["port"] for port in control["ports"]] == ports


def test_between_meshed_pods_linkerds_own_port_is_open_and_istio_has_none():
    (into,) = _policy("linkerd", PAIR, "orders")["ingress"]
    assert [port["port"] for port in into["ports"]] == [8080, 4143]
    (into,) = _policy("istio", PAIR, "orders")["ingress"]
    assert [port["port"] for port in into["ports"]] == [8080]


def test_a_policy_without_a_mesh_knows_nothing_of_one():
    plain = str(rendered.objects(PAIR)["NetworkPolicy/orders"])
    assert "4143" not in plain
    assert "istio" not in plain
