"""Estates for the tests of the targets, bound and rendered."""

import pathlib

import quick_yaml as yaml
from telford.estate import loading, overlays
from telford.estate import place as places
from telford.estate.model import Binding, Estate
from telford.render import registry
from telford.render.artifacts import Rendering

PLACES = """\
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: System
name: shop
owner: team/shop
---
apiVersion: telford/v1
kind: Environment
name: dev
order: 1
---
apiVersion: telford/v1
kind: Environment
name: prod
order: 2
production: true
---
"""


def service(name: str, fields: str = "", kind: str = "Service", image: str = "shop/x:1.0.0") -> str:
    """One document; `fields` is more YAML."""
    run = f"run: {{image: '{image}'}}\n" if image and "run:" not in fields else ""
    head = f"apiVersion: telford/v1\nkind: {kind}\nname: {name}\nsystem: shop\nowner: team/shop\n"
    return f"{head}{run}{fields}\n---\n"


def objective(name: str, sli: str, target: str = "99.9%", more: str = "") -> str:
    """An objective of service orders."""
    return service(
        name, f"service: orders\ntarget: {target}\nsli: {sli}\n{more}", kind="Objective", image=""
    )


def estate(text: str) -> Estate:
    """The estate of a text in which nothing is wrong."""
    loaded = loading.load({"estate.yaml": PLACES + text})
    assert loaded.diagnostics == ()
    return loaded.estate


def bound(text: str, place: str = "prod") -> Binding:
    return overlays.bind(estate(text), places.parse(place))


def rendering(text: str, target: str, place: str = "prod") -> Rendering:
    return in_place(bound(text, place), target)


def in_place(binding: Binding, target: str) -> Rendering:
    """What one target, built alone, gives for a place."""
    return registry.BY_NAME[target].in_place(registry.scene(binding, [target]))


def objects(text: str, place: str = "prod") -> dict[str, dict]:
    """Every Kubernetes object by kind/name."""
    found = {}
    for artifact in rendering(text, "kubernetes", place).artifacts():
        for item in yaml.safe_load_all(artifact.text):
            title = f"{item['kind']}/{item['metadata']['name']}"
            assert title not in found, title
            found[title] = item
    return found


def codes(text: str, target: str, place: str = "prod") -> list[str]:
    return [d.code for d in rendering(text, target, place).diagnostics]


def write(rendered: Rendering, folder: pathlib.Path) -> list[pathlib.Path]:
    """The artifacts as files."""
    paths = []
    for artifact in rendered.artifacts():
        path = folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(artifact.text, encoding="utf-8")
        paths.append(path)
    return paths
