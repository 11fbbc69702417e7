"""Who reaches whom in a place, by reference, system and stream."""

from telford.estate import loading, overlays
from telford.estate.place import Place
from telford.road import reach

TEXT = """\
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: Environment
name: prod
"""


def _service(name: str, fields: str = "", system: str = "a") -> str:
    return (
        f"---\napiVersion: telford/v1\nkind: Service\nname: {name}\nsystem: {system}\n"
        f"owner: team/shop\n{fields}\n"
    )


def _reach(text: str) -> reach.Reach:
    systems = "".join(
        f"---\napiVersion: telford/v1\nkind: System\nname: {name}\nowner: team/shop\n"
        for name in ("a", "b")
    )
    loaded = loading.load({"estate.yaml": TEXT + systems + text})
    assert loaded.diagnostics == ()
    binding = overlays.bind(loaded.estate, Place("prod"))
    return reach.reach(binding, reach.names(binding))


def test_a_bare_name_means_the_own_system_first():
    found = _reach(
        _service("orders") + _service("orders", system="b") + _service("web", "uses: [{service: orders}]", "b")
    )  # fmt: skip
    assert [edge.server for edge in found.outbound["service/b.web"]] == ["service/b.orders"]


def test_a_qualified_name_reaches_into_another_system():
    found = _reach(
        _service("orders") + _service("web", "uses: [{service: a.orders, port: 81}]", "b")
    )
    (edge,) = found.inbound["service/a.orders"]
    assert (edge.client, edge.port, edge.confirmed) == ("service/b.web", 81, True)


def test_an_inferred_edge_is_kept_and_marked():
    found = _reach(
        _service("orders") + _service("web", "uses: [{service: orders, inferred: {from: env X}}]")
    )
    assert [edge.confirmed for edge in found.outbound["service/a.web"]] == [False]


def test_a_stream_leads_to_its_broker():
    stream = "---\napiVersion: telford/v1\nkind: Stream\nname: placed\nsystem: a\nowner: team/shop\nengine: embedded\nbroker: queue\n"
    found = _reach(
        _service("queue") + stream + _service("web", "uses: [{stream: placed, role: publish}]")
    )
    (edge,) = found.outbound["service/a.web"]
    assert (edge.target, edge.server) == ("stream/a.placed", "service/a.queue")
