"""Target istio: identities, tries, versions and ways out, as the estate says them."""

import mesh_objects
import rendered

SERVER = rendered.service("orders", "type: http\n")


def _caller(uses: str, name: str = "web") -> str:
    return rendered.service(name, f"uses: [{uses}]\n")


def _http(text: str, service: str = "orders") -> list[dict]:
    return mesh_objects.objects(text, "istio")[f"VirtualService/{service}"]["spec"]["http"]


def test_a_namespace_of_meshed_workloads_alone_takes_mutual_tls_only():
    made = mesh_objects.objects(SERVER, "istio")
    assert made["PeerAuthentication/default"]["spec"] == {"mtls": {"mode": "STRICT"}}
    assert "PeerAuthentication/orders" not in made


def test_nobody_calls_what_nobody_declares_to_use():
    spec = mesh_objects.objects(SERVER, "istio")["AuthorizationPolicy/orders"]["spec"]
    assert spec["action"] == "ALLOW"
    assert "rules" not in spec


def test_a_caller_is_let_in_by_its_service_account():
    text = SERVER + rendered.service(
        "web", "run: {image: x, serviceAccount: pages}\nuses: [{service: orders}]\n"
    )
    (rule,) = mesh_objects.objects(text, "istio")["AuthorizationPolicy/orders"]["spec"]["rules"]
    assert rule["from"] == [{"source": {"principals": ["cluster.local/ns/prod/sa/pages"]}}]
    assert rule["to"] == [{"operation": {"ports": ["8080"]}}]


def test_a_guess_makes_no_policy_and_is_reported():
    text = SERVER + _caller("{service: orders, inferred: {from: a guess}}")
    made = mesh_objects.objects(text, "istio")
    assert "AuthorizationPolicy/orders" not in made
    assert "Sidecar/web" not in made
    assert rendered.codes(text, "istio") == ["TEL542", "TEL542"]


FOUND = (
    rendered.service(
        "old",
        "road: as-found\nnamespace: legacy\nuses: [{service: orders}]\n"
        "run: {image: x, workload: Deployment, podLabels: {app: old}, selector: {app: old}}\n",
    )
    + SERVER
)


def test_a_caller_outside_the_mesh_keeps_the_door_open_and_is_reported():
    found = mesh_objects.objects(FOUND, "istio")
    assert found["PeerAuthentication/orders"]["spec"]["mtls"] == {"mode": "PERMISSIVE"}
    assert "AuthorizationPolicy/orders" not in found
    assert "TEL543" in rendered.codes(FOUND, "istio")


def test_the_time_limit_is_the_callers_own_and_is_shared_by_its_tries():
    text = SERVER + _caller("{service: orders, timeout: 900ms, retries: 2, idempotent: key}")
    mine, default = _http(text)
    assert mine["match"][0]["sourceNamespace"] == "prod"
    assert mine["match"][0]["sourceLabels"]["app.kubernetes.io/name"] == "web"
    assert mine["timeout"] == "900ms"
    assert mine["retries"]["attempts"] == 2
    assert mine["retries"]["perTryTimeout"] == "300ms"
    assert "gateway-error" in mine["retries"]["retryOn"]
    assert default["retries"]["retryOn"] == "connect-failure,refused-stream"


def test_what_may_change_something_is_tried_again_only_if_the_server_never_saw_it():
    reads, rest, _ = _http(SERVER + _caller("{service: orders, retries: 1}"))
    assert reads["match"][0]["method"] == {"regex": "GET|HEAD|OPTIONS"}
    assert "gateway-error" in reads["retries"]["retryOn"]
    assert rest["retries"]["retryOn"] == "connect-failure,refused-stream"


def test_a_caller_that_only_reads_may_be_tried_again():
    said = "{service: orders, retries: 1, operations: ['GET /orders', 'HEAD /orders']}"
    mine, _ = _http(SERVER + _caller(said))
    assert "gateway-error" in mine["retries"]["retryOn"]


def test_no_tries_means_none():
    mine, _ = _http(SERVER + _caller("{service: orders, retries: 0}"))
    assert mine["retries"] == {"attempts": 0}


def test_a_grpc_call_is_never_taken_for_a_harmless_one():
    server = rendered.service("orders", "type: grpc\n")
    mine, _ = _http(server + _caller("{service: orders, retries: 3}"))
    assert mine["retries"]["retryOn"] == "connect-failure,refused-stream"


DELIVERY = rendered.service("canary", "steps: [{weight: 5%}]\n", kind="Delivery", image="")


