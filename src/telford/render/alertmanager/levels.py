"""How loud an alert is where, from `alerting.toml`. Called by `routes` and `inhibition`."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from telford.basics import resources
from telford.estate.kinds import structure


@cache
def table() -> Mapping[str, Any]:
    """`alerting.toml`."""
    return resources.toml("telford.render.alertmanager", "alerting.toml")


def quiet_tiers() -> tuple[int, ...]:
    """The tiers that wake nobody."""
    every = structure.Service.model_fields["tier"].metadata
    highest = max(bound.le for bound in every if hasattr(bound, "le"))
    loud = table()["page"]["tiers"]
    return tuple(tier for tier in range(highest + 1) if tier not in loud)


def pages(tier: int | None, *, production: bool) -> bool:
    """Whether an alert of severity `page` about something of this tier wakes people."""
    if table()["page"]["production_only"] and not production:
        return False
    return tier is None or tier not in quiet_tiers()


def timing(level: str) -> dict[str, Any]:
    """How alerts of a level (``page``, ``ticket``) are grouped, and when they are said again."""
    row = table()[level]
    keys = ("group_by", "group_wait", "group_interval", "repeat_interval")
    return {key: row[key] for key in keys}
