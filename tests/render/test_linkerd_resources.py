"""Target linkerd: servers, identities, tries and ways out, as the estate says them."""

import mesh_objects
import rendered

SERVER = rendered.service("orders", "type: http\n")
STORE = rendered.service(
    "main", "engine: postgres\nrun: {image: 'postgres:17'}\n", kind="Datastore"
)


def _caller(uses: str, name: str = "web") -> str:
    return rendered.service(name, f"uses: [{uses}]\n")


def test_a_port_that_nobody_declares_to_use_lets_nobody_in():
    made = mesh_objects.objects(SERVER, "linkerd")
    assert made["Server/orders-http"]["spec"]["accessPolicy"] == "deny"
    assert not [title for title in made if title.startswith("AuthorizationPolicy/")]


def test_a_caller_is_let_in_by_its_identity():
    made = mesh_objects.objects(SERVER + _caller("{service: orders}"), "linkerd")
    known = made["MeshTLSAuthentication/orders-http"]["spec"]["identities"]
    assert known == ["web.prod.serviceaccount.identity.linkerd.cluster.local"]
    policy = made["AuthorizationPolicy/orders-http"]["spec"]
    assert policy["targetRef"]["name"] == "orders-http"
    assert policy["requiredAuthenticationRefs"][0]["kind"] == "MeshTLSAuthentication"


def test_nothing_is_guessed_of_what_is_spoken_with_a_store():
    made = mesh_objects.objects(STORE + _caller("{datastore: main}"), "linkerd")
    assert made["Server/main-data"]["spec"]["proxyProtocol"] == "opaque"
    scene = rendered.registry.scene(rendered.bound(STORE), ["linkerd"])
    annotations = scene.subject("datastore/shop.main").injection
    assert annotations["config.linkerd.io/opaque-ports"] == "5432"


def test_a_store_with_an_address_of_its_own_has_opaque_ports():
    store = rendered.service(
        "main",
        "engine: postgres\nrun: {image: x}\nendpoints: [{name: main, ports: [{port: 5432}]}]\n",
        kind="Datastore",
    )
    made = mesh_objects.objects(store, "linkerd")
    profile = made["ServiceProfile/main.prod.svc.cluster.local"]
    assert profile["spec"] == {"opaquePorts": ["5432"]}


def test_a_guess_makes_no_policy_and_is_reported():
    text = SERVER + _caller("{service: orders, inferred: {from: a guess}}")
    made = mesh_objects.objects(text, "linkerd")
    assert "Server/orders-http" not in made
    assert "EgressNetwork/outside" not in made
    assert {"TEL546"} == set(rendered.codes(text, "linkerd"))


def test_a_caller_outside_the_mesh_keeps_the_door_open_and_is_reported():
    text = SERVER + rendered.service(
        "old",
        "road: as-found\nuses: [{service: orders}]\n"
        "run: {image: x, workload: Deployment, podLabels: {app: old}, selector: {app: old}}\n",
    )
    assert "Server/orders-http" not in mesh_objects.objects(text, "linkerd")
    assert rendered.codes(text, "linkerd") == ["TEL547"]


def _routes(text: str) -> dict[str, dict]:
    made = mesh_objects.objects(text, "linkerd")
    return {title: item for title, item in made.items() if "Route/" in title}


def _said(item: dict) -> dict[str, str]:
    annotations = item["metadata"]["annotations"]
    return {k: v for k, v in annotations.items() if k.partition("/")[0].endswith("linkerd.io")}


def test_callers_with_different_time_limits_get_the_longest():
    text = (
        SERVER
        + _caller("{service: orders, timeout: 1s}")
        + _caller("{service: orders, timeout: 2s}", "desk")
    )
    (route,) = _routes(text).values()
    assert _said(route) == {"timeout.linkerd.io/request": "2s"}
    assert rendered.codes(text, "linkerd") == ["TEL548"]


def test_a_caller_that_says_nothing_keeps_the_others_limit_from_holding_for_it():
    text = SERVER + _caller("{service: orders, timeout: 1s}") + _caller("{service: orders}", "desk")
    assert _routes(text) == {}


def test_only_what_reads_is_tried_again_unless_more_is_said_to_be_harmless():
    routes = _routes(SERVER + _caller("{service: orders, timeout: 1s, retries: 2}"))
    every, reads = routes["HTTPRoute/orders-in-mesh"], routes["HTTPRoute/orders-in-mesh-reads"]
    assert _said(every) == {"timeout.linkerd.io/request": "1s"}
    assert "matches" not in every["spec"]["rules"][0]
    assert _said(reads)["retry.linkerd.io/limit"] == "2"
    assert {match["method"] for match in reads["spec"]["rules"][0]["matches"]} == {
        "GET",
        "HEAD",
        "OPTIONS",
    }
    (harmless,) = _routes(
        SERVER + _caller("{service: orders, retries: 2, idempotent: natural}")
    ).values()
    assert _said(harmless)["retry.linkerd.io/http"] == "gateway-error"


def test_a_grpc_call_is_tried_again_only_where_it_is_said_to_be_harmless():
    server = rendered.service("orders", "type: grpc\n")
    assert _routes(server + _caller("{service: orders, retries: 2}")) == {}
    (route,) = _routes(server + _caller("{service: orders, retries: 2, idempotent: key}")).values()
    assert route["kind"] == "GRPCRoute"
    assert _said(route)["retry.linkerd.io/grpc"] == "unavailable"


def test_a_namespace_reaches_outside_only_the_ports_that_its_workloads_use():
    store = rendered.service(
        "far", "engine: mysql\nhost: db.example.com\n", kind="Datastore", image=""
    )
    made = mesh_objects.objects(store + _caller("{datastore: far}"), "linkerd")
    assert made["EgressNetwork/outside"]["spec"] == {"trafficPolicy": "Deny"}
    assert [title for title in made if title.startswith("TCPRoute/")] == ["TCPRoute/outside-3306"]
    (parent,) = made["TCPRoute/outside-3306"]["spec"]["parentRefs"]
    assert (parent["kind"], parent["name"], parent["port"]) == ("EgressNetwork", "outside", 3306)


def test_whoever_serves_requests_from_outside_must_be_in_the_mesh_and_it_is_said():
    text = rendered.service("web", "routes: [{host: a.example.com}]\n")
    identities = mesh_objects.objects(text, "linkerd")["MeshTLSAuthentication/web-http"]["spec"]
    suffix = "ingress-nginx.serviceaccount.identity.linkerd.cluster.local"
    assert identities == {"identities": [f"*.{suffix}"]}
    assert rendered.codes(text, "linkerd") == ["TEL549"]


def test_pods_of_the_mesh_ask_for_its_proxy_and_those_of_jobs_for_one_that_ends():
    job = rendered.service("report", "type: job\nrun: {image: x}\n")
    scene = rendered.registry.scene(rendered.bound(SERVER + job), ["linkerd"])
    assert scene.subject("service/shop.orders").injection == {"linkerd.io/inject": "enabled"}
    native = "config.beta.linkerd.io/proxy-enable-native-sidecar"
    assert scene.subject("service/shop.report").injection[native] == "true"


def test_its_routes_are_not_called_as_those_by_which_requests_come_from_outside():
    server = rendered.service("orders", "routes: [{host: a.example.com}]\n")
    text = server + _caller("{service: orders, timeout: 1s}")
    outside = mesh_objects.objects(text, "gateway-api")
    assert "HTTPRoute/orders" in outside
    assert not outside.keys() & _routes(text).keys()