def test_versions_are_told_apart_only_where_a_delivery_moves_requests_between_them():
    assert "subsets" not in mesh_objects.objects(SERVER, "istio")["DestinationRule/orders"]["spec"]
    text = DELIVERY + rendered.service("orders", "delivery: canary\n")
    made = mesh_objects.objects(text, "istio")
    subsets = made["DestinationRule/orders"]["spec"]["subsets"]
    assert [subset["name"] for subset in subsets] == ["stable", "canary"]
    (default,) = made["VirtualService/orders"]["spec"]["http"]
    assert [item["weight"] for item in default["route"]] == [100, 0]


def test_the_stable_version_has_the_label_by_which_it_is_told():
    """The subset of one target selects the pods of another."""
    text = DELIVERY + rendered.service("orders", "delivery: canary\n")
    spec = mesh_objects.objects(text, "istio")["DestinationRule/orders"]["spec"]
    template = rendered.objects(text)["Deployment/orders"]["spec"]["template"]
    assert spec["subsets"][0]["labels"].items() <= template["metadata"]["labels"].items()


STORE = rendered.service(
    "main", "engine: postgres\nhost: db.example.com\n", kind="Datastore", image=""
)


def test_what_is_outside_is_known_to_the_mesh_and_to_those_who_use_it():
    made = mesh_objects.objects(STORE + _caller("{datastore: main}"), "istio")
    entry = made["ServiceEntry/main"]["spec"]
    assert entry["hosts"] == ["db.example.com"]
    assert entry["location"] == "MESH_EXTERNAL"
    sidecar = made["Sidecar/web"]["spec"]
    assert sidecar["outboundTrafficPolicy"] == {"mode": "REGISTRY_ONLY"}
    assert "prod/db.example.com" in sidecar["egress"][0]["hosts"]


def test_an_outside_address_needs_no_name_service():
    store = rendered.service(
        "main", "engine: postgres\nhost: 10.0.0.7\n", kind="Datastore", image=""
    )
    entry = mesh_objects.objects(store + _caller("{datastore: main}"), "istio")["ServiceEntry/main"]
    assert entry["spec"]["resolution"] == "STATIC"
    assert entry["spec"]["addresses"] == ["10.0.0.7"]


def test_a_host_that_nobody_said_leaves_the_way_out_open_and_is_reported():
    store = rendered.service("main", "engine: dynamodb\n", kind="Datastore", image="")
    text = store + _caller("{datastore: main}")
    made = mesh_objects.objects(text, "istio")
    assert made["Sidecar/web"]["spec"]["outboundTrafficPolicy"] == {"mode": "ALLOW_ANY"}
    assert rendered.codes(text, "istio") == ["TEL544"]


def test_its_own_gateway_serves_what_chose_it():
    text = rendered.service("web", "routes: [{host: a.example.com, path: /a}]\n")
    made = mesh_objects.objects(text, "istio")
    assert made["Gateway/prod"]["metadata"]["namespace"] == "istio-ingress"
    spec = made["VirtualService/web-from-outside"]["spec"]
    assert spec["gateways"] == ["istio-ingress/prod"]
    # Istio's prefix is of letters; an estate's is of whole parts of a path.
    assert [match["uri"] for match in spec["http"][0]["match"]] == [
        {"exact": "/a"},
        {"prefix": "/a/"},
    ]


def test_a_certificate_that_istio_reads_elsewhere_is_said():
    text = rendered.service(
        "web", "routes: [{host: a.example.com}]\ningresses: [{tls: [{secret: web-tls}]}]\n"
    )
    servers = mesh_objects.objects(text, "istio")["Gateway/prod"]["spec"]["servers"]
    assert servers[0]["tls"] == {"httpsRedirect": True}
    assert servers[1]["tls"]["credentialName"] == "web-tls"
    assert rendered.codes(text, "istio") == ["TEL545"]


def test_pods_of_the_mesh_ask_for_its_proxy():
    scene = rendered.registry.scene(rendered.bound(SERVER), ["kubernetes", "istio"])
    (unit,) = rendered.registry.BY_NAME["kubernetes"].entity(scene, "service/shop.orders").units
    (deployment,) = [item for item in unit.objects() if item["kind"] == "Deployment"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert labels["sidecar.istio.io/inject"] == "true"


def test_workloads_with_one_account_are_one_caller_and_it_is_said():
    account = "run: {image: x, serviceAccount: shared}\n"
    text = (
        SERVER
        + rendered.service("web", account + "uses: [{service: orders}]\n")
        + rendered.service("desk", account)
    )
    (said,) = rendered.rendering(text, "istio").diagnostics
    assert said.code == "TEL543"
    assert "service/shop.desk" in said.summary
    assert rendered.codes(text, "linkerd") == ["TEL547"]
