"""How far workloads are as the reference architecture says: the share, and why not."""

import datetime as dt
from typing import Any

import pytest

from telford.app import conformance
from telford.app.conformance import Difference, Row
from telford.basics.errors import UsageError
from telford.estate import loading
from telford.estate.kinds import structure
from telford.road import yamlout
from telford.road.conformance import DEMANDS

TODAY = dt.date(2026, 11, 22)
PLACES = [
    {"kind": "Environment", "name": "dev"},
    {"kind": "Environment", "name": "prod", "order": 1, "production": True},
]
ROAD = {"kind": "Architecture", "name": "road", "version": "3"}


def report(
    fields: dict[str, Any], *more: dict[str, Any], where: str = "prod"
) -> conformance.Conformance:
    service = {"kind": "Service", "name": "x", "owner": "team/t", **fields}
    head = {"apiVersion": "telford/v1"}
    team = {"kind": "Team", "name": "t"}
    documents = [{**head, **one} for one in (team, *PLACES, ROAD, service, *more)]
    loaded = loading.load({"a.yaml": "---\n".join(map(yamlout.document, documents))})
    assert not [d for d in loaded.diagnostics if d.severity == "error"], loaded.diagnostics
    return conformance.conformance_of(loaded.estate, TODAY, "service/x", where)


def row(fields: dict[str, Any], *more: dict[str, Any], where: str = "prod") -> Row:
    (one,) = report(fields, *more, where=where).rows
    return one


def names(one: Row) -> dict[str, str]:
    """Demand -> why it does not hold."""
    return {difference.answer.name: difference.why for difference in one.differences}


def run(**fields: Any) -> dict[str, Any]:
    return {"run": {"image": "x:1", **fields}}


def test_what_says_nothing_conforms_wholly():
    one = row(run())
    assert one.differences == ()
    assert (one.tally.percent, one.tally.held) == (100, one.tally.applying)
    assert one.tally.applying > 20


# Field -> values that will do, and values that will not.
SAID = [
    ("replicas", [2, 7, {"min": 2, "max": 4}], [1, 0, {"min": 1, "max": 4}]),
    ("security.runAsNonRoot", [True], [False]),
    ("security.readOnlyRootFilesystem", [True], [False]),
    ("security.allowPrivilegeEscalation", [False], [True]),
    ("security.dropCapabilities", [["ALL"], ["NET_RAW", "ALL"]], [["NET_RAW"]]),
    ("security.addCapabilities", [[]], [["SYS_ADMIN"]]),
    ("security.privileged", [False], [True]),
    ("security.seccomp", ["RuntimeDefault"], ["Unconfined"]),
    ("containerSecurity.readOnlyRootFilesystem", [True], [False]),
    ("mountToken", [False], [True]),
    ("serviceAccount", ["x"], ["shared"]),
    ("rollout.strategy", ["RollingUpdate"], ["Recreate"]),
    ("rollout.unavailable", [0, "0%"], [1, "10%"]),
    ("resources.requests.cpu", ["4"], []),
    ("health.ready", [{"tcp": True}], []),
    ("history", [9], []),
    (
        "placement.spread",
        [[{"by": "topology.kubernetes.io/zone"}, {"by": "kubernetes.io/hostname"}]],
        [[{"by": "kubernetes.io/hostname"}]],
    ),
]


def nested(path: str, value: Any) -> dict[str, Any]:
    for step in reversed(path.split(".")):
        value = {step: value}
    return value


@pytest.mark.parametrize(
    ("field", "fine", "other"), SAID, ids=lambda v: v if isinstance(v, str) else ""
)
def test_what_a_document_says_holds_or_is_an_override(
    field: str, fine: list[Any], other: list[Any]
):
    for value in fine:
        assert names(row(run(**nested(field, value)))) == {}, value
    for value in other:
        one = row(run(**nested(field, value)))
        demand = f"run.{field.replace('containerSecurity', 'security')}"
        assert names(one) == {demand: "overridden"}, value
        assert one.tally.percent < 100
        (difference,) = one.differences
        assert difference.answer.position is not None
        assert difference.answer.position.file == "a.yaml"


