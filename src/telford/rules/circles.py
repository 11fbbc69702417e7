"""Ways that come back to where they began. Used by rules about successions, calls and data flows."""

from collections.abc import Iterable, Mapping


def back_to(start: str, following: Mapping[str, Iterable[str]]) -> list[str]:
    """A way from an address back to it, without the last step; empty where there is none."""
    trails = [[start]]
    seen: set[str] = set()
    while trails:
        trail = trails.pop()
        for target in sorted(following.get(trail[-1], ())):
            if target == start:
                return trail
            if target not in seen:
                seen.add(target)
                trails.append([*trail, target])
    return []
