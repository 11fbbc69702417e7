"""Begin a rollout: one version to several places, each with a release, in one transaction.

What each place's release would be is prepared as for a single one (`telford.app.release`); here
its level is cut to its part of the rollout's, and a gate makes it wait for its turn. The releases
are carried out by the controllers of their places, which share the store. Called by
`telford rollout`, the API and the portal.
"""

import dataclasses
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telford.app import data_plan, release_again, workloads
from telford.app import release as releases
from telford.basics import units
from telford.basics.errors import RefusedError, UsageError
from telford.deliver import waves as rules
from telford.deliver.gates import Gate
from telford.deliver.policy import Policy
from telford.deliver.waves import Wave, Waves
from telford.estate import overlays
from telford.estate.kinds.change import Delivery
from telford.estate.model import Estate
from telford.flows import waves as turns
from telford.store.releases import Release
from telford.store.rollouts import Rollout
from telford.store.store import Store

# The newest that are looked at, each step: a rollout that turned back is undone at once.
RECENT = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """A rollout and how it stands now: what the terminal and the portal show."""

    rollout: Rollout
    declared: Waves
    view: rules.View


def declared(delivery: Delivery, policy: Policy) -> Waves:
    """A delivery's waves as a rollout's declaration; its level and indicators are the policy's.

    Raises `RefusedError` where they contradict themselves.
    """
    plan = delivery.waves
    assert plan is not None, f"{delivery.name} names no waves"
    parts = sum(one.alpha_weight for one in policy.indicators)
    found = Waves(
        waves=tuple(Wave(one.places, float(units.seconds(one.soak))) for one in plan.of),
        alpha=policy.alpha,
        together=float(units.ratio(plan.together)),
        at_most_unavailable=plan.at_most_unavailable,
        on_failure=plan.on_failure,
        indicators=tuple((one.name, one.alpha_weight / parts) for one in policy.indicators),
    )
    wrong = rules.problems(found)
    if wrong:
        raise RefusedError(
            f"the waves of {delivery.name} contradict themselves: {'; '.join(wrong)}",
            fix="mend its Delivery in the estate",
        )
    return found


def prepare(
    store: Store,
    estate: Estate,
    local: workloads.Local,
    service: str,
    *,
    version: str = "",
    image: str = "",
    now: float,
) -> tuple[Waves, dict[str, releases.Prepared]]:
    """The waves of a service's delivery, and what its release would be in each of their places.

    Raises what `telford.app.release.prepare` raises for the first place that cannot have it, and
    `RefusedError` where the service's delivery names no waves.
    """
    delivery = _delivery(estate, service)
    plan = delivery.waves
    if plan is None:
        raise RefusedError(
            f"the delivery {delivery.name} names no waves",
            fix="say which places come after which: waves: {of: [{places: [prod/eu]}, ...]}",
        )
    named = {place for wave in plan.of for place in wave.places}
    prepared = {
        str(place): releases.prepare(
            store,
            overlays.bind(estate, place),
            local,
            service,
            version=version,
            image=image,
            now=now,
        )
        for place in overlays.places(estate)
        if str(place) in named
    }
    return declared(delivery, next(iter(prepared.values())).policy), prepared


def phases(store: Store, one: Rollout) -> dict[str, str]:
    """Each place's release as it stands."""
    rows = {row.id: row for row in store.releases.some(one.releases.values())}
    return {place: rows[key].phase for place, key in one.releases.items()}


def as_json(found: Standing) -> dict[str, Any]:
    """For `--json` and the API."""
    one, view = found.rollout, found.view
    return {
        "id": one.id,
        "service": one.service,
        "to": one.to_version,
        "digest": one.digest,
        "who": one.who,
        "reason": one.reason,
        "created_at": one.created_at,
        "releases": dict(one.releases),
        "waves": found.declared.to_json(),
        "wave": view.wave,
        "turns": [dataclasses.asdict(turn) for turn in view.turns],
        "evidence": [
            {"indicator": e.indicator, "log_e": e.log_e, "log_bound": e.log_bound}
            for e in view.evidence
        ],
        "stop": view.stop,
        "undo": list(view.undo),
        "done": view.done,
    }


def start(
    store: Store,
    prepared: Mapping[str, releases.Prepared],
    plan: Waves,
    *,
    who: str,
    reason: str = "",
    now: float,
) -> Rollout:
    """Write the rollout and its releases; controllers begin with the first wave at their next tick.

    `prepared` holds every declared place. Raises `RefusedError`, having written nothing, where the
    places would not get the same thing or one of them has a release on its way.
    """
    _refuse_unlike(prepared, plan)
    one = prepared[plan.places[0]]
    key = _new_id(one)
    for place in plan.places:
        data_plan.refuse_old(store, one.service, place, one.to_version)
    with store.writing() as writing:
        made = {}
        for place in plan.places:
            mine = _in_turn(prepared[place], plan, key)
            generation = store.bindings.issue(writing, place, mine.service)
            row = releases.planned(
                mine, f"{key}-{_slug(place)}", generation, who=who, reason=reason, at=now
            )
            store.releases.create(writing, row)
            releases.keep_data(store, writing, mine, row)
            made[place] = row.id
        rollout = Rollout(
            id=key,
            service=one.service,
            name=one.name,
            to_version=one.to_version,
            digest=one.digest,
            waves=plan.to_json(),
            releases=made,
            who=who,
            reason=reason,
            created_at=now,
        )
        store.rollouts.create(writing, rollout)
        detail = {"to": one.to_version, "digest": one.digest, "places": list(plan.places)}
        store.audit.append(writing, who, "rolled out", f"rollout/{key}", detail)
    return rollout


