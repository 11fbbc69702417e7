"""Releases of what is known already: the same target once more, or back to what ran before.

Both are new rows: what ended stays ended. Going back restores a whole binding (image, configuration,
versions of secrets) and is switched at once, without analysis, which is recorded. Neither needs the
estate: what runs, and what ran, is in the store. Called by `telford retry`, `telford rollback` and
the API.
"""

import dataclasses

from telford.app import release as releasing
from telford.app import release_policy
from telford.app.release import Prepared, Traffic
from telford.basics.errors import RefusedError, UsageError
from telford.deliver import caveats
from telford.deliver import forecast as forecasts
from telford.deliver.policy import Policy
from telford.estate.workload import Workload
from telford.flows import orders, waves
from telford.store.bindings import Bound, Past
from telford.store.releases import Release
from telford.store.store import Store

AT = "@"
"""Between a service and a version: ``orders@1.0.0``."""


def retry(store: Store, row: Release, *, now: float) -> Prepared:
    """The release that would try the same version again, with the settings that it had.

    Raises `RefusedError` where it is not over, or where its version is the one that runs.
    """
    if row.active:
        raise RefusedError(
            f"{row.id} is not over: it is {row.phase}", fix=f"telford resume {row.id}, or abort it"
        )
    bound = _runs(store, row.place, row.service)
    _refuse_running(bound, row.to_version)
    canary = orders.workload(row.workloads["canary"])
    traffic, policy = _measured(store, _alone(Policy.from_json(row.policy)), bound, now)
    return _prepared(bound, policy, canary, row.digest, row.tick_seconds, traffic)


def _alone(policy: Policy) -> Policy:
    """The policy of a release that waits for no turn: the rollout it belonged to is over."""
    return dataclasses.replace(
        policy, gates=tuple(one for one in policy.gates if one.kind != waves.GATE)
    )


def back_to(store: Store, target: str, *, place: str = "", now: float) -> Prepared:
    """The release that would restore what ran before: `target` is a release that was promoted, or
    ``SERVICE@VERSION``.

    Raises `UsageError` where nothing like that ever ran, `RefusedError` where it runs now or where
    it is not known any more what it was made of.
    """
    bound, past = _past(store, target, place)
    _refuse_running(bound, past.version)
    if past.workload is None:
        raise RefusedError(
            f"what {past.version} of {bound.service} was made of was not kept then",
            fix=f"release it: telford release {bound.name} --version {past.version}",
        )
    latest = store.releases.find(place=bound.place, service=bound.service, limit=1)
    known = Policy.from_json(latest[0].policy) if latest else Policy((), skip_analysis=True)
    traffic, policy = _measured(store, release_policy.switch_at_once(known), bound, now)
    tick_seconds = latest[0].tick_seconds if latest else 1.0
    target_workload = orders.workload(past.workload)
    if not target_workload.listens and policy.sharing == "traffic":
        policy = release_policy.switch_at_once(dataclasses.replace(policy, sharing="queue"))
    return _prepared(bound, policy, target_workload, past.digest, tick_seconds, traffic)


def start(
    store: Store, prepared: Prepared, *, who: str, why: str, reason: str, now: float
) -> Release:
    """Write the row down; `why` ("retry of ...") goes before the person's own reason."""
    releasing.refuse_busy(store, prepared.place, prepared.service)
    said = f"{why}: {reason}" if reason else why
    return releasing.start(store, prepared, who=who, reason=said, now=now)


def _past(store: Store, target: str, place: str) -> tuple[Bound, Past]:
    """What runs now, and the line of history that is meant: the newest that fits."""
    service, at, version = target.rpartition(AT)
    if at:
        known = [
            one
            for one in store.releases.find(place=place, service=service, limit=1)
            if one.place == (place or one.place)
        ]
        if not known:
            raise UsageError(
                f"nothing was ever released of {service}", fix="see what was: telford status"
            )
        row = known[0]
        bound = _runs(store, row.place, row.service)
        fits = [one for one in _history(store, bound) if one.version == version]
    else:
        found = store.releases.get(target)
        if found is None:
            raise UsageError(
                f"there is no release {target!r}",
                fix="name a release that was promoted, or SERVICE@VERSION",
            )
        bound = _runs(store, found.place, found.service)
        fits = [one for one in _history(store, bound) if one.release == target]
    if not fits:
        raise UsageError(
            f"{target} never was the stable version of {bound.service} in {bound.place}",
            fix=_fix(store, bound),
        )
    return bound, fits[0]


def _history(store: Store, bound: Bound) -> tuple[Past, ...]:
    return store.bindings.history(bound.place, bound.service)


def _fix(store: Store, bound: Bound) -> str:
    versions = dict.fromkeys(one.version for one in _history(store, bound))
    return "what ran, newest first: " + ", ".join(versions)


def _runs(store: Store, place: str, service: str) -> Bound:
    bound = store.bindings.get(place, service)
    if bound is None:
        raise RefusedError(f"{service} does not run in {place}", fix="start it: telford up")
    return bound


def _refuse_running(bound: Bound, version: str) -> None:
    if bound.version == version:
        raise RefusedError(f"{bound.service} already runs version {version} in {bound.place}")


def _measured(store: Store, policy: Policy, bound: Bound, now: float) -> tuple[Traffic, Policy]:
    """The service as it is now, and the policy for as many replicas as it has."""
    traffic = releasing.measure(store, bound.place, bound.service, policy.indicators, now)
    replicas = orders.workload(bound.workload).replicas
    whole = dataclasses.replace(policy, stable_replicas=replicas)
    return traffic, whole.seeded(traffic.history)


def _prepared(
    bound: Bound,
    policy: Policy,
    canary: Workload,
    digest: str,
    tick_seconds: float,
    traffic: Traffic,
) -> Prepared:
    forecast = forecasts.forecast(policy, traffic.rps, traffic.rates, tick_seconds, traffic.shape)
    said = caveats.caveats(policy, bound.name, bound.version, canary.version)
    told = releasing.sentences(forecast.sentence, *said)
    return Prepared(
        service=bound.service,
        name=bound.name,
        place=bound.place,
        digest=digest,
        policy=policy,
        tick_seconds=tick_seconds,
        stable=orders.workload(bound.workload),
        canary=dataclasses.replace(canary, generation=bound.generation),
        traffic=traffic,
        forecast=dataclasses.replace(forecast, sentence=told),
    )
