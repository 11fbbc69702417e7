"""Argo CD, Flux, charts and kustomizations: what goes where, and what must be rendered for it."""

import pathlib

import infrastructure_cases as cases
import pytest
from import_cases import errors, loaded

import optional
from telford.backends import rendering
from telford.intake.format import Needs, Rendering, Sources
from telford.intake.gitops import charts, generators, reading
from telford.intake.gitops.reading import FORMAT
from telford.intake.imported import Imported, Options, Status


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """A repository with Argo CD and Flux, a chart, and a kustomization with two overlays."""
    return cases.texts("delivery", FORMAT)


def _rendered(texts: dict[str, str], environment: str) -> tuple[Imported, list[str]]:
    """The import with what helm and kubectl really render, and the commands that were run."""
    search = str(pathlib.Path(optional.require_tool("helm")).parent)
    optional.require_tool("kubectl")
    commands: list[str] = []
    sources = Sources(texts)
    for _ in range(5):
        answer = FORMAT.read(sources, Options(environment=environment))
        if isinstance(answer, Imported):
            return answer, commands
        sources = _given(sources, answer, search, commands)
    raise AssertionError("it asks without an end")


def _given(sources: Sources, needs: Needs, search: str, commands: list[str]) -> Sources:
    given, unreadable = dict(sources.texts), dict(sources.unreadable)
    for wanted in needs.files:
        path = cases.FOLDER / wanted.path
        if path.is_file():
            given[wanted.path] = path.read_text()
        else:
            unreadable[wanted.path] = "it is not there"
    for one in needs.renderings:
        folder = cases.FOLDER / one.path
        text, reason = rendering.render(
            one, folder, say=commands.append, search=search, within=cases.FOLDER
        )
        assert text is not None, reason
        given[one.output] = text
    return Sources(given, unreadable)


def test_what_production_gets_is_rendered_for_it(texts: dict[str, str]) -> None:
    answer, commands = _rendered(texts, "prod")
    found = cases.documents(answer)
    catalogue = found["service/catalogue"]["run"]
    # Argo's parameters go before its values file, as it does itself.
    assert (catalogue["replicas"], catalogue["image"]) == (
        4,
        "registry.example.com/catalogue:1.42.0",
    )
    assert found["service/payments"]["run"]["replicas"] == 6
    assert len(commands) == 2
    assert all("staging" not in command for command in commands)
    cases.accounted(answer)
    assert errors(loaded(answer)) == []


def test_what_staging_gets_is_what_flux_and_argo_say(texts: dict[str, str]) -> None:
    answer, _ = _rendered(texts, "staging")
    found = cases.documents(answer)
    run = found["service/catalogue"]["run"]
    assert (run["replicas"], run["image"]) == (2, "registry.example.com/catalogue:1.43.0-rc1")
    assert found["service/payments"]["run"]["replicas"] == 2


def test_nothing_is_rendered_unless_it_is_asked_for(texts: dict[str, str]) -> None:
    answer = cases.read(FORMAT, texts, Options(environment="prod"))
    missing = [item for item in answer.diagnostics if item.code == "TEL660"]
    assert len(missing) == 2
    assert "--render helm" in missing[0].fix
    assert str(missing[0].position) == "delivery/argo/catalogue.yaml:1:1"
    assert "service/payments" not in cases.documents(answer)
    cases.accounted(answer)


def test_places_are_what_destinations_name(texts: dict[str, str]) -> None:
    answer = cases.read(FORMAT, texts)
    found = cases.documents(answer)
    assert found["cluster/prod-k8s-example-com"]["server"] == "https://prod.k8s.example.com:6443"
    assert {"cluster/prod-eu", "cluster/staging-eu"} <= found.keys()
    assert found["environment/prod"]["production"] is True
    assert found["environment/staging"]["namespace"] == "payments"
    destination = cases.fates(answer, "Application/argocd/catalogue-prod")
    server = destination["spec.destination.server"]
    assert (server.status, server.to) == (Status.MAPPED, "cluster/prod-k8s-example-com")
    cases.accounted(answer)


def test_what_delivers_survives_as_it_was_found(texts: dict[str, str]) -> None:
    found = cases.documents(cases.read(FORMAT, texts))
    application = found["manifest/application-catalogue-prod"]["object"]
    assert application["spec"]["syncPolicy"] == {"automated": {"prune": True, "selfHeal": True}}
    assert "manifest/appproject-shop" in found
    assert "manifest/helmrepository-bitnami" in found


