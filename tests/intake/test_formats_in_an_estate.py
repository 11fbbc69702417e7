"""OpenSLO, Score and Backstage documents that lie in an estate are read where they are."""

import pathlib

import pytest

from telford.app import loading
from telford.backends import files
from telford.basics.diagnostics import Severity
from telford.estate import overlays
from telford.estate.model import Loaded

SAMPLES = pathlib.Path(__file__).resolve().parent / "samples"
OURS = """\
apiVersion: telford/v1
kind: Environment
name: prod
---
apiVersion: telford/v1
kind: Team
name: team-shop
---
apiVersion: telford/v1
kind: Service
name: pay
owner: team/team-shop
run: {image: "pay:1", ports: [{port: 8080}]}
"""
SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: pay-works}
spec:
  service: pay
  budgetingMethod: Occurrences
  timeWindow: [{duration: 28d, isRolling: true}]
  indicator:
    spec:
      ratioMetric:
        good: {metricSource: {type: Prometheus, spec: {query: 'ok_total'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'all_total'}}}
  objectives: [{target: 0.99}]
"""


def load(**texts: str) -> Loaded:
    return loading.of_texts(files.Texts({f"{name}.yaml": text for name, text in texts.items()}))


def errors(loaded: Loaded) -> list[str]:
    return [d.summary for d in loaded.diagnostics if d.severity is Severity.ERROR]


def test_an_objective_knows_the_line_of_the_foreign_text():
    loaded = load(ours=OURS + "---\n" + SLO)
    assert errors(loaded) == []
    links = overlays.chain(loaded.estate, "objective/pay-works", None, "target")
    assert links[-1].value == "99%"
    position = links[-1].position
    assert position is not None
    line = (OURS + "---\n" + SLO).splitlines()[position.line - 1]
    assert line[position.column - 1 :].startswith("0.99")


def test_a_foreign_document_refers_to_ours_and_a_wrong_name_is_an_error_at_its_place():
    loaded = load(ours=OURS, slo=SLO.replace("service: pay", "service: pya"))
    (problem,) = [d for d in loaded.diagnostics if d.code == "TEL130"]
    assert problem.position is not None
    assert (problem.position.file, problem.position.line) == ("slo.yaml", 5)
    assert "pay" in problem.fix


def test_what_the_estate_describes_itself_counts():
    component = (SAMPLES / "backstage" / "more" / "pay.yaml").read_text("utf-8").split("---")[0]
    loaded = load(ours=OURS, catalog=component.replace("system: shop, ", ""))
    assert errors(loaded) == []
    assert [d.code for d in loaded.diagnostics if d.severity is Severity.INFO] == ["TEL127"]
    assert overlays.one(loaded.estate, "service/pay").file == "ours.yaml"


def test_descriptors_alone_are_an_estate():
    text = (SAMPLES / "backstage" / "catalog-info.yaml").read_text("utf-8")
    loaded = load(catalog=text)
    assert errors(loaded) == []
    assert overlays.one(loaded.estate, "service/cart").spec.owner == "team/team-shop"


def test_a_workload_of_score_is_on_the_road_and_built():
    text = (SAMPLES / "score" / "score.yaml").read_text("utf-8")
    loaded = load(ours=OURS, score=text)
    worker = overlays.one(loaded.estate, "service/worker").spec
    assert getattr(worker, "road", "") == "paved"


@pytest.mark.parametrize(
    "text", ["apiVersion: openslo/v1\n", "apiVersion: openslo/v1\nkind: SLO\n"]
)
def test_a_broken_foreign_document_is_a_diagnostic(text):
    loaded = load(ours=OURS, slo=text)
    assert any(d.position and d.position.file == "slo.yaml" for d in loaded.diagnostics)
    assert "service/pay" in loaded.estate.entities


def test_other_formats_are_left_alone_with_one_warning():
    loaded = load(ours=OURS, pod="apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n")
    (problem,) = [d for d in loaded.diagnostics if d.position and d.position.file == "pod.yaml"]
    assert problem.code == "TEL111"
    assert problem.severity is Severity.WARNING
