"""The proxy at the edge: Envoy takes its configuration, and leads each request to the right one."""

import http.client
import pathlib
import socket
import ssl

import envoy_running
import mesh_estates
import pytest
import rendered

ESTATE = (
    rendered.service(
        "shop",
        "routes: [{host: shop.example.com, path: /}, {host: shop.example.com, path: /exact, match: Exact}]\n"
        "ingresses: [{tls: [{hosts: [shop.example.com], secret: shop-tls}]}]\n",
    )
    + rendered.service("orders", "routes: [{host: api.example.com, path: /orders}]\n")
    + rendered.service("stock", "routes: [{host: api.example.com, path: /}]\n")
    + rendered.service("tests", "type: http\n")
    + rendered.service(
        "api",
        """hosts: [api.example.com]
rules:
  - {path: /old, redirect: {path: /new, status: 308}}
  - {path: /v2/stock, rewrite: /warehouse, to: [{service: stock}], timeout: 2s}
  - path: /write
    methods: [POST]
    headers: [{name: X-Test, value: "1"}]
    to: [{service: tests}]
""",
        kind="Route",
        image="",
    )
)


def _config(text: str = ESTATE) -> str:
    (unit,) = rendered.rendering(text, "envoy").units
    return unit.make()


@pytest.mark.proves(
    "envoy",
    tool="envoy --mode validate",
    shows="the configuration of every place of three estates and of real ones is accepted",
)
@pytest.mark.parametrize("estate", [*mesh_estates.EXAMPLES, *mesh_estates.REAL])
def test_envoy_accepts_the_configuration_of_every_place(estate: str, tmp_path: pathlib.Path):
    texts = {unit.make() for one in mesh_estates.renderings(estate, "envoy") for unit in one.units}
    if estate != "online-boutique":  # It is reached by a load balancer of its own.
        assert texts
    for number, text in enumerate(sorted(texts)):
        folder = tmp_path / str(number)
        folder.mkdir()
        done = envoy_running.validated(text, folder)
        assert done.returncode == 0, done.stderr


def test_envoy_refuses_a_configuration_with_a_cluster_that_there_is_not(tmp_path: pathlib.Path):
    """Or the test above would prove nothing."""
    broken = _config().replace("cluster: stock.prod.8080", "cluster: stuck.prod.8080", 1)
    assert broken != _config()
    assert envoy_running.validated(broken, tmp_path).returncode != 0


def _ask(
    port: int, host: str, path: str, method: str = "GET", **headers: str
) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={"Host": host, **headers})
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.getheaders()}
    connection.close()
    return found


def _ask_secretly(port: int, host: str, path: str) -> tuple[int, str, dict[str, str]]:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sock = context.wrap_socket(plain, server_hostname=host)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.getheaders()}
    connection.close()
    return found


@pytest.mark.proves(
    "envoy",
    tool="a running Envoy",
    shows="requests reach the service that the estate leads them to, encrypted where it says so",
)
def test_a_running_envoy_leads_each_request_to_where_the_estate_says(tmp_path: pathlib.Path):
    names = [f"{name}.prod.8080" for name in ("orders", "shop", "stock", "tests")]
    with envoy_running.servers(names) as ports:
        config = envoy_running.turned(_config(), ports, tmp_path)
        with envoy_running.running(config, tmp_path) as listeners:
            plain, secure = listeners["http"], listeners["https"]
            api = "api.example.com"
            assert _ask(plain, api, "/orders/1")[:2] == (200, "orders.prod.8080 /orders/1")
            # A prefix is of whole parts of a path.
            assert _ask(plain, api, "/ordersheet")[1] == "stock.prod.8080 /ordersheet"
            assert _ask(plain, api, "/v2/stock")[1] == "stock.prod.8080 /warehouse"
            assert _ask(plain, api, "/v2/stock/7")[1] == "stock.prod.8080 /warehouse/7"
            assert _ask(plain, api, "/write", "POST", **{"X-Test": "1"})[1].startswith("tests")
            assert _ask(plain, api, "/write", "POST")[1].startswith("stock")
            status, _, headers = _ask(plain, api, "/old/page")
            assert (status, headers["location"]) == (308, f"http://{api}/new")
            assert _ask(plain, "nobody.example.com", "/")[0] == 404
            assert _ask(plain, api, "/a/../orders/2")[1] == "orders.prod.8080 /orders/2"

            status, _, headers = _ask(plain, "shop.example.com", "/basket")
            assert (status, headers["location"]) == (301, "https://shop.example.com/basket")
            status, text, headers = _ask_secretly(secure, "shop.example.com", "/basket")
            assert (status, text) == (200, "shop.prod.8080 /basket")
            assert headers["strict-transport-security"].startswith("max-age=")
            assert headers["x-content-type-options"] == "nosniff"


def test_a_host_without_a_certificate_is_reported():
    found = rendered.rendering(ESTATE, "envoy").diagnostics
    assert [d.code for d in found] == ["TEL560"]
    assert "api.example.com" in found[0].summary
    assert "shop.example.com" not in found[0].summary


def test_a_protocol_that_is_not_made_is_reported():
    text = ESTATE + rendered.service(
        "mail", "protocol: tcp\nrules: [{to: [{service: stock}]}]\n", kind="Route", image=""
    )
    assert "TEL561" in rendered.codes(text, "envoy")


def test_nothing_is_made_where_nothing_comes_from_outside():
    assert rendered.rendering(rendered.service("worker", "type: worker\n"), "envoy").units == ()
