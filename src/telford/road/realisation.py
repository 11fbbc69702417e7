"""How a thing is realised in a place: the defaults that are in force for it, and the ways chosen.

A **recipe** says for what it matches (kind, class, provider, environment, region, tier) which way
is taken and which defaults hold; the most special recipe wins. A **choice** is made in an aspect:
the road's aspects and their ways are `ASPECTS`. Made by `telford.road.recipes`; called by
`telford.render.scene`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    """Why a value or a way is what it is: the document that says it (the address of a recipe or an
    architecture), what of the thing it matched (`why`, "" where it is for everything), where it is
    written, what it says, and the document's own words about it.
    """

    recipe: str
    why: str = ""
    position: Position | None = None
    value: Any = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of what is built: the objects (``Deployment/orders``, already in the thing's name) or
    files that it is for, whose, and what is merged over them (`telford.road.patch`). `document` says
    it, at `position`, which no two patches share.
    """

    object: str
    file: str
    target: str
    merge: Mapping[str, Any]
    document: str
    position: Position


@dataclass(frozen=True, slots=True)
class Realisation:
    """What holds for one thing in one place.

    `reasons` are by ``choices.ASPECT`` and ``defaults.TABLE.ENTRY`` (as they are written in YAML),
    for what a document said; `said` has all that had a say by the same names, weakest first.
    `digest` names the choices and defaults, for the keys of what is rendered; "" where they are
    the road's. Its text (`repr`) is what holds and not who said so: keys are made of it.
    """

    defaults: defaults.Defaults
    choices: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, Reason] = field(default_factory=dict, repr=False)
    digest: str = ""
    patches: tuple[Patch, ...] = field(default=(), repr=False)
    said: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict, repr=False)

    def choice(self, aspect: str, targets: tuple[str, ...] = ()) -> str:
        """See `choose`."""
        return choose(self.choices, aspect, targets)


def choose(choices: Mapping[str, str], aspect: str, targets: tuple[str, ...] = ()) -> str:
    """The way of an aspect: what is said, else the first way that is a target of the build, else the
    road's.
    """
    ways = ASPECTS[aspect]
    said = choices.get(aspect)
    return said or next((way for way in ways if way in targets), ways[0])


def own() -> Realisation:
    """The road's own: no recipe had a say."""
    return Realisation(defaults.defaults())
