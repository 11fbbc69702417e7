"""Quarantine: a version that is not to come back into a place, whoever brings it. Pure.

A rollback is two things: the version before it runs again, and the bad one is kept out, because
whatever applies a Git folder would bring it back with its next synchronisation. A quarantine names
the digest of the release and its image. It is lifted by a person with a reason, never by time.
Called by `telford.flows.gitops`, `telford.app.promotion` and `telford.app.quarantine`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from telford.basics.errors import RefusedError

# Something that brings a version back as often is at war with us: a person must look at it.
MAX_RETURNS = 5
CONTROLLER = "controller"
# The ends of a release by which its own evidence condemned it. One that a person aborted, or that
# never got ready, is no proof against the version.
CONDEMNED = frozenset({"rolled-back"})


@dataclass(frozen=True, slots=True)
class Quarantine:
    """One version of one service kept out of one place.

    `id` names the release (or the person's act) that it comes from, so that the same one is written
    once; `digest` is the release's; `image` is empty where it has none. `returns` counts how often
    it came back and was taken out again; `alarm` is when that was too often, None before.
    """

    id: str
    place: str
    service: str
    version: str
    digest: str
    image: str
    reason: str
    who: str
    at: float
    returns: int = 0
    alarm: float | None = None
    lifted_at: float | None = None
    lifted_by: str = ""
    lift_reason: str = ""

    @property
    def active(self) -> bool:
        """Whether it holds."""
        return self.lifted_at is None

    @property
    def sentence(self) -> str:
        """What it says to people."""
        return f"version {self.version} of {self.service} is quarantined in {self.place}: {self.reason}"


def standing(
    known: Iterable[Quarantine], *, digest: str = "", version: str = "", image: str = ""
) -> Quarantine | None:
    """The active one that a version meets: by its digest, its image or, where neither is known, by
    its name. `known` are those of one service in one place.
    """
    for one in known:
        if one.active and _same(one, digest, version, image):
            return one
    return None


def _same(one: Quarantine, digest: str, version: str, image: str) -> bool:
    if digest and digest == one.digest:
        return True
    if image and one.image:
        return image == one.image
    return bool(version) and version == one.version


def refuse(known: Iterable[Quarantine], *, digest: str, version: str, image: str = "") -> None:
    """Raise `RefusedError` where a version may not go there."""
    found = standing(known, digest=digest, version=version, image=image)
    if found is not None:
        raise RefusedError(
            found.sentence,
            fix=f"release another version, or: telford quarantine lift {found.id} --reason WHY",
        )


def returned(one: Quarantine) -> bool:
    """Whether it is taken out once more: True until `MAX_RETURNS` times are reached."""
    return one.returns < MAX_RETURNS
