"""Rendering again after edits gives what rendering anew gives, whatever was edited."""

import pathlib

import pytest
import rendered

import estate_edits
from telford.app import loading, rendering
from telford.estate import overlays
from telford.estate.model import Estate
from telford.render import again, registry
from telford.render.scene import World

_PAIR = rendered.service("page") + rendered.service("cart", "uses: [{datastore: carts}]\n")
_STORE = rendered.service(
    "carts",
    "engine: redis\nrun: {image: redis:7.1, ports: [{name: data, port: 6379}]}\n",
    kind="Datastore",
)
# So many edits in a row, each seeded: a different kind of document each time.
EDITS = 3


def _world(estate: Estate) -> World:
    return rendering.world(estate, overlays.places(estate), registry.TARGETS)


def _texts(renderer: again.Renderer) -> dict[str, str]:
    found = {}
    for one in renderer.renderings.values():
        for unit in one.units:
            assert unit.path not in found, unit.path
            found[unit.path] = unit.make()
    return found


def _said(renderer: again.Renderer) -> set[str]:
    return {
        f"{said.code} {said.address} {said.position} {said.summary}"
        for one in renderer.renderings.values()
        for said in one.diagnostics
    }


@pytest.mark.parametrize("name", estate_edits.ESTATES)
def test_edits_in_a_row_give_the_texts_of_a_fresh_rendering(name: str, tmp_path: pathlib.Path):
    edits = estate_edits.Edits(name, tmp_path)
    reloader = loading.Reloader([tmp_path])
    renderer = again.Renderer(tuple(registry.BY_NAME.values()))
    renderer.update(_world(reloader.estate().estate))
    for _ in range(EDITS):
        edits.make()
        estate = reloader.estate().estate
        renderer.update(_world(estate))
        fresh = again.Renderer(tuple(registry.BY_NAME.values()))
        fresh.update(_world(estate))
        assert _texts(renderer) == _texts(fresh)
        assert _said(renderer) == _said(fresh)


def test_an_edit_asks_only_whoever_read_the_document(tmp_path: pathlib.Path):
    """An edit of nothing asks nobody; one of a store asks for it, and for the place as a whole."""
    (tmp_path / "estate.yaml").write_text(rendered.PLACES + _PAIR, encoding="utf-8")
    store = tmp_path / "store.yaml"
    store.write_text(_STORE, encoding="utf-8")
    reloader = loading.Reloader([tmp_path])
    renderer = again.Renderer([registry.BY_NAME["kubernetes"]])
    renderer.update(_world(reloader.estate().estate))
    assert not renderer.update(_world(reloader.estate().estate)).again
    store.write_text(_STORE.replace("redis:7.1", "redis:7.2"), encoding="utf-8")
    asked = renderer.update(_world(reloader.estate().estate)).again
    addresses = {piece.address for piece in asked if piece.hook == "entity"}
    # The cart dials the store, so its openings were read from it; the page knows neither.
    assert addresses == {"datastore/shop.carts", "service/shop.cart"}
