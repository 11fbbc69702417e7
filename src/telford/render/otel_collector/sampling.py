"""Which traces are kept: those that failed, those slower than promised, and a share of the rest by
tier. Called by `collectors`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from telford.basics import units
from telford.render.otel_collector import settings
from telford.road import conventions


def tail(promised: Mapping[str, tuple[str, ...]], tiers: tuple[int, ...]) -> dict[str, Any]:
    """The processor. `promised` is threshold -> the services of which that latency is promised."""
    row = settings.table()["sampling"]
    return {
        "decision_wait": row["decision_wait"],
        "num_traces": row["num_traces"],
        "policies": list(_policies(promised, tiers)),
    }


def _policies(
    promised: Mapping[str, tuple[str, ...]], tiers: tuple[int, ...]
) -> Iterator[dict[str, Any]]:
    row = settings.table()["sampling"]
    failed = {"type": "status_code", "status_code": {"status_codes": ["ERROR"]}}
    yield {"name": "failed", **failed}
    for threshold, services in promised.items():
        whose = _among(conventions.ATTRIBUTE_ADDRESS, services)
        yield _both(f"slower than the promised {threshold}", whose, _slower(threshold))
    yield {"name": "slow", **_slower(row["slow"])}
    for tier in tiers:
        whose = _among(conventions.ATTRIBUTE_TIER, (str(tier),))
        yield _both(f"tier {tier}", whose, _share(row["percent"][str(tier)]))
    yield {"name": "the rest", **_share(min(row["percent"].values()))}


def _both(name: str, first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    parts = [{"name": f"{name}: whose", **first}, {"name": f"{name}: which", **second}]
    return {"name": name, "type": "and", "and": {"and_sub_policy": parts}}


def _among(key: str, values: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "string_attribute", "string_attribute": {"key": key, "values": list(values)}}


def _slower(threshold: str) -> dict[str, Any]:
    milliseconds = int(units.seconds(threshold) * 1000)
    return {"type": "latency", "latency": {"threshold_ms": milliseconds}}


def _share(percent: int) -> dict[str, Any]:
    return {"type": "probabilistic", "probabilistic": {"sampling_percentage": percent}}