def test_what_is_demanded_is_what_the_architecture_and_recipes_say():
    recipe = {
        "kind": "Recipe", "name": "r", "match": {"environment": "prod"},
        "defaults": {"replicas": {"production": 5}, "security": {"runAsUser": 7}},
    }  # fmt: skip
    one = row(run(replicas=3, security={"runAsUser": 8}), recipe)
    assert names(one) == {"run.replicas": "overridden", "run.security.runAsUser": "overridden"}
    for difference, wanted in zip(one.differences, (7, 5), strict=True):
        assert difference.answer.wanted == wanted
        assert difference.answer.by is not None
        assert difference.answer.by.recipe == "recipe/r"
    assert names(row(run(replicas=5, security={"runAsUser": 7}), recipe)) == {}
    assert names(row(run(replicas=1), recipe, where="dev")) == {}


def test_what_is_as_found_holds_where_it_says_so_or_adopted_it():
    found = row({"road": "as-found", **run()})
    silent = {"run.history", "run.rollout.strategy", "run.security.privileged"}
    assert set(names(found).values()) == {"as-found"}
    assert not silent & set(names(found))
    assert found.tally.percent < 30
    said = row({"road": "as-found", **run(replicas=3, security={"runAsNonRoot": True})})
    assert {"run.replicas", "run.security.runAsNonRoot"} <= set(names(found)) - set(names(said))
    adopted = row({"road": "as-found", "adopted": ["security", "labels"], **run()})
    gone = set(names(found)) - set(names(adopted))
    assert {name for name in gone if name.startswith("run.security")}
    assert "labels" in gone
    wrong = row(
        {"road": "as-found", "adopted": ["security"], **run(security={"runAsNonRoot": False})}
    )
    assert names(wrong)["run.security.runAsNonRoot"] == "overridden"


def test_adopting_everything_conforms_wholly():
    every = list(structure.Capability.__args__)  # type: ignore[attr-defined]
    one = row({"road": "as-found", "adopted": every, **run(ports=[{"port": 80}])})
    assert names(one) == {}


def test_every_capability_has_a_demand():
    assert {one.capability for one in DEMANDS} == set(structure.Capability.__args__)  # type: ignore[attr-defined]


def test_a_connection_that_is_only_inferred_keeps_policies_away():
    other = {"kind": "Service", "name": "y", "owner": "team/t", **run()}
    uses = [{"service": "y", "critical": False, "inferred": {"from": "a trace"}}]
    one = row({"uses": uses, **run()}, other)
    assert names(one) == {"network": "inferred"}
    assert one.differences[0].answer.detail == "service/y"
    uses[0]["inferred"]["confirmed"] = True
    assert names(row({"uses": uses, **run()}, other)) == {}


def waiver(expires: str, **fields: Any) -> dict[str, Any]:
    return {
        "kind": "Waiver", "name": "w", "owner": "team/t", "rule": "architecture/road",
        "of": ["service/x"], "reason": "It writes.", "expires": expires, **fields,
    }  # fmt: skip


UNSAFE = run(replicas=1, security={"readOnlyRootFilesystem": False})


def test_a_waiver_takes_a_demand_out_of_the_share():
    plain = row(UNSAFE)
    one = row(UNSAFE, waiver("2026-11-22", parts=["security"]))
    assert names(one) == {
        "run.security.readOnlyRootFilesystem": "waived", "run.replicas": "overridden",
    }  # fmt: skip
    told = one.differences[0].waiver
    assert told is not None
    assert (told.address, told.owner, told.expires) == ("waiver/w", "team/t", "2026-11-22")
    assert told.reason == "It writes."
    assert one.tally.applying == plain.tally.applying
    asked = one.tally.applying - 1
    assert one.tally.percent == (asked - 1) * 1000 // asked / 10
    whole = row(UNSAFE, waiver("2026-11-22"))
    assert (whole.tally.waived, whole.tally.percent) == (2, 100)


