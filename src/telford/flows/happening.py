"""What a tick's advances mean to listeners: rows for the outbox, and the hash of their evidence.

Pure; called by `controller` for each release of a tick.
"""

import dataclasses

from telford.deliver import events
from telford.deliver import state as states
from telford.flows.advancing import Advance
from telford.store.events import Event
from telford.store.releases import Release


def evidence_of(found: Advance) -> str:
    """The hash of the ledger entry that an advance rests on; "" where there is none."""
    return events.evidence_hash(found.entry.entry) if found.entry is not None else ""


def rows(row: Release, before: states.State, found: Advance, at: float) -> tuple[Event, ...]:
    """The events of one release's advance, for the outbox."""
    subject = events.Subject(row.place, row.service, row.who)
    happened = events.between(before, found.state, subject, at)
    if not happened:
        return ()
    evidence = evidence_of(found)
    return tuple(_row(dataclasses.replace(one, evidence=evidence)) for one in happened)


def _row(event: events.Event) -> Event:
    return Event(
        id=event.id,
        at=event.at,
        place=event.place,
        name=event.name,
        service=event.service,
        release=event.release,
        event=event.to_json(),
    )
