"""The model: systems, what they are made of, what needs what, and where it all runs. Called by
`target`.

A system is a software system, and every service, data store, stream, pipeline and route in it a
container; what belongs to no system is a software system by itself. https://c4model.com
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property

from telford.estate.edges import Edge, kind_of
from telford.estate.graph import Graph
from telford.estate.kinds import places, structure
from telford.render.scene import Scene, World
from telford.render.structurizr.language import RESERVED, Block, block, call
from telford.road import drawing

# What one thing does to another: by the kind of the edge, and by what a use says.
_DEEDS = {"input": "reads", "output": "writes", "route": "leads to", "broker": "is kept by",
          "dead-letter": "gives up to"}  # fmt: skip
_ACCESS = {"read": "reads", "write": "writes", "readwrite": "reads and writes"}
_ROLES = {"publish": "publishes", "consume": "consumes"}
_FOREIGN = re.compile(r"[^a-z0-9]+")


class Model:
    """An estate as software systems and containers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.graph = Graph(world.estate)
        self.systems = tuple(str(e.address) for e in world.estate.of_kind("System"))
        self.members = drawing.by_system(self.graph.things)

    @cached_property
    def names(self) -> dict[str, str]:
        """Address -> identifier: the name of a system; the system's and its own of a thing; with
        the kind, where two are called alike.
        """
        found: dict[str, str] = {}
        used = set(RESERVED)
        for address in (*self.systems, *self.graph.things):
            kind, _, name = address.partition("/")
            word = plain = _FOREIGN.sub("_", name)
            number = 1
            while word in used:
                word = f"{plain}_{kind}" if number == 1 else f"{plain}_{kind}_{number}"
                number += 1
            used.add(word)
            found[address] = word
        return found

    @cached_property
    def titles(self) -> dict[str, str]:
        """Address of a thing -> what people call it: its name, with its kind where another thing of
        the same system has that name.
        """
        heads = {a: a.partition("/")[2] for a in self.graph.things}
        count = Counter(heads.values())
        return {
            address: head.rpartition(".")[2] + (f" ({kind_of(address)})" * (count[head] > 1))
            for address, head in heads.items()
        }

    def block(self) -> Block:
        """The whole model."""
        return block("model", [*self._systems(), *self._relations(), *self._environments()])

    def _systems(self) -> Iterator[Block]:
        """Systems by domain, then what belongs to none."""
        domains: dict[str, list[Block]] = {}
        for entity in self.world.estate.of_kind("System"):
            domain = entity.spec.domain if isinstance(entity.spec, structure.System) else None
            domains.setdefault(domain or "", []).append(self._system(str(entity.address)))
        for domain, inner in sorted(domains.items()):
            yield from [block(call("group", domain), inner)] if domain else inner
        for address in self.graph.things:
            if not self.graph.system_of(address):
                yield block(self._named(address, "softwareSystem"))

    def _system(self, address: str) -> Block:
        spec = self.graph.spec(address)
        tags = _tags("System", self.graph.owner_of(address))
        name = address.partition("/")[2]
        head = call("softwareSystem", name, spec.description, tags)
        inner = [block(self._named(one, "container")) for one in self.members.get(name, ())]
        return block(f"{self.names[address]} = {head}", inner)

    def _named(self, address: str, word: str) -> str:
        """The line of a thing. A software system has no technology."""
        spec = self.graph.spec(address)
        tags = _tags(kind_of(address).capitalize(), self.graph.owner_of(address))
        made = [drawing.technology(spec)] if word == "container" else []
        head = call(word, self.titles[address], spec.description, *made, tags)
        return f"{self.names[address]} = {head}"

    def _relations(self) -> Iterator[Block]:
        """What needs what; that a system needs another, Structurizr concludes itself."""
        things = self.graph.things
        for edge in drawing.strongest(self.graph.picture(things), things):
            if edge.source != edge.target:
                yield block(self._relation(edge))

    def _relation(self, edge: Edge) -> str:
        made = drawing.technology(self.graph.spec(edge.target))
        tag = "Inferred" if not edge.policed else "" if edge.critical else "Optional"
        ends = f"{self.names[edge.source]} -> {self.names[edge.target]}"
        return call(ends, _deed(edge), made, tag)

    def _environments(self) -> Iterator[Block]:
        """Each environment with its regions and clusters, and what runs there."""
        for name, scenes in self.environments.items():
            inner = [one for scene in scenes if (one := self._nodes(scene)) is not None]
            yield block(call("deploymentEnvironment", name), _merged(inner))

    @cached_property
    def environments(self) -> dict[str, list[Scene]]:
        """Environment -> its places in which something runs, in the order of the environments."""
        found: dict[str, list[Scene]] = {}
        for scene in self.world.scenes:
            if any(self.runs(scene, address) for address in self.graph.things):
                found.setdefault(scene.binding.place.environment, []).append(scene)
        return found

    def runs(self, scene: Scene, address: str) -> bool:
        """Whether a thing stands somewhere in a place; a route is only a way there."""
        return kind_of(address) != "route" and address in scene.binding.entities

    def _nodes(self, scene: Scene) -> Block | None:
        """The nodes of a place, outermost first."""
        place = scene.binding.place
        inner = [
            block(f"{'containerInstance' if self._held(one) else 'softwareSystemInstance'} {name}")
            for one, name in self.names.items()
            if one in scene.binding.entities and self.runs(scene, one) and one not in self.systems
        ]
        parts = [("cluster", place.cluster), ("region", place.region)]
        heads = [self._node(kind, name) for kind, name in parts if name]
        for head in heads or [call("deploymentNode", place.environment)]:
            inner = [block(head, inner)]
        return inner[0]

    def _held(self, address: str) -> bool:
        return f"system/{self.graph.system_of(address)}" in self.names

    def _node(self, kind: str, name: str) -> str:
        found = self.world.estate.find(f"{kind}/{name}")
        spec = found[0].spec if found else None
        made = ""
        if isinstance(spec, places.Region):
            made = spec.provider
        elif isinstance(spec, places.Cluster):
            made = spec.service or spec.type
        return call("deploymentNode", name, spec.description if spec else "", made)


def _merged(nodes: list[Block]) -> list[Block]:
    """Nodes of the same line as one: two clusters stand in one region."""
    found: dict[str, Block] = {}
    for node in nodes:
        known = found.get(node.line)
        found[node.line] = block(node.line, [*(known.inner if known else ()), *node.inner])
    return list(found.values())


def _deed(edge: Edge) -> str:
    said = _ACCESS.get(edge.access or "") or _ROLES.get(edge.role or "")
    return said or _DEEDS.get(edge.kind) or ("calls" if "service/" in edge.target else "uses")


def _tags(*words: str) -> str:
    return ",".join(filter(None, words))