def test_what_cannot_be_said_is_said_to_be_so(texts: dict[str, str]) -> None:
    said = {item.code: item.summary for item in cases.read(FORMAT, texts).diagnostics}
    assert "the clusters that Argo CD knows" in said["TEL662"]
    assert "ingress-nginx" in said["TEL661"]


_APPLICATION = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: a}
spec:
  source:
    path: c
    helm:
      values: |
        replicas: 1
        image: {tag: one, pull.policy: Always}
      valuesObject: {replicas: 2}
      parameters: [{name: replicas, value: "3"}, {name: flag, value: "true", forceString: true}]
    kustomize: {images: [x]}
  destination: {namespace: n}
"""


def test_values_of_an_application_go_before_one_another_as_argo_has_it() -> None:
    texts = {"a.yaml": _APPLICATION, "c/Chart.yaml": "name: c\n"}
    needs = FORMAT.read(Sources(texts), Options())
    assert isinstance(needs, Needs)
    assert needs.renderings[0].settings == (
        "replicas=1",
        'image.tag="one"',
        'image.pull\\.policy="Always"',
        "replicas=2",
        "replicas=3",
        'flag="true"',
    )
    said = [item for item in cases.read(FORMAT, texts).diagnostics if item.code == "TEL662"]
    assert ["`kustomize`" in item.summary for item in said] == [True]


def test_templates_of_a_chart_are_no_manifests() -> None:
    assert reading.claims("charts/a/templates/x.yaml", "kind: {{ .Values.kind }}\n")
    assert not reading.claims("charts/a/templates/x.yaml", "apiVersion: v1\nkind: Service\n")
    assert reading.claims("charts/a/Chart.yaml", "apiVersion: v2\nname: a\n")
    assert reading.claims("a/kustomization.yaml", "resources: [x.yaml]\n")
    assert not reading.claims("a/deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\n")
    assert not reading.claims("templates/t.yaml", "apiVersion: scaffolder.backstage.io/v1\n")
    rollout = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n"
    assert not reading.claims("a/rollout.yaml", rollout)


def test_braces_in_a_folder_of_that_name_are_read_where_there_is_no_chart() -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: alerts}\n"
        "data: {text: '{{ $labels.pod }}'}\n"
    )
    found = cases.read(FORMAT, {"k8s/templates/alerts.yaml": text})
    assert cases.documents(found)["config/alerts"]["values"] == {"text": "{{ $labels.pod }}"}
    inside = {"k8s/Chart.yaml": "name: a\n", "k8s/templates/alerts.yaml": text}
    assert "config/alerts" not in cases.documents(cases.read(FORMAT, inside))


def test_charts_and_kustomizations_are_found(texts: dict[str, str]) -> None:
    found = {(one.tool, one.path) for one in charts.renderable(texts)}
    assert found == {
        ("helm", "delivery/charts/catalogue"),
        ("kustomize", "delivery/apps/payments/overlays/prod"),
        ("kustomize", "delivery/apps/payments/overlays/staging"),
    }


def test_subcharts_and_bases_are_not_rendered_by_themselves() -> None:
    texts = {
        "a/Chart.yaml": "name: a\n",
        "a/charts/b/Chart.yaml": "name: b\n",
        "k/base/kustomization.yaml": "resources: [d.yaml]\n",
        "k/top/kustomization.yml": "bases: [../base]\nresources: [https://example.com/x.yaml]\n",
    }
    assert {one.path for one in charts.renderable(texts)} == {"a", "k/top"}


def test_what_only_a_tool_reads_is_covered() -> None:
    texts = {
        "c/Chart.yaml": "name: c\n",
        "c/templates/x.yaml": "kind: Service\n",
        "k/kustomization.yaml": "resources: [d.yaml]\npatches: [{path: p.yaml}]\n",
        "k/d.yaml": "kind: Deployment\n",
        "k/p.yaml": "kind: Deployment\n",
    }
    assert charts.covered(texts, ()) == {"k/p.yaml"}
    assert charts.covered(texts, ("kustomize",)) == {"k/p.yaml", "k/d.yaml"}
    assert charts.covered(texts, ("helm",)) == {"k/p.yaml", "c/Chart.yaml", "c/templates/x.yaml"}


def test_a_chart_alone_gets_the_values_of_the_environment() -> None:
    texts = {"c/Chart.yaml": "apiVersion: v2\nname: c\n"}
    needs = FORMAT.read(Sources(texts), Options(environment="prod"))
    assert isinstance(needs, Needs)
    wanted = [one.path for one in needs.files]
    assert wanted == ["c/values-prod.yaml", "c/values.prod.yaml", "c/values/prod.yaml"]
    given = Sources(
        {**texts, "c/values-prod.yaml": "a: 1\n"}, dict.fromkeys(wanted[1:], "it is not there")
    )
    needs = FORMAT.read(given, Options(environment="prod"))
    assert isinstance(needs, Needs)
    assert needs.renderings[0].values == ("c/values-prod.yaml",)


_SET = {"template": {"metadata": {"name": "{{name}}-{{stage}}"}, "spec": {"x": "{{ path }}"}}}


def _names(*given: dict[str, object], folders: tuple[str, ...] = ()) -> list[str]:
    made = generators.made({**_SET, "generators": list(given)}, folders)
    return [one["metadata"]["name"] for one in made.applications]


def test_generators_make_what_argo_makes() -> None:
    """List, matrix and merge, as the examples of Argo CD's documentation say."""
    names = {"list": {"elements": [{"name": "a"}, {"name": "b"}]}}
    stages = {"list": {"elements": [{"stage": "dev"}, {"stage": "prod"}]}}
    assert _names({"matrix": {"generators": [names, stages]}}) == [
        "a-dev",
        "a-prod",
        "b-dev",
        "b-prod",
    ]
    base = {"list": {"elements": [{"name": "a", "stage": "dev"}, {"name": "b", "stage": "dev"}]}}
    over = {"list": {"elements": [{"name": "b", "stage": "prod"}]}}
    assert _names({"merge": {"mergeKeys": ["name"], "generators": [base, over]}}) == [
        "a-dev",
        "b-prod",
    ]


