"""Prepare and start a release: what it promises, how long it needs, and its row.

`prepare` derives the policy from the service's Delivery and objectives, seeds it with what was
measured of the stable version, and forecasts the gate; `start` writes the row, which whatever
process runs the place's controller takes up. Called by `telford release`, the portal and the demo.
"""

import dataclasses
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from telford.app import (
    cluster_place,
    data_plan,
    gate_policy,
    latency_history,
    objectives,
    release_policy,
    versions,
    workloads,
)
from telford.basics import units
from telford.basics.clock import SystemClock
from telford.basics.errors import RefusedError
from telford.deliver import caveats, data_changes, quarantine
from telford.deliver import forecast as forecasts
from telford.deliver import release as engine
from telford.deliver.contents import Contents, Settings
from telford.deliver.data_changes import DataStep
from telford.deliver.policy import Indicator, Policy, kind_of, problems
from telford.estate.graph import Index
from telford.estate.kinds.change import Delivery
from telford.estate.kinds.structure import Service
from telford.estate.model import Binding, Bound
from telford.estate.workload import Workload
from telford.flows import orders
from telford.operate import promise
from telford.operate.promise import Promise
from telford.store.database import Writing
from telford.store.releases import Release
from telford.store.store import Store

# What the stable version is known by: the last hour, and its traffic now by the last five minutes.
HISTORY_SECONDS = 3600.0
TRAFFIC_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """A service as it was measured: requests a second now, each indicator's (requests, bad), and
    the last known histogram of its latencies, where a release is judged by them.
    """

    rps: float
    history: Mapping[str, tuple[int, int]]
    shape: tuple[float, ...] = ()

    @property
    def rates(self) -> dict[str, float]:
        """Indicator -> the stable version's present rate."""
        return {name: bad / total for name, (total, bad) in self.history.items() if total}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A release that could start: nothing is written yet."""

    service: str
    name: str
    place: str
    digest: str
    policy: Policy
    tick_seconds: float
    stable: Workload
    canary: Workload
    traffic: Traffic
    forecast: forecasts.Forecast
    # The immutable release, and the versions of configuration and secrets in this place.
    contents: Contents | None = None
    settings: Settings = field(default_factory=Settings)

    @property
    def from_version(self) -> str:
        """What is stable now."""
        return self.stable.version

    @property
    def to_version(self) -> str:
        """What is released."""
        return self.canary.version

    def as_json(self) -> dict[str, Any]:
        """For `--json` and the portal's form."""
        return {
            "service": self.service,
            "place": self.place,
            "from": self.from_version,
            "to": self.to_version,
            "digest": self.digest,
            "requests_per_second": self.traffic.rps,
            "forecast": self.forecast.sentence,
            "possible": self.forecast.possible,
            "policy": self.policy.to_json(),
        }


def prepare(
    store: Store,
    binding: Binding,
    local: workloads.Local,
    service: str,
    *,
    version: str = "",
    image: str = "",
    skip_analysis: bool = False,
    now: float,
) -> Prepared:
    """What releasing `version` (or the tag of `image`) of `service` would be.

    Raises `UsageError` for a service that is not there, `RefusedError` where it cannot be released:
    it does not run here, runs this version already, has no delivery or no objective to judge by.
    With `skip_analysis` nothing is judged: for emergencies, and it is recorded.
    """
    bound = workloads.named(binding, service)
    address, place = str(bound.entity.address), str(binding.place)
    stored = store.bindings.get(place, address)
    if stored is None:
        workloads.one(binding, service)
        raise RefusedError(f"{address} does not run in {place} yet", fix="start it: telford up")
    local = cluster_place.fitting(local, binding, stored)
    workloads.one(binding, service, on_cluster=local.objects is not None)
    refuse_busy(store, place, address)
    wanted = version or (workloads.tag(image) if image else workloads.version_of(bound))
    if wanted == stored.version:
        raise RefusedError(
            f"{address} already runs version {wanted} in {place}",
            fix="name another one: --version, or change the image in the estate",
        )
    stable = orders.workload(stored.workload)
    mine = [one for one in objectives.promises(binding) if one.service == address]
    delivery = delivery_of(binding, bound)
    judged_by: tuple[Indicator, ...] = ()
    if mine or not skip_analysis:
        judged_by = indicators(address, mine, latency=delivery.verdict.latency)
    traffic = measure(store, place, address, judged_by, now)
    works = not workloads.listens(bound)
    declared = release_policy.policy(
        delivery, judged_by, stable.replicas, works=works, skip_analysis=skip_analysis
    ).seeded(traffic.history)
    declared = dataclasses.replace(declared, gates=gate_policy.declared(binding, bound, delivery))
    declared = dataclasses.replace(declared, data=_data(store, binding, bound, wanted, local))
    _refuse_unsound(declared, bound)
    if local.objects is not None:
        cluster_place.refuse_undividable(binding, bound, declared)
    tick_seconds = float(units.seconds(delivery.tick))
    forecast = forecasts.forecast(declared, traffic.rps, traffic.rates, tick_seconds, traffic.shape)
    said = caveats.caveats(declared, bound.spec.name, stored.version, wanted)
    told = sentences(forecast.sentence, *said, data_changes.announce(declared.data))
    contents = versions.contents(bound, wanted, image, binding)
    return Prepared(
        service=address,
        name=bound.spec.name,
        place=place,
        digest=contents.digest,
        contents=contents,
        settings=versions.settings(binding, bound),
        policy=declared,
        tick_seconds=tick_seconds,
        stable=stable,
        canary=workloads.workload(bound, wanted, stored.generation, local, image),
        traffic=traffic,
        forecast=dataclasses.replace(forecast, sentence=told),
    )


