"""The graph: who needs whom, how far a failure reaches, and what goes round in a circle."""

from telford.estate import graph, loading, overlays
from telford.estate.model import Estate
from telford.estate.place import Place

TEXT = """
{apiVersion: telford/v1, kind: Team, name: front}
---
{apiVersion: telford/v1, kind: Team, name: back}
---
{apiVersion: telford/v1, kind: Environment, name: prod, regions: [eu], order: 2}
---
{apiVersion: telford/v1, kind: Environment, name: dev, order: 1}
---
{apiVersion: telford/v1, kind: Region, name: eu}
---
apiVersion: telford/v1
kind: Service
name: web
owner: team/front
uses: [{service: api, timeout: 1s}, {service: ads, critical: false}]
in: {dev: {uses: [{service: ads, critical: true}]}}
---
apiVersion: telford/v1
kind: Service
name: api
owner: team/back
uses: [{datastore: book, access: readwrite}, {stream: placed, role: publish, critical: false}]
---
{apiVersion: telford/v1, kind: Service, name: ads, owner: team/front}
---
apiVersion: telford/v1
kind: Service
name: packer
owner: back
type: worker
uses: [{stream: placed, role: consume, inferred: {from: KAFKA_TOPIC}}]
---
{apiVersion: telford/v1, kind: Datastore, name: book, owner: team/back, engine: postgres}
---
{apiVersion: telford/v1, kind: Stream, name: placed, owner: team/back, engine: embedded, broker: bus, deadLetter: dead}
---
{apiVersion: telford/v1, kind: Stream, name: dead, owner: team/back, engine: kafka}
---
{apiVersion: telford/v1, kind: Service, name: bus, owner: team/back}
---
{apiVersion: telford/v1, kind: Objective, name: web-up, owner: team/front, service: web, target: 99%, sli: {availability: {}}}
"""


def estate() -> Estate:
    loaded = loading.load({"e.yaml": TEXT})
    assert loaded.diagnostics == ()
    return loaded.estate


def test_uses_become_edges_that_keep_what_was_said():
    edge = graph.Graph(estate()).outgoing("service/web")[0]
    assert (edge.target, edge.timeout, edge.critical, edge.index, edge.policed) == (
        "service/api", "1s", True, 0, True,
    )  # fmt: skip


def test_an_inferred_edge_is_marked_and_makes_no_policy():
    edge = graph.Graph(estate()).outgoing("service/packer")[0]
    assert edge.inferred
    assert not edge.policed


def test_a_consumer_needs_the_publishers_of_its_stream_softly():
    edges = graph.Graph(estate()).outgoing("service/packer")
    assert [(e.kind, e.target, e.critical, e.via) for e in edges] == [
        ("uses", "stream/placed", True, ""),
        ("stream", "service/api", False, "stream/placed"),
    ]


def test_dependencies_come_nearest_first_and_say_whether_failure_is_passed_on():
    reached = graph.Graph(estate()).dependencies("service/web")
    assert [(r.address, r.depth, r.critical) for r in reached] == [
        ("service/ads", 1, False),
        ("service/api", 1, True),
        ("datastore/book", 2, True),
        ("stream/placed", 2, False),
        ("service/bus", 3, False),
        ("stream/dead", 3, False),
    ]


def test_dependents_go_the_other_way():
    reached = graph.Graph(estate()).dependents("service/bus")
    assert [(r.address, r.critical) for r in reached] == [
        ("stream/placed", True),
        ("service/api", False),
        ("service/packer", True),
        ("service/web", False),
    ]


def test_a_blast_radius_names_teams_objectives_and_environments():
    blast = graph.Graph(estate()).blast_radius("datastore/book")
    assert [r.address for r in blast.entities if r.critical] == ["service/api", "service/web"]
    assert [r.address for r in blast.entities if not r.critical] == ["service/packer"]
    assert blast.teams == ("team/back", "team/front")
    assert blast.objectives == ("objective/web-up",)
    assert blast.environments == ("dev", "prod")


def test_a_region_takes_all_that_runs_with_it_in_its_environments():
    blast = graph.Graph(estate()).blast_radius("region/eu")
    assert blast.environments == ("prod",)
    assert {r.address.partition("/")[0] for r in blast.entities} == {
        "service",
        "datastore",
        "stream",
    }


def test_a_binding_has_the_dependencies_of_its_place():
    edges = graph.Graph(overlays.bind(estate(), Place("dev"))).outgoing("service/web")
    assert [e.critical for e in edges] == [True, True]


def test_a_cycle_is_found_once_shortest_and_from_its_first_address():
    ring = "".join(
        f"apiVersion: telford/v1\nkind: Service\nname: s{n}\nuses: [{{service: s{(n + 1) % 4}}}"
        + (", {service: s0}" if n == 2 else "")
        + "]\n---\n"
        for n in range(4)
    )
    loaded = loading.load({"e.yaml": ring})
    assert graph.Graph(loaded.estate).critical_cycles() == (
        ("service/s0", "service/s1", "service/s2"),
    )


