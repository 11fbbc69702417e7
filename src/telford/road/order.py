"""The order in which things start: what is needed before who needs it, in waves.

Wave 0 critically needs nothing; any other thing comes one wave after the last of what it needs.
What needs itself in a circle is of one wave. Called by the targets that hand manifests to whoever
applies them.
"""

from collections.abc import Iterable, Mapping

import rustworkx

from telford.estate.kinds import structure
from telford.estate.model import Binding
from telford.road import reach

Needs = Mapping[str, frozenset[str]]


def critical_needs(binding: Binding, names: reach.Names) -> dict[str, frozenset[str]]:
    """Address -> what it critically needs in this place, as far as it is declared or confirmed."""
    found: dict[str, frozenset[str]] = {}
    for address, bound in binding.entities.items():
        spec = bound.spec
        if isinstance(spec, structure.Service | structure.Datastore):
            targets = (
                names.find(*use.target, spec.system)
                for use in spec.uses
                if use.critical and use.policed
            )
            found[address] = frozenset(filter(None, targets)) - {address}
    return found


def systems(needs: Needs, binding: Binding) -> dict[str, frozenset[str]]:
    """System -> the other systems that it critically needs; "" for what belongs to none."""
    found: dict[str, set[str]] = {}
    for address, targets in needs.items():
        own = _system(binding, address)
        others = {_system(binding, target) for target in targets}
        found.setdefault(own, set()).update(others - {own})
    return {system: frozenset(others) for system, others in found.items()}


def _system(binding: Binding, address: str) -> str:
    return binding.entities[address].spec.system or ""


def merged(several: Iterable[Needs]) -> dict[str, frozenset[str]]:
    """Who needs what in any of several places."""
    found: dict[str, frozenset[str]] = {}
    for needs in several:
        for name, targets in needs.items():
            found[name] = found.get(name, frozenset()) | targets
    return found


def waves(needs: Needs) -> dict[str, int]:
    """Thing -> its wave, for every thing that is named, by name."""
    nodes = sorted({*needs, *(target for targets in needs.values() for target in targets)})
    number = {name: index for index, name in enumerate(nodes)}
    graph: rustworkx.PyDiGraph[str, None] = rustworkx.PyDiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from_no_data(
        [(number[name], number[target]) for name in nodes for target in sorted(needs.get(name, ()))]
    )
    found: dict[int, int] = {}
    # Components come in reverse topological order: what is needed before who needs it.
    for component in rustworkx.strongly_connected_components(graph):
        inside = set(component)
        below = [
            found[other]
            for node in component
            for other in graph.successor_indices(node)
            if other not in inside
        ]
        wave = max(below, default=-1) + 1
        found.update(dict.fromkeys(component, wave))
    return {name: found[number[name]] for name in nodes}


def before(needs: Needs, name: str) -> tuple[str, ...]:
    """What a thing has to wait for: what it needs, without what needs it back in a circle."""
    known = waves(needs)
    return tuple(sorted(other for other in needs.get(name, ()) if known[other] < known[name]))
