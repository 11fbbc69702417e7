"""Waves of a delivery: which places get a version after which, and how many may be out at once."""

from typing import Annotated, Literal

from pydantic import Field

from telford.estate.kinds import base


class Wave(base.Model):
    """Places that may be under way at the same time, as ``prod/eu-west-1``."""

    places: Annotated[tuple[str, ...], Field(min_length=1)]
    # How long the wave is looked at once everybody in it has the new version.
    soak: base.Duration = "0s"


class Waves(base.Model):
    """One version on its way through several places, with one verdict over all of them.

    `together` is the part of the verdict's alpha that the evidence of all places together may
    spend; the rest is split equally over the places. See docs/guides/waves.md.
    """

    of: Annotated[tuple[Wave, ...], Field(min_length=1)]
    at_most_unavailable: Annotated[int, Field(ge=1)] = 1
    together: base.Percentage = "50%"
    # When one place turns back, all under way do; those that had finished also get their old
    # version back (`rollback`) or keep the new one (`stop`).
    on_failure: Literal["rollback", "stop"] = "rollback"
