"""Target gateway-api: hosts, certificates, namespaces and rules become what a Gateway serves."""

import mesh_objects
import rendered

from telford.basics.diagnostics import Severity

SHOP = rendered.service(
    "shop",
    "routes: [{host: shop.example.com, path: /}]\n"
    "ingresses: [{tls: [{hosts: ['*.example.com'], secret: shop-tls}]}]\n",
)


def _route(fields: str) -> str:
    return rendered.service("api", fields, kind="Route", image="")


def test_a_host_with_a_certificate_is_served_encrypted_and_redirected_to_it():
    made = mesh_objects.objects(SHOP, "gateway-api")
    http, https = made["Gateway/prod"]["spec"]["listeners"]
    assert (http["port"], http["protocol"]) == (80, "HTTP")
    secret = {"kind": "Secret", "name": "shop-tls", "namespace": "prod"}
    assert https["tls"] == {"mode": "Terminate", "certificateRefs": [secret]}
    parents = made["HTTPRoute/shop"]["spec"]["parentRefs"]
    assert [parent["sectionName"] for parent in parents] == ["https-shop.example.com"]
    redirect = made["HTTPRoute/shop-to-https"]["spec"]
    assert redirect["parentRefs"][0]["sectionName"] == "http-shop.example.com"
    assert redirect["rules"][0]["filters"][0]["requestRedirect"]["scheme"] == "https"


def test_a_certificate_of_another_namespace_may_be_read_by_the_gateway_alone():
    grant = mesh_objects.objects(SHOP, "gateway-api")["ReferenceGrant/gateway-certificates"]
    assert grant["metadata"]["namespace"] == "prod"
    assert [item["kind"] for item in grant["spec"]["from"]] == ["Gateway"]
    assert grant["spec"]["to"] == [{"group": "", "kind": "Secret", "name": "shop-tls"}]


def test_only_the_namespaces_of_a_host_may_attach_to_it():
    (http, *_) = mesh_objects.objects(SHOP, "gateway-api")["Gateway/prod"]["spec"]["listeners"]
    selector = http["allowedRoutes"]["namespaces"]["selector"]
    assert selector["matchExpressions"][0]["values"] == ["prod"]


