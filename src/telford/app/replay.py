"""Replay: what would other settings have decided on the last releases of a service.

The settings are the service's Delivery and objectives as the estate describes them now, with single
values changed where asked; each past release is read from its row and its ledger. Nothing is
written. Called by `telford replay`, the portal and the API.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telford.app import evidence, workloads
from telford.app import release as releases
from telford.basics.errors import UsageError
from telford.deliver import replay
from telford.deliver.policy import Policy, problems
from telford.deliver.replay import Outcome, Replayed
from telford.estate.model import Binding
from telford.store.releases import Release
from telford.store.store import Store

LAST = 30
MAX_LAST = 200
"""A replay reads whole ledgers: this many releases of an hour are seconds of work."""
CHANGEABLE = (
    "engine", "certificate", "alpha", "beta", "rollback_ratio", "tolerable_ratio",
    "objective_share", "objective_factor", "ratio_cap", "cap_alpha", "fuse_factor", "fuse_alpha",
    "certificate_share", "placebo_alpha", "soak_seconds", "warmup_seconds", "deadline_seconds",
    "on_deadline", "stale_seconds",
)  # fmt: skip
"""The settings that may be changed for a replay: those that judge the counts there are."""


@dataclass(frozen=True, slots=True)
class Replays:
    """The settings held against each past release, newest first. `skipped` says of others why they
    were not replayed.
    """

    service: str
    place: str
    policy: Policy
    found: tuple[Replayed, ...]
    skipped: tuple[tuple[str, str], ...]

    @property
    def sentence(self) -> str:
        """All of them in one."""
        return replay.summary(self.found)

    def as_json(self) -> dict[str, Any]:
        """For `--json` and the API."""
        return {
            "service": self.service,
            "place": self.place,
            "summary": self.sentence,
            "policy": self.policy.to_json(),
            "releases": [_plain(one) for one in self.found],
            "skipped": [{"release": key, "why": why} for key, why in self.skipped],
        }


def over_last(
    store: Store,
    binding: Binding,
    service: str,
    *,
    last: int = LAST,
    changes: Mapping[str, str] | None = None,
) -> Replays:
    """What the settings of `service` in a place would have decided on its last releases there.

    `changes` are settings as text: name -> value. Raises `UsageError` where one is unknown, `last`
    is out of range, or the changed settings contradict themselves.
    """
    if not 1 <= last <= MAX_LAST:
        raise UsageError(f"the last {last} releases cannot be replayed: ask for 1 to {MAX_LAST}")
    bound = workloads.named(binding, service)
    address, place = str(bound.entity.address), str(binding.place)
    declared = releases.declared_policy(binding, bound, _replicas(store, place, address))
    policy = changed(declared, changes or {})
    found: list[Replayed] = []
    skipped: list[tuple[str, str]] = []
    for row in store.releases.find(place=place, service=address, active=False, limit=last):
        one = _one(store, policy, row)
        if isinstance(one, str):
            skipped.append((row.id, one))
        else:
            found.append(one)
    return Replays(address, place, policy, tuple(found), tuple(skipped))


def declared(store: Store, binding: Binding, service: str) -> Policy:
    """The settings of a service in a place as the estate describes them now."""
    bound = workloads.one(binding, service)
    replicas = _replicas(store, str(binding.place), str(bound.entity.address))
    return releases.declared_policy(binding, bound, replicas)


def changed(policy: Policy, changes: Mapping[str, str]) -> Policy:
    """The policy with these settings. Raises `UsageError` naming the one that is wrong."""
    plain = dict(policy.to_json())
    for name, text in changes.items():
        if name not in CHANGEABLE:
            raise UsageError(
                f"{name} cannot be changed in a replay", fix=f"one of {', '.join(CHANGEABLE)}"
            )
        plain[name] = _value(plain[name], name, text)
    made = Policy.from_json(plain)
    wrong = problems(made)
    if wrong:
        raise UsageError(f"the settings contradict themselves: {'; '.join(wrong)}")
    return made


def parsed(settings: Sequence[str]) -> dict[str, str]:
    """``alpha=0.05`` and the like. Raises `UsageError` for what has no value."""
    found: dict[str, str] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise UsageError(f"{text!r} sets nothing", fix="write NAME=VALUE, such as alpha=0.05")
        found[name.strip().replace("-", "_")] = value.strip()
    return found


def _value(present: object, name: str, text: str) -> object:
    """`text` as the kind of value that the setting has."""
    if isinstance(present, str):
        return text
    try:
        if isinstance(present, list):
            return [float(one) for one in text.split(",")]
        return float(text)
    except ValueError as error:
        raise UsageError(f"{name} is a number, and {text!r} is none") from error


def _replicas(store: Store, place: str, address: str) -> int:
    stored = store.bindings.get(place, address)
    return 1 if stored is None else int(stored.workload.get("replicas", 1))


def _one(store: Store, policy: Policy, row: Release) -> Replayed | str:
    """One release replayed, or why it was not."""
    declared = Policy.from_json(row.policy)
    entries = evidence.entries(store, row.id)
    if not entries:
        return "it has no tick in its ledger"
    if declared.skip_analysis:
        return "it was an emergency: nothing was compared"
    return replay.replay(policy, declared, entries)


def _plain(one: Replayed) -> dict[str, Any]:
    return {
        "release": one.release,
        "version": one.canary,
        "same": one.same,
        "known": one.known,
        "happened": _outcome(one.happened),
        "would": _outcome(one.would),
        "unknown": list(one.unknown),
    }


def _outcome(one: Outcome) -> dict[str, Any]:
    return dataclasses.asdict(one)
