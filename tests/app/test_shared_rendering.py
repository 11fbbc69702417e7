"""How many processes render an estate changes nothing in what is built."""

import pytest

import optional
from telford.app import loading, rendering, shares
from telford.app.desires import Scope
from telford.backends import forking
from telford.plan.actions import Inventory


@pytest.mark.parametrize("name", ["shop", "organisation"])
def test_one_process_and_three_make_the_same(name: str, monkeypatch: pytest.MonkeyPatch):
    estate = loading.load_folder(optional.REPOSITORY / "examples" / name / "estate").estate
    targets = rendering.chosen(estate, Scope())
    monkeypatch.setattr(shares, "WORTH_ASKING", 0)
    made = []
    for cores in (1, 3):
        monkeypatch.setattr(forking, "cores", lambda cores=cores: cores)
        world = rendering.world(estate, rendering.places(estate, Scope()), targets)
        one = shares.render(world, Inventory(), "code", elsewhere=True)
        said = sorted(f"{d.code} {d.position} {d.summary}" for d in one.said)
        made.append((one.entries, one.texts, said, one.hit))
    assert made[0] == made[1]


def test_a_text_whose_key_is_known_is_made_when_it_is_wanted_after_all():
    estate = loading.load_folder(optional.REPOSITORY / "examples" / "shop" / "estate").estate
    targets = rendering.chosen(estate, Scope())
    places = rendering.places(estate, Scope())
    first = shares.render(
        rendering.world(estate, places, targets), Inventory(), "code", elsewhere=True
    )
    known = Inventory(first.entries)
    second = shares.render(rendering.world(estate, places, targets), known, "code", elsewhere=True)
    assert second.texts == {}
    assert {path: second.text(path) for path in first.entries} == first.texts
