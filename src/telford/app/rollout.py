"""Begin a rollout: one version to several places, each with a release, in one transaction.

What each place's release would be is prepared as for a single one (`telford.app.release`); here
its level is cut to its part of the rollout's, and a gate makes it wait for its turn. The releases
are carried out by the controllers of their places, which share the store. Called by
`telford rollout`, the API and the portal.
"""

import dataclasses
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telford.app import release as releases
from telford.app import workloads
from telford.basics import units
from telford.basics.errors import RefusedError, UsageError
from telford.deliver import waves as rules
from telford.deliver.gates import Gate
from telford.deliver.policy import Policy, alpha_part
from telford.deliver.state import FINAL
from telford.deliver.turns import Asked
from telford.deliver.waves import Wave, Waves
from telford.estate import overlays
from telford.estate.kinds.change import Delivery
from telford.estate.model import Estate
from telford.flows import waves as turns
from telford.store.releases import Brief, Release
from telford.store.rollouts import Rollout
from telford.store.store import Store

BACK = "-back"
"""After a release's id: the one that takes it back where its rollout turned back."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A rollout and how it stands now: what the terminal and the portal show. `rows` is each
    place's release, `backs` what takes it back, where something does; `asked` what people asked.
    """

    rollout: Rollout
    declared: Waves
    view: rules.View
    rows: Mapping[str, Release]
    asked: tuple[Asked, ...] = ()
    backs: Mapping[str, Brief] = field(default_factory=dict)

    @property
    def phases(self) -> dict[str, str]:
        """Each place's release as it stands."""
        return {place: row.phase for place, row in self.rows.items()}

    @property
    def over(self) -> bool:
        """Nothing of it is under way or waits, in no place."""
        return over(self.phases.values(), self.backs.values())


def declared(delivery: Delivery, policy: Policy) -> Waves:
    """A delivery's waves as a rollout's declaration; its level and indicators are the policy's.

    Raises `RefusedError` where they contradict themselves.
    """
    plan = delivery.waves
    assert plan is not None, f"{delivery.name} names no waves"
    found = Waves(
        waves=tuple(Wave(one.places, float(units.seconds(one.soak))) for one in plan.of),
        alpha=policy.alpha,
        together=float(units.ratio(plan.together)),
        at_most_unavailable=plan.at_most_unavailable,
        on_failure=plan.on_failure,
        indicators=tuple((one.name, alpha_part(policy, one)) for one in policy.indicators),
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


def over(phases: Iterable[str], backs: Iterable[Brief]) -> bool:
    """Whether releases in these phases are over, and those that take them back."""
    final = {one.value for one in FINAL}
    return all(phase in final for phase in (*phases, *(one.phase for one in backs)))


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
        "undone": {place: back.id for place, back in found.backs.items()},
        "paused": view.paused,
        "aborted": view.aborted,
        "asked": [dataclasses.asdict(act) for act in found.asked],
        "phases": found.phases,
        "over": found.over,
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
    places would not get the same thing, or one of them may not have it: it has a release on its
    way, or keeps the version out.
    """
    _refuse_unlike(prepared, plan)
    one = prepared[plan.places[0]]
    key = _new_id(one)
    with store.writing() as writing:
        made = {}
        for place in plan.places:
            mine = _in_turn(prepared[place], plan, key)
            own = release_id(key, place)
            row = releases.begin(store, writing, mine, own, who=who, reason=reason, at=now)
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


def find(store: Store, text: str) -> Rollout:
    """The rollout of that id, or the newest of that service. Raises `UsageError` for none."""
    found = store.rollouts.get(text)
    if found is not None:
        return found
    name = text if "." in text else text.rpartition("/")[2]
    newest = store.rollouts.find(service=name, limit=1)
    if not newest:
        raise UsageError(f"there is no rollout {text!r}", fix="begin one: telford rollout")
    return newest[0]


def standing(store: Store, text: str, now: float) -> Standing:
    """How the rollout of that id stands, or the newest of that service. Raises `UsageError` for
    none.
    """
    (found,) = standings(store, (find(store, text),), now)
    return found


def standings(store: Store, rollouts: Sequence[Rollout], now: float) -> tuple[Standing, ...]:
    """Each of them, in a few queries for all."""
    looked = turns.looks(store, rollouts, now)
    keys = [key for one in rollouts for key in one.releases.values()]
    backs = store.releases.briefs(f"{key}{BACK}" for key in keys)
    return tuple(_standing(one, looked[one.id], backs) for one in rollouts)


def _standing(one: Rollout, found: turns.Looked, backs: Mapping[str, Brief]) -> Standing:
    mine = back_of(one, backs)
    return Standing(one, found.declared, found.view, found.rows, found.asked, mine)


def back_of(one: Rollout, briefs: Mapping[str, Brief]) -> dict[str, Brief]:
    """Place -> the release that takes the rollout's own back there, where there is one."""
    named = {place: f"{key}{BACK}" for place, key in one.releases.items()}
    return {place: briefs[key] for place, key in named.items() if key in briefs}


def release_id(rollout: str, place: str) -> str:
    """The id of a rollout's release in a place."""
    return f"{rollout}-{releases.slug(place)}"


def rollout_id(release: str, place: str) -> str:
    """The rollout that a release in a place would be of, going by its id; "" for none."""
    end = f"-{releases.slug(place)}"
    return release.removesuffix(end) if release.endswith(end) else ""


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
    return f"{prepared.name}-{releases.slug(prepared.to_version)}-waves-{secrets.token_hex(3)}"