def test_a_waiver_that_has_expired_counts_for_nothing():
    one = row(UNSAFE, waiver("2026-11-21"))
    assert set(names(one).values()) == {"overridden"}
    assert one.tally == row(UNSAFE).tally
    assert all(d.waiver is not None and d.waiver.expired for d in one.differences)


@pytest.mark.parametrize(
    "fields",
    [{"of": ["service/y"]}, {"rule": "TEL134"}, {"parts": ["network"]}],
    ids=["another thing", "another rule", "another part"],
)
def test_a_waiver_of_something_else_changes_nothing(fields: dict[str, Any]):
    other = {"kind": "Service", "name": "y", "owner": "team/t", **run()}
    one = row(UNSAFE, waiver("2030-01-01", **fields), other)
    assert [difference.waiver for difference in one.differences] == [None, None]


def test_a_waiver_of_a_system_covers_what_is_in_it():
    system = {"kind": "System", "name": "s", "owner": "team/t"}
    one = row({"system": "s", **UNSAFE}, system, waiver("2030-01-01", of=["system/s"]))
    assert set(names(one).values()) == {"waived"}


def test_a_stage_is_asked_what_holds_there():
    assert names(row(run(replicas=1), where="dev")) == {}
    overlaid = {**run(), "in": {"prod": {"run": {"replicas": 1}}}}
    found = report(overlaid, where="")
    assert [(one.place, names(one)) for one in found.rows] == [
        ("dev", {}),
        ("prod", {"run.replicas": "overridden"}),
    ]
    assert found.tally.held == sum(one.tally.held for one in found.rows)


def test_jobs_are_asked_other_things():
    cron = {
        "type": "cron",
        **run(schedule="0 3 * * *", batch={"retries": 9, "concurrency": "Allow"}),
    }
    one = row(cron)
    assert names(one) == {"run.batch.retries": "overridden", "run.batch.concurrency": "overridden"}


def test_the_json_view_is_stable():
    found = report(run(security={"runAsNonRoot": False}), waiver("2026-11-01"))
    view = found.as_json()
    assert view["architecture"] == {"address": "architecture/road", "version": "3"}
    ((only,),) = [view["rows"]]  # type: ignore[misc]
    assert set(only) == {
        "address", "place", "owner", "road", "percent", "applying", "held", "waived", "differences",
    }  # fmt: skip
    (difference,) = only["differences"]
    position = difference.pop("position")
    assert position.startswith("a.yaml:")
    assert difference.pop("waiver")["expired"] is True
    assert difference == {
        "capability": "security",
        "field": "run.security.runAsNonRoot",
        "why": "overridden",
        "wanted": True,
        "said": False,
        "detail": None,
        "demandedBy": "road",
        "demandedAt": None,
    }


def test_what_is_no_workload_is_refused():
    loaded = loading.load(
        {"a.yaml": "apiVersion: telford/v1\nkind: Environment\nname: dev\n---\n"
        "apiVersion: telford/v1\nkind: Team\nname: t\n"}
    )  # fmt: skip
    with pytest.raises(UsageError, match="team/t is no workload"):
        conformance.conformance_of(loaded.estate, TODAY, "team/t")
    with pytest.raises(UsageError, match="there is no place prod"):
        conformance.conformance_of(loaded.estate, TODAY, "", "prod")
    assert conformance.conformance_of(loaded.estate, TODAY).rows == ()


def test_difference_without_a_waiver_keeps_its_own_why():
    (difference,) = row(run(replicas=1)).differences
    assert isinstance(difference, Difference)
    assert (difference.why, difference.waiver) == ("overridden", None)