def standing(store: Store, text: str, now: float) -> Standing:
    """The rollout of that id, or the newest of that service. Raises `UsageError` for none."""
    found = store.rollouts.get(text)
    if found is None:
        name = text if "." in text else text.rpartition("/")[2]
        newest = store.rollouts.find(service=name, limit=1)
        if not newest:
            raise UsageError(f"there is no rollout {text!r}", fix="begin one: telford rollout")
        (found,) = newest
    return Standing(found, Waves.from_json(found.waves), turns.look(store, found, now))


def undo(store: Store, place: str, now: float) -> tuple[Release, ...]:
    """Begin to give a place its old version back where a rollout turned back after it had finished
    there. Harmless to ask again: the release that goes back has an id of its own.
    """
    begun = []
    for one in store.rollouts.find(limit=RECENT):
        row = _to_undo(store, one, place, now)
        if row is None:
            continue
        prepared = release_again.back_to(
            store, f"{row.service}{release_again.AT}{row.from_version}", place=place, now=now
        )
        reason = f"rollout {one.id} turned back"
        begun.append(_back(store, prepared, f"{row.id}-back", reason, now))
    return tuple(begun)


def _to_undo(store: Store, one: Rollout, place: str, now: float) -> Release | None:
    """The release that this place must undo; None where it need not, or does so already."""
    key = one.releases.get(place, "")
    row = store.releases.get(key) if key else None
    if row is None or row.active or store.releases.get(f"{key}-back") is not None:
        return None
    bound = store.bindings.get(place, one.service)
    # Whatever came after it there is not this rollout's to take back; to look costs the most.
    if bound is None or bound.release != key:
        return None
    return row if place in turns.look(store, one, now).undo else None


def _back(store: Store, prepared: releases.Prepared, key: str, reason: str, now: float) -> Release:
    with store.writing() as writing:
        generation = store.bindings.issue(writing, prepared.place, prepared.service)
        row = releases.planned(prepared, key, generation, who=turns.ACTOR, reason=reason, at=now)
        store.releases.create(writing, row)
        detail = {"from": row.from_version, "to": row.to_version, "reason": reason}
        store.audit.append(writing, turns.ACTOR, "released", f"release/{row.id}", detail)
    return row


def _delivery(estate: Estate, service: str) -> Delivery:
    """The service's delivery where it is: overlays change its steps, not its waves."""
    problem: UsageError | None = None
    for place in overlays.places(estate):
        binding = overlays.bind(estate, place)
        try:
            return releases.delivery_of(binding, workloads.named(binding, service))
        except UsageError as error:  # it may exist in the next place
            problem = error
    raise problem or UsageError("the estate has no place", fix="describe an Environment")


def _in_turn(prepared: releases.Prepared, plan: Waves, key: str) -> releases.Prepared:
    """One place's release with its part of the level, waiting for its turn."""
    policy = prepared.policy
    cut = plan.place_alpha / policy.alpha
    gate = Gate(turns.GATE, turns.GATE, "start", ((turns.ROLLOUT, key),))
    mine = dataclasses.replace(
        policy,
        alpha=policy.alpha * cut,
        fuse_alpha=policy.fuse_alpha * cut,
        gates=(gate, *policy.gates),
    )
    return dataclasses.replace(prepared, policy=mine)


def _refuse_unlike(prepared: Mapping[str, releases.Prepared], plan: Waves) -> None:
    missing = [place for place in plan.places if place not in prepared]
    if missing:
        raise UsageError(f"nothing is prepared for {', '.join(missing)}")
    _refuse_other([prepared[place] for place in plan.places])


def _refuse_other(prepared: Sequence[releases.Prepared]) -> None:
    first = prepared[0]
    for one in prepared:
        if (one.service, one.to_version, one.digest) != (
            first.service,
            first.to_version,
            first.digest,
        ):
            raise RefusedError(
                f"{one.place} would get {one.to_version} ({one.digest[:12]}) and {first.place} "
                f"{first.to_version} ({first.digest[:12]})",
                fix="roll out one release: the same version and the same base fields",
            )


def _new_id(prepared: releases.Prepared) -> str:
    version = _slug(prepared.to_version)
    return f"{prepared.name}-{version}-waves-{secrets.token_hex(3)}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower())
