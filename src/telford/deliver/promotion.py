"""Promotion: may this release go from one environment to the next, now, and if not why not. Pure.

Promoting is binding the same release in another place; nothing is built again. Environments have an
order; a release takes them one after the other, unless a person says why not. `Standing` is what a
service is in one place; `verdict` answers for one place. Called by `telford.app.promotion`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from telford.basics import units
from telford.deliver.quarantine import Quarantine, standing


@dataclass(frozen=True, slots=True)
class Standing:
    """What a service is in one place: the stable version there and since when, and what is on its
    way (the id of a release, "" for none).
    """

    place: str
    environment: str
    version: str
    digest: str
    image: str
    since: float
    release: str = ""
    underway: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """How a release gets into an environment: from which one before, after how many seconds there,
    and whether by itself.
    """

    environment: str
    before: str
    after_seconds: float = 0.0
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a release may go: `refusals` say why never as it is, `waits` why not yet, `opens_at`
    (epoch seconds) when the last wait is over, None where that is not a matter of time.
    """

    refusals: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    opens_at: float | None = None

    @property
    def open(self) -> bool:
        """Whether it may go now."""
        return not self.refusals and not self.waits


def order(environments: Sequence[str], to: str) -> tuple[str, ...]:
    """The environments before one, the nearest first."""
    return tuple(reversed(environments[: list(environments).index(to)]))


def verdict(
    offered: Standing,
    here: Standing | None,
    before: Sequence[Standing],
    way: Way,
    quarantined: Sequence[Quarantine],
    now: float,
) -> Verdict:
    """Whether `offered` (what is stable somewhere) may go to the place where `here` is stable.

    `before` is the service in every place of `way.before`; `quarantined` are the service's
    quarantines in both environments. Skipping an environment is `offered` from another one.
    """
    refusals = [*_order(offered, way), *_missing(offered, before, way)]
    known = standing(
        quarantined, digest=offered.digest, version=offered.version, image=offered.image
    )
    if known is not None:
        refusals.append(known.sentence)
    if here is not None and here.digest == offered.digest:
        refusals.append(f"{here.place} has {here.version} already")
    waits = [f"{here.underway} is on its way there"] if here is not None and here.underway else []
    opens = max((one.since for one in before), default=offered.since) + way.after_seconds
    if not refusals and opens > now:
        left = units.duration_text(math.ceil(opens - now))
        waits.append(f"it stays in {way.before} for {left} more before it goes on")
    timed = opens if opens > now and len(waits) == 1 and not (here and here.underway) else None
    return Verdict(tuple(refusals), tuple(waits), timed)


def _order(offered: Standing, way: Way) -> list[str]:
    if not way.before or offered.environment == way.before:
        return []
    origin = offered.environment
    return [f"{way.environment} comes after {way.before}, and this release comes from {origin}"]


def _missing(offered: Standing, before: Sequence[Standing], way: Way) -> list[str]:
    """It must be the stable one wherever the environment before has the service."""
    if offered.environment != way.before:
        return []
    others = [one for one in before if one.digest != offered.digest]
    return [f"{one.place} has {one.version}, not {offered.version}" for one in others]
