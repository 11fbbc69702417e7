"""Three real systems and an organisation: what is found is what a person reads in the manifests."""

import pathlib
from collections import Counter
from typing import Any

import import_cases as cases
import pytest

from telford.basics.diagnostics import Severity
from telford.intake.imported import Imported, Options
from telford.intake.kubernetes import fitting, objects, reading
from telford.road import patch

SYSTEMS = {
    "online-boutique": "online-boutique/release",
    "bank-of-anthos": "bank-of-anthos/kubernetes-manifests",
    "sock-shop": "sock-shop/deploy/kubernetes",
}
# The kinds of which at least nine leaves in ten must be understood.
UNDERSTOOD = (
    *("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Service", "Ingress"),
    *("HorizontalPodAutoscaler", "PodDisruptionBudget", "ConfigMap"),
)

# Read by hand in the manifests, from environment variables and the ConfigMaps behind envFrom.
EDGES = {
    "online-boutique": """
        frontend -> productcatalogservice currencyservice cartservice recommendationservice
        frontend -> shippingservice checkoutservice adservice
        recommendationservice -> productcatalogservice
        checkoutservice -> productcatalogservice shippingservice paymentservice emailservice
        checkoutservice -> currencyservice cartservice
        cartservice -> redis-cart
        loadgenerator -> frontend
    """,
    "bank-of-anthos": """
        frontend -> ledgerwriter balancereader transactionhistory contacts userservice
        ledgerwriter -> ledger-db
        ledgerwriter -> balancereader transactionhistory contacts userservice
        balancereader -> ledger-db
        transactionhistory -> ledger-db
        contacts -> accounts-db
        userservice -> accounts-db
        loadgenerator -> frontend
    """,
    # Its images know one another's names; this one address is all that the manifests say.
    "sock-shop": """
        user -> user-db
    """,
}
SERVICES = {
    "online-boutique": """
        frontend adservice currencyservice cartservice recommendationservice checkoutservice
        emailservice paymentservice shippingservice productcatalogservice loadgenerator
    """,
    "bank-of-anthos": """
        balancereader contacts frontend ledgerwriter loadgenerator transactionhistory userservice
    """,
    "sock-shop": """
        carts catalogue front-end orders payment queue-master rabbitmq shipping user
    """,
}
STORES = {
    "online-boutique": {"redis-cart": "redis"},
    "bank-of-anthos": {"accounts-db": "postgres", "ledger-db": "postgres"},
    "sock-shop": {
        "carts-db": "mongodb",
        "catalogue-db": "mysql",
        "orders-db": "mongodb",
        "session-db": "redis",
        "user-db": "mongodb",
    },
}


def _texts(estates: pathlib.Path, system: str) -> dict[str, str]:
    folder = estates / SYSTEMS[system]
    given = cases.texts(folder)
    # Istio's objects lie beside them and are another import.
    return {name: text for name, text in given.items() if "istio" not in name}


def _imported(estates: pathlib.Path, system: str) -> Imported:
    return reading.read(_texts(estates, system), Options(fallback=system))


@pytest.fixture(params=sorted(SYSTEMS))
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_services_and_stores_are_those_of_the_manifests(estates: pathlib.Path, system: str) -> None:
    documents = [document.value for document in _imported(estates, system).documents]
    services = {d["name"] for d in documents if d["kind"] == "Service"}
    stores = {d["name"]: d["engine"] for d in documents if d["kind"] == "Datastore"}
    assert services == set(SERVICES[system].split())
    assert stores == STORES[system]
    assert {d["road"] for d in documents if "road" in d} == {"as-found"}


def test_dependencies_are_those_a_person_reads(estates: pathlib.Path, system: str) -> None:
    expected = set()
    for line in EDGES[system].strip().splitlines():
        source, _, targets = line.strip().partition(" -> ")
        expected |= {(source, target) for target in targets.split()}
    edges = _imported(estates, system).report.edges
    found = [(e.source.rpartition(".")[2], e.target.rpartition(".")[2]) for e in edges]
    assert set(found) == expected
    assert len(found) == len(expected)


def test_dependencies_say_their_file_and_line(estates: pathlib.Path, system: str) -> None:
    given = _texts(estates, system)
    for edge in _imported(estates, system).report.edges:
        where = edge.origin.rpartition(" in ")[2]
        file, _, line = where.rpartition(":")
        text = given[file].splitlines()[int(line) - 1]
        assert edge.target.rpartition(".")[2] in text


