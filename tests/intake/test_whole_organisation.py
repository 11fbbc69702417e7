"""A whole organisation in three environments: one estate, in which nothing of any is lost."""

import pathlib
from collections import Counter
from dataclasses import dataclass

import import_cases as cases
import pytest

import optional
from telford.app import roundtrip
from telford.basics.diagnostics import Severity
from telford.estate import overlays
from telford.estate.model import Loaded
from telford.estate.place import Place
from telford.intake.environments import merging, stages
from telford.intake.imported import Imported, Options, Status
from telford.intake.kubernetes import reading

ENVIRONMENTS = ("integration", "staging", "production")
OBJECTS = 2_975


@dataclass(frozen=True)
class Organisation:
    """Three inputs, their imports, and the one estate of all of them."""

    texts: dict[str, dict[str, str]]
    inputs: dict[str, Imported]
    merged: Imported
    estate: Loaded


@pytest.fixture(scope="module")
def govuk() -> Organisation:
    folder = optional.real_estates() / "govuk"
    names = stages.recognise(path.name for path in folder.glob("*.yaml")).proposals
    assert tuple(item.environment for item in names) == ENVIRONMENTS
    texts = {
        item.environment: {path: (folder / path).read_text("utf-8") for path in item.paths}
        for item in names
    }
    inputs = {
        name: reading.read(given, Options(environment=name, fallback="govuk"))
        for name, given in texts.items()
    }
    merged = merging.merge(inputs)
    return Organisation(texts, inputs, merged, cases.loaded(merged))


def test_three_environments_are_one_estate_without_errors(govuk: Organisation) -> None:
    assert cases.errors(govuk.estate) == []
    assert [d for d in govuk.merged.diagnostics if d.severity is Severity.ERROR] == []
    specs = overlays.environments(govuk.estate.estate)
    assert tuple(spec.name for spec in specs) == ENVIRONMENTS
    assert [spec.production for spec in specs] == [False, False, True]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_place_is_what_its_own_import_gave(govuk: Organisation, environment: str) -> None:
    alone = cases.loaded(govuk.inputs[environment]).estate
    assert cases.differing(govuk.estate.estate, alone, environment) == []


def test_the_merged_estate_is_much_smaller_than_three(govuk: Organisation) -> None:
    """Overlays hold differences: fewer documents than the largest input and a third, not three."""
    largest = max(len(item.documents) for item in govuk.inputs.values())
    assert len(govuk.merged.documents) < largest * 4 / 3


def test_every_leaf_of_every_input_has_exactly_one_fate(govuk: Organisation) -> None:
    assert sum(govuk.merged.report.objects.values()) == OBJECTS
    fates = Counter(fate.file for fate in govuk.merged.report.fates)
    for name, imported in govuk.inputs.items():
        assert fates[f"{name}.yaml"] == len(imported.report.fates)
    totals = govuk.merged.report.totals().values()
    assert sum(total.total() for total in totals) == fates.total()


def test_the_round_trip_is_explained_to_the_last_field(govuk: Organisation) -> None:
    """Import, build each environment, compare: every difference has a named rule."""
    verified = roundtrip.verify(govuk.estate.estate, govuk.texts)
    assert {
        name: item.unexplained for name, item in verified.environments.items()
    } == dict.fromkeys(ENVIRONMENTS, ())
    assert verified.ok
    assert sum(item.objects for item in verified.environments.values()) == OBJECTS
    rules = {rule for item in verified.environments.values() for rule in item.explained}
    assert rules == {"quantity", "order", "null", "secret"}


def test_what_is_not_in_an_environment_does_not_exist_there(govuk: Organisation) -> None:
    for name, imported in govuk.inputs.items():
        known = {(d.value["kind"], d.value["name"]) for d in imported.documents}
        bound = overlays.bind(govuk.estate.estate, Place(name)).entities.values()
        running = {
            (item.spec.kind, item.spec.name) for item in bound if item.spec.kind == "Service"
        }
        assert running <= known


def test_nothing_is_dropped_but_nulls_and_secrets(govuk: Organisation) -> None:
    dropped = [f for f in govuk.merged.report.fates if f.status is Status.DROPPED]
    assert {fate.reason for fate in dropped if not fate.subject.startswith("Secret/")} == {
        "null: the same as not written"
    }


def test_the_round_trip_sees_an_edit(govuk: Organisation) -> None:
    """A comparison that cannot fail would prove nothing."""
    texts = dict(govuk.texts["staging"])
    texts["staging.yaml"] = texts["staging.yaml"].replace("replicas: 2", "replicas: 7", 1)
    (compared,) = roundtrip.verify(govuk.estate.estate, {"staging": texts}).environments.values()
    assert [(item.path, item.found, item.built) for item in compared.unexplained] == [
        ("spec.replicas", "7", "2")
    ]


def test_an_environment_that_there_is_not_is_a_sentence(govuk: Organisation) -> None:
    with pytest.raises(Exception, match="no environment paradise"):
        roundtrip.verify(govuk.estate.estate, {"paradise": {}})


# Of these, nine leaves in ten are fields and not carried along.
UNDERSTOOD = (
    *("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Service", "Ingress"),
    *("HorizontalPodAutoscaler", "PodDisruptionBudget", "ConfigMap"),
)


def _little_understood(imported: Imported) -> dict[str, float]:
    """The kinds of which less than nine leaves in ten are mapped, with the share that is."""
    totals = imported.report.totals()
    shares = {
        kind: totals[kind][Status.MAPPED] / totals[kind].total()
        for kind in UNDERSTOOD
        if kind in totals
    }
    assert shares
    return {kind: share for kind, share in shares.items() if share < 0.9}


def test_nine_leaves_in_ten_are_understood_of_each_kind(govuk: Organisation) -> None:
    assert _little_understood(govuk.merged) == {}


SYSTEMS = {
    "online-boutique": "online-boutique/release",
    "bank-of-anthos": "bank-of-anthos/kubernetes-manifests",
    "sock-shop": "sock-shop/deploy/kubernetes",
}


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_a_system_is_given_back(estates: pathlib.Path, system: str) -> None:
    texts = cases.texts(estates / SYSTEMS[system])
    imported = reading.read(texts, Options(environment="prod", fallback=system))
    estate = cases.loaded(imported)
    assert cases.errors(estate) == []
    compared = roundtrip.verify(estate.estate, {"prod": texts}).environments["prod"]
    assert compared.unexplained == ()
    assert (compared.missing, compared.added) == ((), ())
    assert compared.objects == sum(imported.report.objects.values())
    assert _little_understood(imported) == {}