def start(store: Store, prepared: Prepared, *, who: str, reason: str = "", now: float) -> Release:
    """Write the row; the controller begins at its next tick.

    Raises `RefusedError` where the service has another release on its way in this place.
    """
    with store.writing() as writing:
        row = begin(store, writing, prepared, new_id(prepared), who=who, reason=reason, at=now)
        detail = {"from": row.from_version, "to": row.to_version, "digest": row.digest}
        store.audit.append(writing, who, "released", f"release/{row.id}", detail)
    return row


def begin(
    store: Store,
    writing: Writing,
    prepared: Prepared,
    key: str,
    *,
    who: str,
    reason: str,
    at: float,
) -> Release:
    """Write down a release of something new, with the data plan that it waits for.

    Raises `RefusedError` where the version is quarantined in the place, where it does not work with
    what was done to data there, or where the service has another release on its way.
    """
    # Within the transaction: no controller begins to contract in between.
    _refuse_kept_out(store, prepared)
    row = enter(store, writing, prepared, key, who=who, reason=reason, at=at)
    data_plan.begin(
        store,
        writing,
        prepared.policy.data,
        service=(row.service, row.name),
        place=row.place,
        version=row.to_version,
        release=row.id,
        who=row.who,
    )
    return row


def enter(
    store: Store,
    writing: Writing,
    prepared: Prepared,
    key: str,
    *,
    who: str,
    reason: str,
    at: float,
) -> Release:
    """Write a release's row down, with what it is made of and the generation that it begins with.

    Whether it may begin is for the caller to say: what takes a change back may go where nothing new
    may. Raises `RefusedError` where the service has another release on its way in this place.
    """
    if prepared.contents is not None:
        store.versions.record(writing, versions.recorded(prepared.contents, at))
    generation = store.bindings.issue(writing, prepared.place, prepared.service)
    row = planned(prepared, key, generation, who=who, reason=reason, at=at)
    store.releases.create(writing, row)
    return row


def planned(
    prepared: Prepared, key: str, generation: int, *, who: str, reason: str, at: float
) -> Release:
    """The row of a release that is about to begin."""
    state = engine.begin(
        prepared.policy,
        release=key,
        service=prepared.name,
        stable=prepared.from_version,
        canary=prepared.to_version,
        generation=generation,
        at=at,
    )
    return Release(
        id=key,
        service=prepared.service,
        name=prepared.name,
        place=prepared.place,
        from_version=prepared.from_version,
        to_version=prepared.to_version,
        digest=prepared.digest,
        phase=state.phase.value,
        policy=prepared.policy.to_json(),
        state=state.to_json(),
        workloads={
            "stable": orders.workload_json(prepared.stable),
            "canary": orders.workload_json(prepared.canary),
            "settings": prepared.settings.to_json(),
        },
        who=who,
        reason=reason,
        tick_seconds=prepared.tick_seconds,
        created_at=at,
        generation=generation,
    )


def sentences(*parts: str) -> str:
    """Several sentences as one text, without the last full stop."""
    return ". ".join(part.rstrip(".") for part in parts if part)


def new_id(prepared: Prepared) -> str:
    """``orders-1.1.0-3f9a``: readable, safe in a URL, and its own when a version comes again."""
    return f"{prepared.name}-{slug(prepared.to_version)}-{secrets.token_hex(3)}"


def slug(text: str) -> str:
    """A version or a place as a part of an id: small letters, digits, dots and dashes."""
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower())


def digest(bound: Bound, version: str, image: str = "") -> str:
    """SHA-256 of what is released: the service's base fields (overlays left out) and the image."""
    return versions.contents(bound, version, image).digest


def declared_policy(binding: Binding, bound: Bound, stable_replicas: int) -> Policy:
    """What the estate declares for a release of a service, without a history, gates or data steps.

    Raises `RefusedError` where it has no delivery, or no objective to judge by.
    """
    address, delivery = str(bound.entity.address), delivery_of(binding, bound)
    mine = [one for one in objectives.promises(binding) if one.service == address]
    judged_by = indicators(address, mine, latency=delivery.verdict.latency)
    works = not workloads.listens(bound)
    return release_policy.policy(delivery, judged_by, stable_replicas, works=works)