def test_every_dependency_is_marked_as_inferred(estates: pathlib.Path, system: str) -> None:
    uses = [
        use
        for document in _imported(estates, system).documents
        for use in document.value.get("uses", [])
    ]
    assert uses
    assert all(use["inferred"]["from"] for use in uses)


def test_an_address_that_names_nothing_is_reported(estates: pathlib.Path) -> None:
    """The boutique's frontend names an assistant that its manifests do not have."""
    unresolved = _imported(estates, "online-boutique").report.unresolved
    assert [(item.host, item.external) for item in unresolved] == [
        ("shoppingassistantservice", False)
    ]


def test_the_imported_estate_checks_clean(estates: pathlib.Path, system: str) -> None:
    estate = cases.loaded(_imported(estates, system))
    assert cases.errors(estate) == []
    assert [d for d in estate.diagnostics if d.severity is Severity.WARNING] == []


def test_every_leaf_has_exactly_one_fate(estates: pathlib.Path, system: str) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for item in cases.objects(_texts(estates, system)):
        expected.update((cases.label(item), path) for path in cases.dotted(item))
    fates = _imported(estates, system).report.fates
    assert Counter((fate.subject, fate.path) for fate in fates) == expected


def test_nine_leaves_in_ten_are_understood(estates: pathlib.Path, system: str) -> None:
    totals = _imported(estates, system).report.totals()
    counts = sum((totals[kind] for kind in UNDERSTOOD if kind in totals), Counter[Any]())
    assert counts["mapped"] >= 0.9 * counts.total()


def test_the_estate_gives_back_what_was_imported(estates, system: str) -> None:
    """Object for object and leaf for leaf, as a parser that is not ours reads them."""
    wanted = {cases.label(item): item for item in cases.objects(_texts(estates, system))}
    given = {
        cases.label(item): item for item in cases.built(cases.loaded(_imported(estates, system)))
    }
    assert given.keys() == wanted.keys()
    for name, item in wanted.items():
        assert patch.same(given[name], item), name


def test_what_is_called_mapped_comes_from_fields_alone(estates: pathlib.Path, system: str) -> None:
    """With every patch emptied, each leaf that the report calls mapped is still given."""
    imported = _imported(estates, system)
    given = {
        cases.label(item): Counter(path for path, _ in cases.paths(item))
        for item in cases.bare(cases.loaded(imported))
    }
    for fate in imported.report.fates:
        if fate.status == "mapped":
            path = ".".join(step for step in fate.path.split(".") if not step.isdigit())
            assert given[fate.subject][path] > 0, fate


def test_owners_are_found_in_labels_or_named_unassigned(estates: pathlib.Path) -> None:
    bank = {d.value["name"]: d.value for d in _imported(estates, "bank-of-anthos").documents}
    assert bank["ledgerwriter"]["owner"] == "team/ledger"
    # A ConfigMap without a label belongs to the only team that reads it.
    assert bank["ledger-db-config"]["owner"] == "team/ledger"
    boutique = _imported(estates, "online-boutique")
    assert {d.value["name"] for d in boutique.documents if d.value["kind"] == "Team"} == {
        "unassigned"
    }
    assert [d.code for d in boutique.diagnostics if d.code == "TEL606"] == ["TEL606"]


def test_importing_twice_gives_the_same(estates: pathlib.Path, system: str) -> None:
    assert _imported(estates, system) == _imported(estates, system)


def test_a_whole_organisation_is_given_back(estates: pathlib.Path) -> None:
    """A thousand objects as Helm rendered them: all but Secrets and nulls, quantities as texts."""
    file = estates / "govuk" / "production.yaml"
    imported = reading.read({"production.yaml": file.read_text("utf-8")}, Options())
    totals = imported.report.totals()
    counts = sum((totals[kind] for kind in UNDERSTOOD if kind in totals), Counter[Any]())
    assert counts["mapped"] >= 0.9 * counts.total()
    found = objects.read({"production.yaml": file.read_text("utf-8")})
    wanted = {
        (item.api_version, item.label): fitting.canonical(item)
        for item in found.objects
        if item.kind != "Secret"
    }
    estate = cases.loaded(imported)
    assert cases.errors(estate) == []
    given = {(item["apiVersion"], cases.label(item)): item for item in cases.built(estate)}
    assert given.keys() == wanted.keys()
    assert [name for name, item in wanted.items() if not patch.same(given[name], item)] == []
