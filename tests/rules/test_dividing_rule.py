"""TEL750: what a delivery asks of a cluster's way of dividing requests, as far as the estate shows it."""

import pytest

from telford.app import loading
from telford.backends import files

HEAD = "apiVersion: telford/v1\n"
ESTATE = f"""{HEAD}kind: Team
name: shop
---
{HEAD}kind: Environment
name: prod
---
{HEAD}kind: Architecture
name: shop
owner: team/shop
targets: [TARGETS]
---
{HEAD}kind: Service
name: orders
owner: team/shop
delivery: safe
run: {{image: "shop/orders:1.0.0", replicas: 2MORE}}
---
{HEAD}kind: Delivery
name: safe
owner: team/shop
FIELDS
"""
CANARY = "steps: [{weight: 33%}]"
FINE = "steps: [{weight: 1%}]"


def said(fields: str, targets: str = "kubernetes", more: str = "", after: str = "") -> list[str]:
    text = ESTATE.replace("TARGETS", targets).replace("FIELDS", fields).replace("MORE", more)
    found = loading.of_texts(files.Texts(texts={"shop.yaml": text + after})).diagnostics
    return [one.summary for one in found if one.code == "TEL750"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (FINE, "get 33% of the requests and not 1.0%"),
        (f"{CANARY}\nmatch: {{header: x-segment, value: b}}", "looks at a request's headers"),
        (f"{CANARY}\nmatch: {{cookie: segment, value: b}}", "looks at a request's cookies"),
        (f"{CANARY}\naffinity: arm", "keeps a user with a version"),
        ("strategy: mirror\nsteps: [{weight: 50%}]", "copies requests"),
    ],
)
def test_what_replica_counts_cannot_do_is_said_by_check(fields: str, words: str) -> None:
    (summary,) = said(fields)
    assert words in summary
    assert said(fields, "kubernetes, istio") == []


def test_nothing_is_said_where_the_estate_does_not_show_it() -> None:
    local = ", local: {command: [serve]}"
    recipe = f"---\n{HEAD}kind: Recipe\nname: meshed\nowner: team/shop\nchoices: {{mesh: istio}}\n"
    assert said(CANARY) == []
    assert said(FINE, more=local) == []
    assert said(FINE, "prometheus") == []
    assert said(FINE, after=recipe) == []
