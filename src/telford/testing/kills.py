"""Killing a simulated controller at a named boundary."""

from collections import Counter


class Killed(BaseException):
    """Not an Exception: nothing on the way may catch it, as nothing catches SIGKILL."""


class KillAt:
    """Raises at the `occurrence`-th time (from 1) that a boundary is reached; counts all of them."""

    def __init__(self, name: str = "", when: str = "", occurrence: int = 0) -> None:
        self._at = (name, when, occurrence)
        self.reached: Counter[tuple[str, str]] = Counter()

    def reach(self, name: str, when: str) -> None:
        """See `telford.flows.boundaries.Boundaries.reach`."""
        self.reached[name, when] += 1
        if (name, when, self.reached[name, when]) == self._at:
            raise Killed(f"{when} {name}")
