"""What the pages about recipes and conformance show is good, and does what they say."""

import datetime as dt
import re

import optional
from telford.app import conformance, explain
from telford.basics.diagnostics import Severity
from telford.estate import loading, overlays
from telford.estate.model import Loaded
from telford.render import registry as registry_of_targets
from telford.road import recipes
from telford.rules import registry

GUIDE = (optional.REPOSITORY / "docs/guides/recipes.md").read_text("utf-8")
CONCEPT = (optional.REPOSITORY / "docs/concepts/architecture.md").read_text("utf-8")
AROUND = """\
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: Environment
name: prod
production: true
---
"""
SERVICES = {
    "orders": "tier: 1",
    "outbox": "type: worker",
    "charge": "tier: 0",
    "nightly": "type: job",
}


def loaded() -> Loaded:
    """The examples of both pages, as one estate with services for them."""
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE + CONCEPT, re.DOTALL)
    head = "apiVersion: telford/v1\nkind: Service\nowner: team/shop\n"
    services = [
        f"{head}name: {name}\n{fields}\nrun: {{image: 'x:1', replicas: {1 if name == 'outbox' else 'null'}}}\n"
        for name, fields in SERVICES.items()
    ]
    return loading.load({"estate.yaml": AROUND + "---\n".join([*blocks, *services])})


def test_nothing_is_wrong_with_the_examples():
    found = loaded()
    said = [*found.diagnostics, *registry.check(found, dt.date(2026, 11, 22))]
    # Of the services around the examples only so much is written as they need.
    own = [d for d in said if d.severity is Severity.ERROR or d.code.startswith("TEL27")]
    assert [(d.code, d.summary) for d in own] == []


def test_the_patch_of_the_guide_hits_what_it_says():
    estate = loaded().estate
    scene = registry_of_targets.scene(overlays.bind(estate, overlays.places(estate)[0]), [])
    rendering = registry_of_targets.BY_NAME["kubernetes"].in_place(scene)
    (unit,) = (unit for unit in rendering.units if unit.owner == "service/charge")
    (workload,) = (item for item in unit.objects() if item["kind"] == "Deployment")
    assert workload["metadata"]["annotations"]["example.com/audited"] == "yes"
    assert "revisionHistoryLimit" not in workload["spec"]
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert container["image"] == "x:1"
    assert not [d for d in rendering.diagnostics if d.code.startswith("TEL55")]


def test_the_examples_do_what_the_pages_say():
    estate = loaded().estate
    (origin,) = explain.explain(estate, "service/orders", "run.replicas", "prod").origins
    assert (origin.value, origin.decided.layer) == (3, "recipe/first-tier")
    (origin,) = explain.explain(estate, "service/outbox", "choices.scaling", "prod").origins
    assert origin.decided.layer == "recipe/workers-scale-by-events"
    found = conformance.conformance_of(estate, dt.date(2026, 11, 22), "service/outbox")
    (difference,) = found.rows[0].differences
    assert (difference.why, found.tally.percent) == ("waived", 100)


def test_the_order_of_criteria_is_documented():
    (said,) = re.findall(r"come\s+first in this order: (.*?)\. Two recipes", CONCEPT, re.DOTALL)
    assert re.findall(r"`(\w+)`", said) == [name.strip("_") for name in recipes.CRITERIA]
