"""Whether an estate gives back what it was imported from: build every environment, read what was
built, and compare it with the input object by object.

A file counts as Kubernetes where it holds objects (`telford.intake.kubernetes.objects`); nothing
is written. Called by `telford.cli.import_` for ``--verify``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from telford.app import loading
from telford.basics.errors import UsageError
from telford.estate import overlays
from telford.estate.model import Binding, Estate
from telford.estate.place import Place
from telford.intake import yamlstream
from telford.intake.kubernetes import objects
from telford.render import registry
from telford.render.kubernetes import target
from telford.road import found as as_found
from telford.road import sameness
from telford.road.sameness import Comparison


@dataclass(frozen=True, slots=True)
class Verified:
    """The comparison of each environment, by name, in the order in which they were given."""

    environments: Mapping[str, Comparison] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every difference of every environment is explained."""
        return all(comparison.ok for comparison in self.environments.values())

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "ok": self.ok,
            "environments": {name: item.as_json() for name, item in self.environments.items()},
            "rules": {
                name: {"forgives": rule.forgives, "why": rule.why, "source": rule.source}
                for name, rule in sameness.rules().items()
            },
        }


def verify(estate: Estate, inputs: Mapping[str, Mapping[str, str]]) -> Verified:
    """Compare what each environment builds to with what it was imported from.

    `inputs` maps the name of an environment to its input: file name -> text. Raises `UsageError`
    for an environment that the estate does not have.
    """
    with loading.undisturbed():
        return Verified({name: _compared(estate, name, texts) for name, texts in inputs.items()})


def _compared(estate: Estate, environment: str, texts: Mapping[str, str]) -> Comparison:
    found = objects.read(texts)
    binding = overlays.bind(estate, _place(estate, environment))
    return sameness.compare(
        [item.original for item in found.objects],
        list(_built(binding)),
        carried=_carried(binding),
        replaced=[item.original for item in found.replaced if not item.kind.endswith("List")],
    )


def _place(estate: Estate, environment: str) -> Place:
    """The place of an environment; of one with regions, the first of them."""
    places = [place for place in overlays.places(estate) if place.environment == environment]
    if not places:
        names = ", ".join(spec.name for spec in overlays.environments(estate))
        raise UsageError(
            f"the estate has no environment {environment}", fix=f"it has: {names or 'none'}"
        )
    return places[0]


def _built(binding: Binding) -> Iterator[sameness.Object]:
    """Every object of the build, out of the very text that would be written, as kubectl reads it."""
    for artifact in target.TARGET.in_place(registry.scene(binding, [target.NAME])).artifacts():
        for source in yamlstream.read(artifact.text, artifact.path)[0]:
            if isinstance(source.value, dict):
                yield source.value


def _carried(binding: Binding) -> frozenset[sameness.Key]:
    """The objects that are opaque manifests."""
    return frozenset(
        sameness.key(item)
        for bound in binding.of_kind("Manifest")
        for item in as_found.objects(bound.spec)
    )