def test_a_rule_says_its_path_method_headers_rewrite_time_limit_and_shares():
    text = (
        SHOP
        + rendered.service("stock", "namespace: other\n")
        + _route(
            """hosts: [api.example.com]
rules:
  - name: stock
    path: /v1
    methods: [GET, HEAD]
    headers: [{name: X-Agency, value: "[a-z]+", match: RegularExpression}]
    to: [{service: stock, weight: 9}, {service: shop, weight: 1}]
    rewrite: /stock
    timeout: 1m30s
"""
        )
    )
    made = mesh_objects.objects(text, "gateway-api")
    (rule,) = made["HTTPRoute/api"]["spec"]["rules"]
    header = {"type": "RegularExpression", "name": "X-Agency", "value": "[a-z]+"}
    path = {"type": "PathPrefix", "value": "/v1"}
    assert rule["matches"] == [
        {"path": path, "headers": [header], "method": method} for method in ("GET", "HEAD")
    ]
    assert rule["timeouts"] == {"request": "1m30s"}
    assert rule["backendRefs"] == [
        {"name": "stock", "namespace": "other", "port": 8080, "weight": 9},
        {"name": "shop", "port": 8080, "weight": 1},
    ]
    rewrite = rule["filters"][0]["urlRewrite"]["path"]
    assert rewrite == {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/stock"}
    grant = made["ReferenceGrant/prod-api"]
    assert grant["metadata"]["namespace"] == "other"
    assert grant["spec"]["to"] == [{"group": "", "kind": "Service", "name": "stock"}]


def test_a_service_that_speaks_grpc_has_grpc_routes():
    text = rendered.service(
        "charge", "type: grpc\nroutes: [{host: g.example.com, path: /pay.v1.Charge/Create}]\n"
    )
    (rule,) = mesh_objects.objects(text, "gateway-api")["GRPCRoute/charge"]["spec"]["rules"]
    assert rule["matches"] == [{"method": {"service": "pay.v1.Charge", "method": "Create"}}]


def test_many_rules_are_several_routes():
    rules = "".join(f"  - {{path: /p{n}, to: [{{service: shop}}]}}\n" for n in range(20))
    made = mesh_objects.objects(SHOP + _route(f"rules:\n{rules}"), "gateway-api")
    counts = {t: len(item["spec"]["rules"]) for t, item in made.items() if "HTTPRoute/api" in t}
    assert counts == {"HTTPRoute/api": 16, "HTTPRoute/api-part-2": 4}


def test_what_asks_for_an_ingress_itself_is_left_to_it():
    text = SHOP + _route("via: ingress\nrules: [{to: [{service: shop}]}]\n")
    assert "HTTPRoute/api" not in mesh_objects.objects(text, "gateway-api")


def test_a_host_without_a_certificate_is_a_warning():
    (said,) = rendered.rendering(
        rendered.service("a", "routes: [{host: a.example.com}]\n"), "gateway-api"
    ).diagnostics
    assert (said.code, said.severity) == ("TEL540", Severity.WARNING)
    assert "a.example.com" in said.summary


def test_what_the_standard_channel_does_not_have_is_reported():
    text = SHOP + _route("protocol: tcp\nrules: [{to: [{service: shop}]}]\n")
    assert rendered.codes(text, "gateway-api") == ["TEL541"]
    grpc = SHOP + _route("protocol: grpc\nrules: [{to: [{service: shop}], timeout: 1s}]\n")
    assert "TEL541" in rendered.codes(grpc, "gateway-api")


def test_a_network_policy_lets_the_gateway_in_where_it_serves_and_nobody_else_from_outside():
    plain = rendered.objects(SHOP)["NetworkPolicy/shop"]["spec"]["ingress"]
    assert "ingress-nginx" in str(plain)
    alone = rendered.registry.scene(rendered.bound(SHOP), ["gateway-api", "kubernetes"])
    (way,) = alone.openings("service/shop.shop").ingress or ()
    assert (way.namespace, way.ports) == ("envoy-gateway-system", (("TCP", 8080),))


def _entrances(text: str, *targets: str) -> dict[str, tuple[str, ...]]:
    """Address of each service -> the namespaces that its policy lets in from outside."""
    scene = rendered.registry.scene(rendered.bound(text), ["kubernetes", *targets])
    return {
        address: tuple(way.namespace for way in scene.let_in(address))
        for address, _ in scene.of_kind("Service")
    }


def test_whoever_serves_a_route_is_let_in_to_what_it_leads_to():
    stock = rendered.service("stock")
    told = _entrances(stock + _route("rules: [{to: [{service: stock}]}]\n"))
    assert told == {"service/shop.stock": ("ingress-nginx",)}
    named = _route("via: gateway\ngateways: [edge/public]\nrules: [{to: [{service: stock}]}]\n")
    assert _entrances(stock + named) == {"service/shop.stock": ("edge",)}
    beside = _route("via: gateway\ngateways: [public]\nrules: [{to: [{service: stock}]}]\n")
    assert _entrances(stock + beside) == {"service/shop.stock": ("envoy-gateway-system",)}


def test_a_route_that_was_found_lets_its_controller_in_and_makes_nothing_here():
    text = rendered.service("stock") + _route("road: as-found\nrules: [{to: [{service: stock}]}]\n")
    told = _entrances(text, "gateway-api")
    assert told == {"service/shop.stock": ("ingress-nginx",)}
    assert mesh_objects.objects(text, "gateway-api") == {}


def test_a_recipe_says_where_the_gateway_runs():
    recipe = (
        "apiVersion: telford/v1\nkind: Recipe\nname: edge\nowner: team/shop\nmatch: {kind: Service}\n"
        "choices: {traffic: gateway-api}\ndefaults: {network: {gatewayNamespace: edge}}\n---\n"
    )
    assert _entrances(SHOP + recipe) == {"service/shop.shop": ("edge",)}
