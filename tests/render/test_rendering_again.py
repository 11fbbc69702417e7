"""Rendering again after edits gives what rendering anew gives, whatever was edited."""

import pathlib
import random

import pytest
import rendered

import optional
from telford.app import loading, rendering
from telford.estate import overlays
from telford.estate.model import Estate
from telford.render import again, registry
from telford.render.scene import World

ESTATES = ("shop", "boutique", "organisation")
_PAIR = rendered.service("page") + rendered.service("cart", "uses: [{datastore: carts}]\n")
_STORE = rendered.service(
    "carts",
    "engine: redis\nrun: {image: redis:7.1, ports: [{name: data, port: 6379}]}\n",
    kind="Datastore",
)
# So many edits in a row, each seeded: a different kind of document each time.
EDITS = 6


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


def _documents(text: str) -> list[str]:
    return text.split("\n---\n")


def _edited(text: str, dice: random.Random) -> str:
    """Another description, a document less, or a document moved: whatever is still an estate."""
    parts = _documents(text)
    at = dice.randrange(len(parts))
    way = dice.choice(["describe", "remove", "tier", "image", "lines"])
    if way == "remove" and len(parts) > 1:
        del parts[at]
    elif way == "tier":
        parts[at] = parts[at].replace("\ntier: 1\n", "\ntier: 2\n").replace(": 0\n", ": 1\n", 1)
    elif way == "image":
        parts[at] = parts[at].replace(":1.0.0", ":1.0.1").replace(":0.10.3", ":0.10.4")
    elif way == "lines":
        parts[at] = "# a line more\n" + parts[at]
    else:
        parts[at] = parts[at].rstrip("\n") + f"\nx-note: {dice.random()}\n"
    return "\n---\n".join(parts)


@pytest.mark.parametrize("name", ESTATES)
def test_edits_in_a_row_give_the_texts_of_a_fresh_rendering(name: str, tmp_path: pathlib.Path):
    source = optional.REPOSITORY / "examples" / name / "estate"
    for path in source.rglob("*"):
        if path.is_file():
            where = tmp_path / path.relative_to(source)
            where.parent.mkdir(parents=True, exist_ok=True)
            where.write_bytes(path.read_bytes())
    dice = random.Random(f"edits of {name}")
    reloader = loading.Reloader([tmp_path])
    renderer = again.Renderer(registry.TARGETS)
    renderer.update(_world(reloader.estate().estate))
    files = sorted(tmp_path.glob("*.yaml"))
    for _ in range(EDITS):
        path = dice.choice(files)
        path.write_text(_edited(path.read_text(encoding="utf-8"), dice), encoding="utf-8")
        estate = reloader.estate().estate
        renderer.update(_world(estate))
        fresh = again.Renderer(registry.TARGETS)
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
