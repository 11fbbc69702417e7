"""Network policies say what the estate declares, and nothing that could cut real traffic."""

import rendered

CLIENT = "uses: [{service: orders}]\n"


def _policy(text: str, name: str, place: str = "prod") -> dict:
    return rendered.objects(text, place)[f"NetworkPolicy/{name}"]["spec"]


def _peers(rules: list[dict], side: str) -> list[tuple[str, list[int]]]:
    found = []
    for rule in rules:
        for peer in rule.get(side, [{}]):
            labels = peer.get("podSelector", {}).get("matchLabels", {})
            name = labels.get("app.kubernetes.io/name") or labels.get("k8s-app") or "anywhere"
            found.append((name, [port["port"] for port in rule.get("ports", [])]))
    return found


def test_a_service_that_nobody_uses_lets_nobody_in_and_reaches_only_names():
    policy = _policy(rendered.service("orders"), "orders")
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == []
    assert _peers(policy["egress"], "to") == [("kube-dns", [53, 53])]


def test_a_declared_dependency_opens_both_ends_on_the_port_of_the_process():
    text = rendered.service(
        "orders", "run: {image: x, ports: [{name: http, port: 9000}]}\n"
    ) + rendered.service("web", CLIENT)
    assert _peers(_policy(text, "orders")["ingress"], "from") == [("web", [9000])]
    assert ("orders", [9000]) in _peers(_policy(text, "web")["egress"], "to")


def test_the_port_that_a_client_dials_is_followed_to_the_process_behind_it():
    text = rendered.service(
        "orders",
        "run: {image: x, ports: [{name: http, port: 9000}, {name: admin, port: 9001}]}\n"
        "endpoints: [{name: orders, ports: [{name: web, port: 80, target: http}]}]\n",
    ) + rendered.service("web", "uses: [{service: orders, port: 80}]\n")
    assert _peers(_policy(text, "orders")["ingress"], "from") == [("web", [9000])]


def test_an_inferred_dependency_makes_no_policy_in_its_direction_and_is_reported():
    text = rendered.service("orders") + rendered.service(
        "web", "uses: [{service: orders, inferred: {from: env ORDERS}}]\n"
    )
    assert _policy(text, "orders")["policyTypes"] == ["Egress"]
    assert _policy(text, "web")["policyTypes"] == ["Ingress"]
    assert rendered.codes(text, "kubernetes") == ["TEL504", "TEL504"]


def test_a_confirmed_dependency_is_as_good_as_a_declared_one():
    text = rendered.service("orders") + rendered.service(
        "web", "uses: [{service: orders, inferred: {from: env ORDERS, confirmed: true}}]\n"
    )
    assert _peers(_policy(text, "orders")["ingress"], "from") == [("web", [8080])]
    assert rendered.codes(text, "kubernetes") == []


def test_what_was_found_gets_no_policy_but_its_declared_use_is_let_in_by_its_own_labels():
    text = rendered.service("orders") + rendered.service(
        "old",
        "road: as-found\nrun: {image: x, selector: {app: old}, podLabels: {app: old}}\n" + CLIENT,
    )
    found = rendered.objects(text)
    assert "NetworkPolicy/old" not in found
    (rule,) = found["NetworkPolicy/orders"]["spec"]["ingress"]
    assert rule["from"] == [{"podSelector": {"matchLabels": {"app": "old"}}}]


def test_a_route_lets_the_ingress_controller_in_and_nobody_else():
    text = rendered.service("orders", "routes: [{host: x.example.com}]\n")
    (rule,) = _policy(text, "orders")["ingress"]
    selector = {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}
    assert rule["from"] == [{"namespaceSelector": selector}]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8080}]


def test_a_store_outside_is_reached_at_its_address_or_by_port_alone_where_it_has_a_name():
    stores = rendered.service(
        "near", "engine: postgres\nhost: 10.0.0.7\n", "Datastore", ""
    ) + rendered.service("far", "engine: mysql\nhost: db.example.com\n", "Datastore", "")
    text = stores + rendered.service("orders", "uses: [{datastore: near}, {datastore: far}]\n")
    egress = _policy(text, "orders")["egress"]
    assert {"to": [{"ipBlock": {"cidr": "10.0.0.7/32"}}], "ports": [_tcp(5432)]} in egress
    assert {"ports": [_tcp(3306)]} in egress
    assert rendered.codes(text, "kubernetes") == ["TEL505"]


def _tcp(port: int) -> dict:
    return {"protocol": "TCP", "port": port}


def test_a_stream_is_reached_at_the_service_that_runs_its_broker():
    text = (
        rendered.service("queue", "run: {image: x, ports: [{name: http, port: 7000}]}\n")
        + rendered.service("placed", "engine: embedded\nbroker: queue\n", "Stream", "")
        + rendered.service("orders", "uses: [{stream: placed, role: publish}]\n")
    )
    assert ("queue", [7000]) in _peers(_policy(text, "orders")["egress"], "to")
    assert _peers(_policy(text, "queue")["ingress"], "from") == [("orders", [7000])]


def test_a_store_in_the_process_itself_needs_no_way_out():
    text = rendered.service("local", "engine: sqlite\n", "Datastore", "") + rendered.service(
        "orders", "uses: [{datastore: local}]\n"
    )
    assert _peers(_policy(text, "orders")["egress"], "to") == [("kube-dns", [53, 53])]
