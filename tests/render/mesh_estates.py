"""The three example estates and real ones, as the gateways, meshes and scalers are shown them."""

import functools
import re
from typing import Any

import optional
from telford.backends import files
from telford.basics.diagnostics import Severity
from telford.estate import loading, overlays
from telford.estate.model import Estate, Loaded
from telford.intake import emission
from telford.intake.imported import Options
from telford.intake.kubernetes import reading
from telford.render import registry
from telford.render.artifacts import Rendering
from telford.render.scene import Scene

# What an estate would have to choose for a target to make anything of all of it.
CHOICES = {
    "gateway-api": ("traffic", "gateway-api"),
    "istio": ("mesh", "istio"),
    "linkerd": ("mesh", "linkerd"),
    "keda": ("scaling", "keda"),
}
EXAMPLES = ("shop", "boutique", "organisation")
# Real systems, as they are imported.
REAL = {"online-boutique": "online-boutique/release", "govuk": "govuk"}
# Of govuk one environment is enough.
_FILES = {"online-boutique": "*.yaml", "govuk": "production.yaml"}


_INFERRED = re.compile(r"( +)inferred:\n( +)from:")


@functools.cache
def scenes(name: str, target: str, built: tuple[str, ...] = ()) -> tuple[Scene, ...]:
    """Each place of an estate that chose a target for everything; it is what is built, unless
    others are said.
    """
    estate = _real(name) if name in REAL else _example(name, target)
    return tuple(
        registry.scene(overlays.bind(estate, where), built or [target])
        for where in overlays.places(estate)
    )


def _example(name: str, target: str) -> Estate:
    found = files.read([optional.REPOSITORY / "examples" / name / "estate"])
    texts = {path: _chosen(text, target) for path, text in found.texts.items()}
    return _good(loading.load(texts))


@functools.cache
def _real(name: str) -> Estate:
    """As if all that was found had been brought onto the road and confirmed."""
    source = optional.real_estates() / REAL[name]
    texts = {path.name: path.read_text("utf-8") for path in sorted(source.glob(_FILES[name]))}
    imported = reading.read(texts, Options(environment="imported", fallback="found"))
    found = emission.files(imported.documents)
    return _good(loading.load({path: _on_the_road(text) for path, text in found.items()}))


def _on_the_road(text: str) -> str:
    text = text.replace("road: as-found\n", "road: paved\n")
    return _INFERRED.sub(r"\1inferred:\n\2confirmed: true\n\2from:", text)


def _good(loaded: Loaded) -> Estate:
    assert [d for d in loaded.diagnostics if d.severity is Severity.ERROR] == []
    return loaded.estate


def _chosen(text: str, target: str) -> str:
    """The words of an architecture and of its recipes, replaced where they are about the aspects
    in question.
    """
    if "kind: Architecture" not in text or target not in CHOICES:
        return text
    aspects = {"traffic": "ingress", "mesh": "none", "scaling": "horizontal-pod-autoscaler"}
    aspect, way = CHOICES[target]
    if target == "istio":
        text = text.replace("  traffic: ingress\n", "  traffic: istio\n")
    text = text.replace(f"  {aspect}: {aspects[aspect]}\n", f"  {aspect}: {way}\n")
    lines = (line for line in text.splitlines(keepends=True) if not line.startswith("choices: {"))
    return "".join(lines)


@functools.cache
def renderings(name: str, target: str) -> tuple[Rendering, ...]:
    """What a target makes of each place of an estate."""
    return tuple(registry.BY_NAME[target].in_place(scene) for scene in scenes(name, target))


def objects(name: str, target: str) -> list[dict[str, Any]]:
    """Every object that a target makes of an estate; no two of one place are called the same."""
    found = []
    for one in renderings(name, target):
        items = [item for unit in one.units for item in unit.objects()]
        keys = [(item["kind"], item["apiVersion"], *_named(item["metadata"])) for item in items]
        assert len(keys) == len(set(keys))
        found += items
    return found


def _named(metadata: dict[str, Any]) -> tuple[str, str]:
    return metadata["namespace"], metadata["name"]
