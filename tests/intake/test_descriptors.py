"""Backstage, Score, OpenSLO, Sloth, Pyrra, OpenAPI and AsyncAPI: what they say in an estate."""

import pathlib
from collections import Counter
from typing import Any

import pytest

from telford.app import importing
from telford.app.importing import Order
from telford.basics import yamltext
from telford.basics.diagnostics import Severity
from telford.estate import loading, overlays
from telford.intake import backstage, interfaces, routing, score
from telford.intake.format import Format, Needs, Sources
from telford.intake.imported import Imported, Options, Status
from telford.intake.objectives import openslo, pyrra, selectors, sloth

SAMPLES = pathlib.Path(__file__).resolve().parent / "samples"
READERS = {
    "backstage": backstage.FORMAT,
    "openslo": openslo.FORMAT,
    "sloth": sloth.FORMAT,
    "pyrra": pyrra.FORMAT,
    "score": score.FORMAT,
    "openapi": interfaces.OPENAPI,
    "asyncapi": interfaces.ASYNCAPI,
}


def texts(name: str) -> dict[str, str]:
    folder = SAMPLES / name
    return {
        path.relative_to(SAMPLES).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def answer(name: str, options: Options | None = None) -> Imported:
    one = READERS[name]
    everything = texts(name)
    sources = Sources({path: t for path, t in everything.items() if one.claims(path, t)})
    for _ in range(5):
        given = one.read(sources, options or Options(fallback="stray"))
        if not isinstance(given, Needs):
            return given
        more = {w.path: everything[w.path] for w in given.files if w.path in everything}
        refused = {w.path: "it is not there" for w in given.files if w.path not in everything}
        sources = Sources({**sources.texts, **more}, {**sources.unreadable, **refused})
    raise AssertionError("asks for ever")


def by_kind(given: Imported, kind: str) -> dict[str, Any]:
    return {str(d.value["name"]): d.value for d in given.documents if d.value["kind"] == kind}


@pytest.mark.parametrize("name", READERS)
def test_every_leaf_has_one_fate(name):
    """A leaf is a scalar or an empty collection of a document that was claimed or fetched."""
    one, given = READERS[name], answer(name)
    leaves: Counter[tuple[str, int]] = Counter()
    for path, text in texts(name).items():
        if one.claims(path, text):
            for node in yamltext.read(text, path)[0]:
                _count(node, path, leaves)
    assert Counter((fate.file, fate.line) for fate in given.report.fates) == leaves
    assert all(fate.to for fate in given.report.fates if fate.status is not Status.DROPPED)
    assert all(fate.reason for fate in given.report.fates if fate.status is Status.DROPPED)


def _count(node: yamltext.Node, path: str, leaves: Counter[tuple[str, int]]) -> None:
    if isinstance(node, yamltext.Mapping) and node.values:
        for value in node.values.values():
            _count(value, path, leaves)
    elif isinstance(node, yamltext.Sequence) and node.items:
        for value in node.items:
            _count(value, path, leaves)
    else:
        leaves[path, node.line] += 1


@pytest.mark.parametrize("name", READERS)
def test_what_is_carried_is_in_a_document(name):
    given = answer(name)
    homes = {
        f"{d.value['kind'].lower()}/"
        + (f"{d.value['system']}." if d.value.get("system") else "")
        + str(d.value["name"])
        for d in given.documents
    }
    assert {fate.to for fate in given.report.fates if fate.to} <= homes


def test_a_component_owns_uses_and_offers():
    given = answer("backstage")
    services = by_kind(given, "Service")
    assert services.keys() == {"cart", "front", "pay"}
    assert services["cart"]["owner"] == "team/team-shop"
    assert services["front"]["owner"] == "person/anna"
    assert services["cart"]["uses"] == [
        {"datastore": "shop.cart-db"},
        {"service": "shop.front"},
        {"service": "shop.pay"},
    ]
    assert by_kind(given, "Contract")["cart-api"]["service"] == "shop.cart"
    assert by_kind(given, "Datastore")["cart-db"]["engine"] == "postgres"
    assert by_kind(given, "Stream")["receipts"]["engine"] == "kafka"
    assert by_kind(given, "System")["shop"]["domain"] == "retail"
    assert by_kind(given, "Team")["team-shop"]["email"] == "shop@example.com"
    assert by_kind(given, "Manifest").keys() == {"component-lib", "template-new-service"}


def test_a_definition_beside_its_descriptor_is_the_contract():
    contract = by_kind(answer("backstage"), "Contract")["pay-api"]
    assert contract["type"] == "protobuf"
    assert "message Receipt" in contract["versions"][0]["document"]


def test_locations_outside_are_said_and_not_followed():
    codes = [d for d in answer("backstage").diagnostics if d.code == "TEL696"]
    assert len(codes) == 2


def test_an_slo_of_two_targets_is_two_objectives_that_share_an_indicator():
    objectives = by_kind(answer("openslo"), "Objective")
    assert {name: o["target"] for name, o in objectives.items()} == {
        "cart-availability-most": "99.5%",
        "cart-availability-nearly-all": "99.95%",
    }
    for one in objectives.values():
        assert one["calendar"] == "month"
        assert one["sli"]["ratio"] == {
            "total": 'http_requests_total{job="cart"}',
            "bad": 'http_requests_total{job="cart",code=~"5.."}',
        }


def test_a_quantile_is_carried_and_never_approximated():
    given = answer("openslo")
    manifest = by_kind(given, "Manifest")["slo-cart-latency"]
    assert manifest["object"]["kind"] == "SLO"
    assert any(d.code == "TEL693" for d in given.diagnostics)


def test_sloth_speaks_two_forms():
    objectives = by_kind(answer("sloth"), "Objective")
    assert objectives["front-requests"]["target"] == "99.9%"
    assert objectives["pay-requests"]["alerting"] == {"page": False}
    assert "sloth-search" in by_kind(answer("sloth"), "Manifest")


def test_pyrra_names_its_service_by_a_label():
    objectives = by_kind(answer("pyrra"), "Objective")
    assert objectives.keys() == {"cart-errors", "up"}
    assert {one["service"] for one in objectives.values()} == {"cart"}
    assert objectives["up"]["sli"] == {"probe": {"success": 'probe_success{job="cart"}'}}
    assert "telford.dev/inferred-from" in objectives["cart-errors"]["annotations"]


def test_a_workload_of_score_runs_and_uses():
    given = answer("score")
    worker = by_kind(given, "Service")["worker"]
    assert worker["run"]["env"]["PW"] == {"secret": "worker-db", "key": "password"}
    assert worker["uses"] == [
        {"datastore": "worker-db"},
        {"stream": "orders"},
        {"datastore": "worker-bucket"},
    ]
    assert worker["run"]["sidecars"] == [{"name": "side", "image": "b"}]
    assert worker["x-score"]["resources"]["dns"] == {"type": "dns"}


def test_versions_of_one_interface_are_one_contract():
    contract = by_kind(answer("openapi"), "Contract")["orders"]
    assert [v["version"] for v in contract["versions"]] == ["1.4.0", "2.0.0"]


def test_channels_of_a_known_broker_are_streams():
    given = answer("asyncapi")
    stream = by_kind(given, "Stream")["orders-placed"]
    assert (stream["engine"], stream["contract"], stream["topic"]) == (
        "kafka",
        "order-events",
        "orders.placed",
    )


@pytest.mark.parametrize(
    ("query", "selector"),
    [
        ('x{a="b"}', 'x{a="b"}'),
        ('sum(rate(x{a="}"}[5m]))', 'x{a="}"}'),
        ("sum(increase(x[{{ .window }}]))", "x"),
        ("rate(x[$__rate_interval])", "x"),
        ("sum by (job) (rate(x[5m]))", None),
        ("sum(rate(x[5m])) / sum(rate(y[5m]))", None),
        ("sum(rate(x[5m]) - rate(y[5m]))", None),
        ("x or y", None),
        ("sum(rate(x[5m:1m]))", None),
        ("x offset 5m", None),
        ("", None),
    ],
)
def test_only_sums_of_plain_counters_are_counters(query, selector):
    assert selectors.counters(query) == selector


def test_all_samples_together_are_an_estate_without_errors(tmp_path):
    given = importing.run(Order((SAMPLES,), recognised=False), tmp_path / "out")
    assert [d for d in given.diagnostics if d.severity is Severity.ERROR] == []
    assert given.gathered.formats.keys() >= {"Backstage descriptors", "Score workloads", "OpenSLO"}
    loaded = loading.load(given.files)
    cart = overlays.one(loaded.estate, "service/cart")
    assert str(cart.address) == "service/shop.cart"
    worker = overlays.one(loaded.estate, "service/worker")
    assert worker.spec.owner == "team/workers"


def test_a_document_without_the_needed_fields_is_a_diagnostic_in_every_format():
    heads = {
        "backstage": "apiVersion: backstage.io/v1alpha1\nkind: Component\n",
        "openslo": "apiVersion: openslo/v1\nkind: SLO\n",
        "sloth": "version: prometheus/v1\nslos: 1\n",
        "pyrra": "apiVersion: pyrra.dev/v1alpha1\nkind: X\n",
        "score": "apiVersion: score.dev/v1b1\n",
        "openapi": "[]\n",
        "asyncapi": "- asyncapi: 3.0\n",
    }
    for name, text in heads.items():
        one: Format = READERS[name]
        given = one.read(Sources({"a.yaml": text}), Options())
        assert isinstance(given, Imported)
        assert given.diagnostics, name
        assert given.diagnostics[0].position is not None


def test_a_format_is_told_by_its_documents_alone():
    everything = {path: t for name in READERS for path, t in texts(name).items()}
    for path, text in everything.items():
        claiming = [one.name for one in READERS.values() if one.claims(path, text)]
        expected = [path.split("/")[0]] if not path.endswith(".proto") else []
        assert claiming == expected, path
    routed = routing.route(everything, READERS.values())
    assert routed.unknown == ["backstage/more/pay.proto"]
