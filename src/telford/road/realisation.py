"""How a thing is realised in a place: the defaults that are in force for it, and the ways chosen.

A **recipe** says for what it matches (kind, class, provider, environment, region, tier) which way
is taken and which defaults hold; the most special recipe wins. A **choice** is made in an aspect:
the road's aspects and their ways are `ASPECTS`. Called by `telford.render.scene`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from telford.basics.diagnostics import Position
from telford.road import defaults

# Aspect -> its ways; the first is taken where nothing says otherwise. A way that is the name of a
# target is taken by itself where that target is built and the first is not the estate's own word.
ASPECTS: Mapping[str, tuple[str, ...]] = {
    # Who lets requests in.
    "traffic": ("ingress", "gateway-api", "istio"),
    # Who proves identities between services and authorises their calls.
    "mesh": ("none", "istio", "linkerd"),
    # What changes the number of replicas.
    "scaling": ("horizontal-pod-autoscaler", "keda"),
    # How metrics of a workload are found.
    "monitoring": ("scrape", "prometheus-operator"),
    # What lays manifests out for whoever applies them.
    "packaging": ("kubernetes", "kustomize", "helm"),
    # Who applies them.
    "delivery": ("push", "argo-cd", "flux"),
    # Where a change is built and checked.
    "pipeline": ("none", "github-actions", "gitlab-ci", "jenkins"),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a value or a way is what it is: the recipe, what matched, and where it is written."""

    recipe: str
    why: str = ""
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Realisation:
    """What holds for one thing in one place.

    `reasons` are by ``choices.ASPECT`` and ``defaults.TABLE.ENTRY``, for what a recipe said.
    `digest` names all of it, for the keys of what is rendered.
    """

    defaults: defaults.Defaults
    choices: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, Reason] = field(default_factory=dict)
    digest: str = ""

    def choice(self, aspect: str, targets: tuple[str, ...] = ()) -> str:
        """The way of an aspect: a recipe's word, else the first way that is a target of the build,
        else the road's.
        """
        ways = ASPECTS[aspect]
        said = self.choices.get(aspect)
        return said or next((way for way in ways if way in targets), ways[0])


def own() -> Realisation:
    """The road's own: no recipe had a say."""
    return Realisation(defaults.defaults())
