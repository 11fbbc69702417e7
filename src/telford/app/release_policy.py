"""A `Delivery` of the estate as the policy of a release, for every strategy and kind of service.

A policy has one weight for each stage of its strategy (`telford.deliver.strategies`); here they are
made from what people declare: steps, a preview, a segment, or one replica after another. Pure.
Called by `telford.app.release`.
"""

import dataclasses
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from telford.basics import units
from telford.deliver.policy import FULL_WEIGHT, Indicator, Policy, kind_of
from telford.estate.kinds.change import Delivery, Requests
from telford.estate.workload import Match

# Beyond the deadline of one replica's readiness probe, all of them must have come up.
START_SECONDS = 60.0
UNJUDGED_SHARE = 1e-6
"""A stage at which nothing is compared needs no beta; a share must be above 0."""


def policy(
    delivery: Delivery,
    judged_by: tuple[Indicator, ...],
    stable_replicas: int,
    *,
    works: bool = False,
    skip_analysis: bool = False,
) -> Policy:
    """The policy of a release; `works` says that the service takes work instead of requests.

    The caller asks `telford.deliver.policy.problems` whether it is sound.
    """
    verdict = delivery.verdict
    found = Policy(
        indicators=_shared(judged_by, verdict.alpha_shares),
        engine=verdict.engine,
        certificate=verdict.certificate,
        alpha=verdict.alpha,
        beta=verdict.beta,
        rollback_ratio=verdict.harmless_ratio,
        tolerable_ratio=verdict.tolerable_ratio,
        objective_share=float(units.ratio(verdict.budget_share)),
        ratio_cap=verdict.ratio_cap,
        certificate_share=float(units.ratio(verdict.certificate_share)),
        objective_factor=verdict.objective_factor,
        placebo_alpha=verdict.placebo,
        warmup_seconds=_seconds(delivery.warmup),
        deadline_seconds=_seconds(delivery.deadline),
        on_deadline=delivery.at_deadline,
        stale_seconds=_seconds(delivery.stale),
        start_seconds=START_SECONDS,
        canary_replicas=delivery.canary_replicas,
        stable_replicas=stable_replicas,
        strategy=delivery.strategy,
        skip_analysis=skip_analysis,
    )
    parts = (
        _fuse(delivery),
        _stages(delivery, stable_replicas),
        _traffic(delivery),
        _sharing(delivery) if works else {},
    )
    return dataclasses.replace(found, **{key: one for part in parts for key, one in part.items()})


