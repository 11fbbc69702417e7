"""A place's turn in a rollout, and what people ask of one: the plain values around `waves`.

Apart from it, because the store and the gate of kind "wave" need no numbers.
"""

from dataclasses import dataclass

_DONE = {"pause": "paused", "resume": "resumed", "abort": "aborted"}
VERBS = tuple(_DONE)


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether a place may begin, why, and what opens it; `until` (epoch seconds) where that opens
    by itself.
    """

    place: str
    open: bool
    why: str
    opens: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked of a rollout, one of `VERBS`; `at` is epoch seconds. With `keep` an
    abort leaves the new version where it has everything already.
    """

    verb: str
    who: str
    reason: str
    at: float
    keep: bool = False

    @property
    def says(self) -> str:
        """Who did it and why, in words."""
        return f"{_DONE[self.verb]} by {self.who}" + (f": {self.reason}" if self.reason else "")
