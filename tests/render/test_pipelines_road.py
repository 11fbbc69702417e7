"""What pipelines and delivery share: the order of things, texts with gaps, what a service builds."""

import delivered
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telford.road import order, pipeline, templates

_NAMES = st.sampled_from("abcdefgh")
_NEEDS = st.dictionaries(_NAMES, st.frozensets(_NAMES, max_size=3), max_size=8)


@given(_NEEDS)
def test_what_is_needed_comes_first_unless_it_needs_it_back(needs: dict[str, frozenset[str]]):
    waves = order.waves(needs)
    for name, targets in needs.items():
        for target in targets:
            assert waves[target] <= waves[name]
            assert (waves[target] == waves[name]) == (name in _reached(needs, target))
        assert set(order.before(needs, name)) == {t for t in targets if waves[t] < waves[name]}


def _reached(needs: dict[str, frozenset[str]], start: str) -> set[str]:
    """Everything that is needed from `start` on, itself included."""
    found, left = {start}, [start]
    while left:
        new = needs.get(left.pop(), frozenset()) - found
        found |= new
        left += sorted(new)
    return found


def test_a_gap_alone_on_its_line_takes_a_text_of_several_lines():
    text = "run: |\n  <<script>>\nname: <<name>>\n"
    made = templates.filled(text, {"script": "a\n\n  b\n", "name": "x"})
    assert made == "run: |\n  a\n\n    b\nname: x\n"


def test_a_gap_that_nothing_fills_is_a_mistake():
    with pytest.raises(KeyError):
        templates.filled("<<nothing>>", {})


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("registry.example.com/shop/orders:1.0.0", "registry.example.com/shop/orders"),
        ("registry.example.com:5000/orders", "registry.example.com:5000/orders"),
        ("orders:1@sha256:abc", "orders"),
        ("orders", "orders"),
    ],
)
def test_an_image_is_published_under_its_name_without_a_tag(image: str, repository: str):
    assert pipeline.repository_of(image) == repository


def test_a_service_says_its_sources_itself_or_its_system_does():
    own = delivered.service("mails", 'annotations: {telford.dev/source: "elsewhere"}\n')
    away = delivered.service("orders", "in: {prod/south: null}\n")
    known = delivered.estate(own, away)
    mails, orders = (pipeline.build(known, f"service/shop.{n}") for n in ("mails", "orders"))
    assert mails is not None
    assert mails.source == "elsewhere"
    assert orders is not None
    assert orders.source == "src/orders"
    assert orders.places == ("dev", "prod/north")


def test_what_was_found_as_it_was_gets_no_pipeline():
    known = delivered.estate(delivered.service("orders", "road: as-found\n"))
    assert pipeline.build(known, "service/shop.orders") is None