@pytest.mark.parametrize("form", ["{{path.basename}}", "{{ .path.basename }}", "{{path[1]}}"])
def test_folders_of_git_fill_a_template_in_both_forms(form: str) -> None:
    spec = {
        "template": {"metadata": {"name": form}},
        "generators": [
            {"git": {"directories": [{"path": "apps/*"}, {"path": "apps/old", "exclude": True}]}}
        ],
    }
    made = generators.made(spec, ("apps/new", "apps/old", "other/x", "apps/new/deep"))
    assert [one["metadata"]["name"] for one in made.applications] == ["new"]


@pytest.mark.parametrize(
    "generator",
    [
        {"clusters": {}},
        {"pullRequest": {}},
        {"git": {"files": [{"path": "x"}]}},
        {"git": {"directories": [{"path": "none/*"}]}},
        {"matrix": {"generators": []}},
        {"merge": {}},
        {"list": {"elementsYaml": "x"}},
        {},
    ],
)
def test_generators_that_range_over_something_else_say_so(generator: dict[str, object]) -> None:
    made = generators.made({"generators": [generator], "template": {}}, ())
    assert made.applications == []
    assert len(made.unsaid) == 1


def test_generators_in_generators_end() -> None:
    inner: dict[str, object] = {"list": {"elements": [{}]}}
    for _ in range(30):
        inner = {"matrix": {"generators": [inner, {"list": {"elements": [{}]}}]}}
    made = generators.made({"generators": [inner], "template": {}}, ())
    assert made.applications == []


def test_a_rendering_is_not_asked_for_twice(texts: dict[str, str]) -> None:
    """Argo and Flux deliver the same overlay: it is rendered once."""
    sources = cases.refused(Sources(texts), Needs())
    needs = FORMAT.read(sources, Options(environment="prod"))
    while isinstance(needs, Needs) and not needs.renderings:
        sources = cases.refused(sources, needs)
        needs = FORMAT.read(sources, Options(environment="prod"))
    assert isinstance(needs, Needs)
    outputs = [one.output for one in needs.renderings]
    assert len(outputs) == len(set(outputs))
    assert all(isinstance(one, Rendering) for one in needs.renderings)