def switch_at_once(declared: Policy) -> Policy:
    """The same service changed at once, without analysis: how a release goes back to another one.

    Requests are switched as blue-green does, work is handed over replica by replica. No gate holds
    it up: gates guard against a change, and this takes one back; the reason is on the record.
    """
    plain = dataclasses.replace(
        declared,
        indicators=tuple(one for one in declared.indicators if kind_of(one) != "latency"),
        skip_analysis=True,
        soak_seconds=(0.0,),
        warmup_seconds=0.0,
        beta_shares=(),
        keep_seconds=0.0,
        baseline=False,
        matches=(),
        judge_preview=False,
        sticky="",
        exposure_share=0.0,
        placebo_alpha=0.0,
        certificate="objective",
        engine="E2",
        rollback_ratio=1.0,
        data=(),
        gates=(),
    )
    if plain.strategy == "recreate":
        return plain
    if plain.sharing == "traffic":
        return dataclasses.replace(plain, strategy="blue-green", weights=(FULL_WEIGHT,))
    half = (FULL_WEIGHT // 2,)
    return dataclasses.replace(plain, strategy="rolling", weights=half)


def _shared(judged_by: tuple[Indicator, ...], shares: Mapping[str, str]) -> tuple[Indicator, ...]:
    """Each indicator with its part of alpha, as declared: never more, also where a service has
    fewer indicators than the delivery names. `slowness` is for every threshold that is not named
    by itself, together.
    """
    if not shares:
        return judged_by
    named = {name: units.ratio(share) for name, share in shares.items()}
    left = max(1 - sum(named.values(), Decimal(0)), Decimal(0))
    keys = [_share_name(one, named) for one in judged_by]
    parts = (named.get(key, left) / keys.count(key) for key in keys)
    return tuple(
        dataclasses.replace(one, alpha_weight=float(part))
        for one, part in zip(judged_by, parts, strict=True)
    )


def _share_name(indicator: Indicator, named: Mapping[str, Decimal]) -> str:
    """Under which of the names an indicator has its share; "" for none."""
    kind, limit = kind_of(indicator), indicator.threshold_ms
    own = kind if limit is None else f"{kind}-{limit:g}"
    return next((name for name in (own, kind) if name in named), "")


def _fuse(delivery: Delivery) -> Mapping[str, Any]:
    fuse = delivery.verdict.fuse
    if fuse is None:
        return {"fuse_alpha": 0.0}
    return {"fuse_factor": fuse.factor, "fuse_alpha": fuse.alpha}


def _stages(delivery: Delivery, stable_replicas: int) -> Mapping[str, Any]:
    """Weights, soak times and shares of beta, one for each stage."""
    soak = _seconds(delivery.soak)
    if delivery.strategy == "blue-green":
        return _switch(delivery, soak)
    if delivery.strategy == "ab":
        return {"weights": (0,), "soak_seconds": (soak,)}
    if delivery.strategy == "recreate":
        return {"weights": (FULL_WEIGHT,), "soak_seconds": (soak,)}
    if delivery.strategy == "rolling" and not delivery.steps:
        return {"weights": _one_by_one(stable_replicas), "soak_seconds": (soak,)}
    shares = _beta_shares(delivery)
    return {
        "weights": tuple(_basis_points(step.weight) for step in delivery.steps),
        "beta_shares": shares,
        # Steps that declare less than the whole spend that and no more; see `policy.beta_of`.
        "beta": delivery.verdict.beta * (round(math.fsum(shares), 9) if shares else 1.0),
        "soak_seconds": tuple(_seconds(step.soak) for step in delivery.steps),
    }


def _switch(delivery: Delivery, soak: float) -> Mapping[str, Any]:
    preview, keep = delivery.preview, {"keep_seconds": _seconds(delivery.keep)}
    if preview is None:
        return {"weights": (FULL_WEIGHT,), "soak_seconds": (soak,), **keep}
    return {
        "weights": (0, FULL_WEIGHT),
        "soak_seconds": (_seconds(preview.soak), soak),
        "beta_shares": () if preview.judged else (UNJUDGED_SHARE, 1.0),
        "matches": _matches(preview.match),
        "judge_preview": preview.judged,
        **keep,
    }


def _one_by_one(replicas: int) -> tuple[int, ...]:
    """One replica more at each stage; a single one is joined by its successor first."""
    if replicas == 1:
        return (FULL_WEIGHT // 2,)
    return tuple(number * FULL_WEIGHT // replicas for number in range(1, replicas))


def _traffic(delivery: Delivery) -> Mapping[str, Any]:
    found: dict[str, Any] = {"baseline": delivery.baseline, "sticky": delivery.affinity or ""}
    if delivery.match is not None:
        found["matches"] = _matches(delivery.match)
    if delivery.exposure is not None:
        found["exposure_share"] = float(units.ratio(delivery.exposure.share))
        found["exposure_level"] = delivery.exposure.level
    return found


def _matches(requests: Requests | None) -> tuple[Match, ...]:
    if requests is None:
        return ()
    # The version is put in when the split is made: it is whatever is released.
    return (Match("", requests.value, requests.header or "", requests.cookie or ""),)


def _sharing(delivery: Delivery) -> Mapping[str, Any]:
    sharing = delivery.sharing
    if sharing is None or sharing.by == "queue":
        return {"sharing": "queue"}
    return {"sharing": "partition", "partitions": sharing.partitions or 0}


def _seconds(duration: str) -> float:
    return float(units.seconds(duration))


def _basis_points(weight: str) -> int:
    return int(units.ratio(weight) * FULL_WEIGHT)


def _beta_shares(delivery: Delivery) -> tuple[float, ...]:
    """As declared; what is left over is split equally over the steps that declare nothing."""
    declared = [
        None if step.beta_share is None else units.ratio(step.beta_share) for step in delivery.steps
    ]
    silent = declared.count(None)
    if silent == len(declared):
        return ()
    left = 1 - sum((one for one in declared if one is not None), Decimal(0))
    rest = max(left, Decimal(0)) / silent if silent else Decimal(0)
    return tuple(float(rest if one is None else one) for one in declared)
