"""Which alerts are held back because of another: symptoms of what a critical dependency has.

An alert on what something needs holds back the alerts on that something, and those who own the
cause are told. Nothing is held back without somebody being told at least as loudly:

- only confirmed critical dependencies count; from a guess follows nothing;
- within a circle of dependencies nothing is held back, or each would hold back the other; between
  circles there is an order, so of all that fires at once something is always said;
- the cause must be as loud as its symptoms, and its owner must be reachable.

Called by `target`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from telford.estate.kinds import promises, structure
from telford.render.alertmanager import levels
from telford.render.scene import Scene
from telford.road import conventions

_PLACE = ["environment", "region", "cluster"]
_ABOUT = conventions.ALERT_LABEL_ABOUT


def critical(scene: Scene) -> dict[str, tuple[str, ...]]:
    """Canonical address -> what it cannot do without, where that is declared or confirmed."""
    users = [address for address, _ in scene.of_kind("Service", "Datastore")]
    found = zip(users, scene.each(_needed, users), strict=True)
    return {user: servers for user, servers in found if servers}


def _needed(scene: Scene, address: str) -> tuple[str, ...]:
    spec = scene.bound(address).spec
    assert isinstance(spec, structure.Service | structure.Datastore), "only these use others"
    needed = (_server(scene, use, spec.system) for use in spec.uses if _counts(use))
    return tuple(sorted({one for one in needed if one is not None and one != address}))


def _counts(use: structure.Use) -> bool:
    return use.critical and use.policed


def _server(scene: Scene, use: structure.Use, system: str | None) -> str | None:
    """What is used; a stream is its broker, where the estate runs one."""
    kind, text = use.target
    target = scene.find(kind, text, system)
    if target is None:
        return None
    spec = scene.bound(target).spec
    if isinstance(spec, structure.Stream) and spec.broker is not None:
        return scene.find("service", spec.broker, spec.system) or target
    return target


def circles(needs: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Address -> the number of the group in which each needs each (Kosaraju, without recursion)."""
    order: list[str] = []
    seen: set[str] = set()
    for start in needs:
        order += _finished(start, needs, seen)
    users: dict[str, list[str]] = {}
    for user, servers in needs.items():
        for server in servers:
            users.setdefault(server, []).append(user)
    group: dict[str, int] = {}
    reached: set[str] = set()
    for number, start in enumerate(reversed(order)):
        for member in _finished(start, users, reached):
            group[member] = number
    return group


def _finished(start: str, links: Mapping[str, Iterable[str]], seen: set[str]) -> Iterator[str]:
    """What is reached from a start and was not seen before, each after all that it leads to."""
    if start in seen:
        return
    seen.add(start)
    path = [(start, iter(links.get(start, ())))]
    while path:
        here, ways = path[-1]
        following = next((one for one in ways if one not in seen), None)
        if following is None:
            path.pop()
            yield here
        else:
            seen.add(following)
            path.append((following, iter(links.get(following, ()))))


@dataclass(frozen=True, slots=True)
class Voices:
    """Who may raise what: addresses with symptoms (somebody promised something of them), and those
    that may be a cause (they run here, or something is promised of them) with an owner who hears.
    """

    symptoms: frozenset[str]
    causes: frozenset[str]


def promised(scene: Scene) -> frozenset[str]:
    """The services that have an objective."""
    found = set()
    for _, bound in scene.of_kind("Objective"):
        spec = bound.spec
        assert isinstance(spec, promises.Objective), "of this kind"
        found.add(scene.find("service", spec.service, spec.system))
    return frozenset(address for address in found if address is not None)


def rules(needs: Mapping[str, tuple[str, ...]], voices: Voices) -> list[dict[str, Any]]:
    """The rules of a place."""
    group = circles(needs)
    users: dict[str, list[str]] = {}
    for user, servers in needs.items():
        for server in servers:
            apart = group[user] != group[server]
            if apart and user in voices.symptoms and server in voices.causes:
                users.setdefault(server, []).append(user)
    return [*_same_thing(), *(_rule(server, users[server]) for server in sorted(users))]


def _same_thing() -> Iterator[dict[str, Any]]:
    """A page about something holds back the tickets that say the same of it."""
    row = levels.table()["inhibition"]
    burn = f'alertname="{conventions.ALERT_BURN}"'
    yield {
        "source_matchers": [burn, 'severity="page"'],
        "target_matchers": [burn, 'severity="ticket"'],
        "equal": ["address", *_PLACE],
    }
    yield {
        "source_matchers": [f'alertname="{conventions.ALERT_UNAVAILABLE}"'],
        "target_matchers": [f'alertname=~"{"|".join(row["lesser"])}"'],
        "equal": [_ABOUT, *_PLACE],
    }


def _rule(server: str, users: list[str]) -> dict[str, Any]:
    row = levels.table()["inhibition"]
    about = "|".join(user.replace(".", r"\.") for user in sorted(users))
    return {
        "source_matchers": [
            f'{_ABOUT}="{server}"',
            f'alertname=~"{"|".join(row["causes"])}"',
            'severity="page"',
        ],
        "target_matchers": [f'{_ABOUT}=~"{about}"', f'alertname=~"{"|".join(row["symptoms"])}"'],
        "equal": _PLACE,
    }