def test_a_chain_of_thousands_is_no_deep_recursion():
    chain = "---\n".join(
        f"apiVersion: telford/v1\nkind: Service\nname: s{n}\nuses: [{{service: s{n + 1}}}]\n"
        for n in range(2_000)
    )
    loaded = loading.load(
        {"e.yaml": chain + "---\napiVersion: telford/v1\nkind: Service\nname: s2000\n"}
    )
    reached = graph.Graph(loaded.estate).dependencies("service/s0")
    assert len(reached) == 2_000
    assert reached[-1].depth == 2_000


def test_what_is_not_there_reaches_nothing():
    assert graph.Graph(estate()).dependencies("service/none") == ()


MORE = """
apiVersion: telford/v1
kind: Route
name: front
rules: [{path: /, timeout: 5s, to: [{service: web}]}, {path: /api, to: [{service: api, weight: 1}, {service: web, weight: 1}]}]
---
{apiVersion: telford/v1, kind: Service, name: web, uses: [{datastore: numbers, access: read}]}
---
apiVersion: telford/v1
kind: Service
name: api
uses: [{datastore: book, access: readwrite}, {stream: placed, role: publish}]
run:
  env: {A: {config: settings, key: a}, B: {secret: password, key: b}, C: {config: settings, key: c}, D: {secret: spare, key: d, optional: true}}
---
apiVersion: telford/v1
kind: Pipeline
name: sums
inputs: [{stream: placed}, {datastore: book}]
outputs: [{datastore: numbers}]
---
{apiVersion: telford/v1, kind: Datastore, name: book, engine: postgres}
---
{apiVersion: telford/v1, kind: Datastore, name: numbers, engine: postgres}
---
{apiVersion: telford/v1, kind: Stream, name: placed, engine: kafka}
---
{apiVersion: telford/v1, kind: Config, name: settings, values: {a: "1", c: "2"}}
---
{apiVersion: telford/v1, kind: Secret, name: password}
---
{apiVersion: telford/v1, kind: Secret, name: spare}
"""


def more() -> graph.Graph:
    return graph.Graph(loading.load({"e.yaml": MORE}).estate)


def test_a_route_needs_what_it_leads_to_once_with_the_timeout_that_all_its_rules_say():
    edges = more().outgoing("route/front")
    assert [(e.target, e.kind, e.timeout, e.critical) for e in edges] == [
        ("service/web", "route", None, True),
        ("service/api", "route", None, True),
    ]


def test_a_pipeline_needs_what_it_reads_and_what_it_writes():
    edges = more().outgoing("pipeline/sums")
    assert [(e.target, e.kind, e.access, e.role) for e in edges if not e.via] == [
        ("stream/placed", "input", None, "consume"),
        ("datastore/book", "input", "read", None),
        ("datastore/numbers", "output", "write", None),
    ]


def test_a_reader_of_what_a_pipeline_fills_goes_stale_without_it():
    feeds = [e for e in more().edges if e.kind in {"feed", "stream"}]
    assert [(e.source, e.target, e.kind, e.via, e.critical) for e in feeds] == [
        ("pipeline/sums", "service/api", "stream", "stream/placed", False),
        ("service/web", "pipeline/sums", "feed", "datastore/numbers", False),
    ]


def test_a_workload_needs_its_configs_and_secrets_once_each_unless_they_are_optional():
    found = more()
    edges = [e for e in found.outgoing("service/api") if e.kind in {"config", "secret"}]
    assert [(e.target, e.kind) for e in edges] == [
        ("config/settings", "config"),
        ("secret/password", "secret"),
    ]
    assert [r.address for r in found.dependents("secret/password", 1)] == ["service/api"]
    assert found.dependents("secret/spare") == ()


def test_the_blast_radius_names_the_environments_in_which_the_thing_exists():
    text = """
{apiVersion: telford/v1, kind: Environment, name: dev, order: 1}
---
{apiVersion: telford/v1, kind: Environment, name: prod, order: 2}
---
{apiVersion: telford/v1, kind: Service, name: trial, in: {prod: null}}
---
{apiVersion: telford/v1, kind: Service, name: web}
"""
    whole = loading.load({"e.yaml": text}).estate
    found = graph.Graph(whole)
    assert found.blast_radius("service/trial").environments == ("dev",)
    assert found.blast_radius("service/web").environments == ("dev", "prod")
    there = graph.Graph(overlays.bind(whole, Place("prod")))
    assert there.blast_radius("service/web").environments == ("prod",)
    assert "service/trial" not in there.number
