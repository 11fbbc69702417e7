"""Estates whose objects are laid out by another target and must come back the same."""

import pathlib
import re
import zlib
from collections.abc import Collection, Iterable
from functools import cache

import yaml

import optional
from telford.app import loading, rendering
from telford.basics.diagnostics import Severity
from telford.estate import loading as estate_loading
from telford.estate import overlays
from telford.estate.model import Estate
from telford.intake import emission
from telford.intake.environments import merging
from telford.intake.imported import Imported, Options
from telford.intake.kubernetes import reading
from telford.render import registry
from telford.render.artifacts import Object, Rendering, Unit
from telford.render.scene import Scene, World
from telford.road import sameness

EXAMPLES = ("shop", "boutique", "organisation")
REAL = {"online-boutique": "online-boutique/release", "govuk": "govuk"}


@cache
def example(name: str) -> Estate:
    """One of our own estates."""
    loaded = loading.load_folder(optional.REPOSITORY / "examples" / name / "estate")
    assert not [d for d in loaded.diagnostics if d.severity is Severity.ERROR]
    return loaded.estate


# Of govuk, documents of every so manieth name: kustomize takes four times as long for twice as much.
_EVERY = 5
_NAME = re.compile(r"^  name: (.*)$", re.MULTILINE)


@cache
def real(name: str) -> Estate:
    """A real system as it is imported, each of its environments by its own file."""
    source = optional.real_estates() / REAL[name]
    texts = {path.name: path.read_text("utf-8") for path in sorted(source.glob("*.yaml"))}
    if name == "govuk":
        inputs = {
            file.removesuffix(".yaml"): _read({file: _part(text)}, file.removesuffix(".yaml"))
            for file, text in texts.items()
        }
        imported = merging.merge(inputs)
    else:
        imported = _read(texts, "imported")
    loaded = estate_loading.load(emission.files(imported.documents))
    assert not [d for d in loaded.diagnostics if d.severity is Severity.ERROR]
    return loaded.estate


def _read(texts: dict[str, str], environment: str) -> Imported:
    return reading.read(texts, Options(environment=environment, fallback="found"))


def _part(text: str) -> str:
    """The documents of some names, the same in every environment."""
    documents = text.split("\n---\n")
    return "\n---\n".join(one for one in documents if _is_taken(one))


def _is_taken(document: str) -> bool:
    name = _NAME.search(document)
    return name is not None and zlib.crc32(name[1].encode()) % _EVERY == 0


@cache
def world(name: str, *targets: str) -> World:
    """An estate by its name, as these targets see it."""
    estate = real(name) if name in REAL else example(name)
    return rendering.world(
        estate, overlays.places(estate), [registry.BY_NAME[target] for target in targets]
    )


@cache
def everywhere(name: str, target: str) -> Rendering:
    """What a target makes of an estate that is about no single place."""
    return registry.BY_NAME[target].everywhere(world(name, target))


def expected(scene: Scene) -> dict[sameness.Key, Object]:
    """What `kubernetes` makes for a place, by what it is."""
    units = [*scene.units("kubernetes", "")]
    for address in scene.binding.entities:
        units += scene.units("kubernetes", address)
    return keyed(item for unit in units for item in unit.objects())


def keyed(items: Iterable[Object]) -> dict[sameness.Key, Object]:
    """Objects by what they are; none twice."""
    found: dict[sameness.Key, Object] = {}
    for item in items:
        assert sameness.key(item) not in found, sameness.key(item)
        found[sameness.key(item)] = item
    return found


def read(text: str) -> dict[sameness.Key, Object]:
    """The objects of a stream of documents, by what they are."""
    return keyed(item for item in yaml.load_all(text, _Loader) if item)


class _Loader(yaml.CSafeLoader):
    """Takes `=` for a text, as kubectl writes it."""


_Loader.add_constructor("tag:yaml.org,2002:value", yaml.CSafeLoader.construct_yaml_str)


def write(units: Iterable[Unit], folder: pathlib.Path) -> None:
    """Units as files."""
    for unit in units:
        path = folder / unit.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(unit.make(), encoding="utf-8")


def differences(
    wanted: dict[sameness.Key, Object],
    made: dict[sameness.Key, Object],
    same: Collection[str] = ("order", "quantity"),
) -> dict[str, list[str]]:
    """Every difference of two sets of objects, by object, but for those of rules that are named:
    the order of items with names is none.
    """
    found = {"missing": [str(key) for key in wanted if key not in made]}
    found["added"] = [str(key) for key in made if key not in wanted]
    for key, item in wanted.items():
        said = [
            f"{one.path}: {one.found} | {one.built}"
            for one in sameness.differences_of(item, made.get(key, item))
            if one.rule not in same
        ]
        found[str(key)] = said
    return {name: said for name, said in found.items() if said}