def indicators(
    address: str, promises: Sequence[Promise], *, latency: bool = False
) -> tuple[Indicator, ...]:
    """What a release of a service is judged by: its strictest objective of errors and of each
    threshold of slowness, and where asked for the whole distribution of latencies.

    Raises `RefusedError` where it has none that the data plane counts.
    """
    strictest: dict[str, Promise] = {}
    for one in promises:
        if one.service != address or not one.sli:
            continue
        known = strictest.get(one.sli)
        if known is None or one.target > known.target:
            strictest[one.sli] = one
    if not strictest:
        raise RefusedError(
            f"{address} has no objective that its release could be judged by",
            fix="describe an Objective of availability or latency for it",
        )
    slow = [sli for sli in strictest if sli != promise.ERRORS]
    found = [_indicator(one, alone=len(slow) == 1) for one in strictest.values()]
    if latency:
        found.append(Indicator("latency"))
    return tuple(sorted(found, key=lambda one: one.name))


def _indicator(one: Promise, *, alone: bool) -> Indicator:
    """Named "errors" or "slowness"; where there are several thresholds, "slowness-300"."""
    kind, _, threshold = one.sli.partition(":")
    name = kind if alone or not threshold else f"{kind}-{threshold}"
    return Indicator(name, one.target, promise.threshold_ms(one.sli), kind=kind)


def measure(
    store: Store, place: str, address: str, judged_by: Sequence[Indicator], now: float
) -> Traffic:
    """What was measured of a service lately."""
    windows = {"history": now - HISTORY_SECONDS, "traffic": now - TRAFFIC_SECONDS}
    sums = store.measurements.sums(place, windows)
    history = {}
    for one in judged_by:
        found = sums.get((address, _sli(one)))
        history[one.name] = (found["history"].total, found["history"].bad) if found else (0, 0)
    since = store.measurements.series(place, address, promise.ERRORS, now - TRAFFIC_SECONDS)
    seen = max(now - since[0].at, 1.0) if since else TRAFFIC_SECONDS
    total = sums[address, promise.ERRORS]["traffic"].total if since else 0
    # The events of the first tick came before its end, from when on time is counted.
    early = since[0].total if len(since) > 1 and since[0].width == 0 else 0
    latency = any(kind_of(one) == "latency" for one in judged_by)
    shape = latency_history.shape(store, place, address) if latency else ()
    return Traffic((total - early) / seen, history, shape)


def _sli(indicator: Indicator) -> str:
    if kind_of(indicator) == "latency":
        return ""  # A distribution has no history of good and bad.
    threshold = indicator.threshold_ms
    return promise.ERRORS if threshold is None else promise.slowness(threshold)


def _data(
    store: Store, binding: Binding, bound: Bound, version: str, local: workloads.Local
) -> tuple[DataStep, ...]:
    """What the release does to data. Raises `RefusedError` where the version before would not bear
    it, or this one does not work with what was done before.
    """
    address, place = str(bound.entity.address), str(binding.place)
    data_plan.refuse_old(store, address, place, version)
    steps = data_plan.steps(binding, bound)
    if steps:
        changes = data_plan.changer(Path(local.folder), SystemClock())
        data_plan.require_fit(changes, data_plan.task(address, version, place, steps))
    return steps


def delivery_of(binding: Binding, bound: Bound) -> Delivery:
    """The delivery that a service names. Raises `RefusedError` where it names none."""
    service = bound.spec
    assert isinstance(service, Service)
    found = Index(binding).refer("Delivery", service.delivery, service) if service.delivery else []
    if len(found) != 1:
        raise RefusedError(
            f"{bound.entity.address} does not say how it is delivered",
            fix="name a Delivery in it: `delivery: canary`",
        )
    delivery = binding.entities[found[0]].spec
    assert isinstance(delivery, Delivery)
    return delivery


def _refuse_kept_out(store: Store, prepared: Prepared) -> None:
    known = store.quarantines.of(prepared.place, prepared.service)
    image = prepared.contents.image if prepared.contents else ""
    quarantine.refuse(known, digest=prepared.digest, version=prepared.to_version, image=image)
    data_plan.refuse_old(store, prepared.service, prepared.place, prepared.to_version)


def refuse_busy(store: Store, place: str, service: str) -> None:
    """Raises `RefusedError` where `service` (its address) has a release on its way in `place`."""
    active = store.releases.find(place=place, service=service, active=True, limit=1)
    if active:
        raise RefusedError(
            f"{service} already has a release on its way: {active[0].id}",
            fix=f"let it end, or: telford abort {active[0].id}",
        )


def _refuse_unsound(declared: Policy, bound: Bound) -> None:
    found = problems(declared)
    if found:
        raise RefusedError(
            f"the delivery of {bound.entity.address} contradicts itself: {'; '.join(found)}",
            fix="mend its Delivery in the estate",
        )
