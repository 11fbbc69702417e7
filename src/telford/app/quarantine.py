"""Quarantines by hand: keep a version out of a place, and let it in again with a reason.

Called by `telford quarantine` and the API. What a rollback quarantines is `telford.flows.gitops`.
"""

import secrets
from typing import Any

from telford.basics.errors import RefusedError, UsageError
from telford.deliver.quarantine import Quarantine
from telford.store.store import Store

# A person's own words; more belongs into the incident.
MAX_REASON = 2000


def as_json(one: Quarantine) -> dict[str, Any]:
    """The stable JSON view."""
    return {
        "id": one.id,
        "place": one.place,
        "service": one.service,
        "version": one.version,
        "digest": one.digest,
        "image": one.image or None,
        "reason": one.reason,
        "who": one.who,
        "at": one.at,
        "returns": one.returns,
        "alarm": one.alarm,
        "active": one.active,
        "lifted_at": one.lifted_at,
        "lifted_by": one.lifted_by or None,
        "lift_reason": one.lift_reason or None,
    }


def lift(store: Store, key: str, *, who: str, reason: str) -> Quarantine:
    """Let a version in again. Raises `UsageError` where there is no such quarantine or no reason,
    `RefusedError` where it was lifted already.
    """
    _require_reason(reason)
    known = store.quarantines.get(key)
    if known is None:
        raise UsageError(f"there is no quarantine {key!r}", fix="see them: telford quarantine list")
    with store.writing() as writing:
        if not store.quarantines.lift(writing, key, who, reason):
            raise RefusedError(f"{key} was lifted already, by {known.lifted_by}")
        detail = {"reason": reason, "service": known.service, "version": known.version}
        store.audit.append(writing, who, "lifted the quarantine", f"quarantine/{key}", detail)
    found = store.quarantines.get(key)
    assert found is not None, "it was there a moment ago"
    return found


def add(
    store: Store, place: str, service: str, version: str, *, who: str, reason: str
) -> Quarantine:
    """Keep a version of a service out of a place, by hand.

    Raises `UsageError` without a reason, `RefusedError` where it is the stable one there or is
    quarantined already.
    """
    _require_reason(reason)
    bound = store.bindings.get(place, service)
    if bound is not None and bound.version == version:
        raise RefusedError(
            f"{version} is what {place} runs now: it cannot be kept out",
            fix="release another version, or go back to one, first",
        )
    known = store.quarantines.of(place, service)
    if any(one.version == version for one in known):
        raise RefusedError(f"{version} of {service} is quarantined in {place} already")
    digest, image = _known(store, service, version)
    key = f"{service.rpartition('.')[2].rpartition('/')[2]}-{version}-{secrets.token_hex(3)}"
    with store.writing() as writing:
        one = Quarantine(key, place, service, version, digest, image, reason, who, writing.at)
        store.quarantines.add(writing, one)
        detail = {"reason": reason, "service": service, "version": version, "place": place}
        store.audit.append(writing, who, "quarantined", f"quarantine/{key}", detail)
    return one


def _known(store: Store, service: str, version: str) -> tuple[str, str]:
    """The digest and the image of a version that was released somewhere; "" where it never was."""
    for row in store.releases.find(service=service, limit=1000):
        if row.to_version == version:
            found = store.versions.get(service, row.digest)
            return row.digest, found.image if found else ""
    return "", ""


def _require_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > MAX_REASON:
        raise UsageError(
            "say why, in your own words", fix="add --reason: it is kept in the audit log"
        )
