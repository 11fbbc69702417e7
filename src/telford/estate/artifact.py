"""An artifact: one file that a target renders, and the address it came from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Artifact:
    """One generated file.

    `path` is relative, with ``/``; `text` ends in a newline; `owner` is the address in the estate
    that caused it (``service/orders``); `target` is the name of the target that rendered it;
    `place` is the environment, or environment/region, it was rendered for.
    """

    path: str
    text: str
    owner: str
    target: str
    place: str
