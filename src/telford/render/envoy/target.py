"""Target `envoy`: the static configuration of a proxy at the edge of each place.

It leads whatever comes from outside to where the estate says, whatever else was chosen for that:
for machines without a cluster's own gateway, and for looking at what one would do. Called by
`telford.render.registry`.
"""

from functools import partial

from telford.render import manifests
from telford.render.artifacts import NOTHING, Rendering, Unit, key
from telford.render.envoy import bootstrap, clusters, problems, routes
from telford.render.scene import Scene
from telford.render.target import Target
from telford.road import heading, ways_in, yamlout

NAME = "envoy"


def _place(scene: Scene) -> Rendering:
    """One file for the place; none where nothing comes from outside."""
    every = [way for way in scene.incoming if way.paved]
    ways = [way for way in every if way.protocol in ("http", "grpc")]
    said = [
        item
        for way in every
        if way not in ways
        for item in problems.misfits(scene.bound(way.owner), way)
    ]
    if not ways:
        return Rendering((), tuple(said)) if said else NOTHING
    hosts = routes.hosts(ways)
    owner = manifests.environment(scene)
    said += problems.in_the_clear(scene.bound(owner), hosts)
    config = bootstrap.config(hosts, list(clusters.clusters(scene, _backends(ways))))
    text = heading.comment(owner) + yamlout.document(config)
    path = f"{NAME}/{scene.place}/envoy.yaml"
    unit = Unit(path, owner, NAME, scene.place, key(path, text), partial(str, text))
    return Rendering((unit,), tuple(said))


def _backends(ways: list[ways_in.WayIn]) -> list[ways_in.Backend]:
    """Every backend once, by name."""
    every = (to for way in ways for rule in way.rules for to in rule.to)
    found = {clusters.name(to): to for to in every}
    return [found[name] for name in sorted(found)]


TARGET = Target(NAME, "Static configuration of an Envoy proxy at the edge", place=_place)
