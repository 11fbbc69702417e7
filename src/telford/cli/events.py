"""`telford events`: what happened to releases, and how far listeners were told."""

import datetime as dt
from typing import Annotated, Any

import typer

from telford.app import loading, places, telling
from telford.basics.clock import SystemClock
from telford.cli import options, output, running
from telford.estate import overlays
from telford.store.store import Store

Release = Annotated[
    str, typer.Argument(help="a release's id; all of them without", show_default=False)
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="how many, newest first")]
Listeners = Annotated[
    bool, typer.Option("--listeners", help="say how far each subscription was told instead")
]
Try = Annotated[
    str, typer.Option("--try", metavar="SUBSCRIPTION", help="tell this one a trial event, now")
]


def command(
    release: Release = "",
    limit: Limit = 50,
    listeners: Listeners = False,
    trial: Try = "",
    place: options.In = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Say what happened to releases, how far listeners were told, or try a listener.

    Example: telford events checkout-1.8.0-3f9a
    Example: telford events --listeners
    Example: telford events --try booking-channel --in prod
    """
    if trial:
        _try(trial, place, estate)
        return
    with running.records(estate) as store:
        if listeners:
            _listeners(store, place, as_json=as_json)
        else:
            _happened(store, release, place, limit, as_json=as_json)


def _try(name: str, place: str, estate: options.Estate) -> None:
    folder = options.folder(estate)
    described = loading.require(loading.load_folder(folder, options.estate_cache()))
    binding = overlays.bind(described, places.choose(described, place))
    clock = SystemClock()
    around = telling.Surroundings(folder.absolute().name)
    one = telling.subscription(binding, name, around, clock)
    one.listener.tell(telling.trial(str(binding.place), "service/trial", clock.now()))
    output.line(f"{one.address} took a trial event")


def _happened(store: Store, release: str, place: str, limit: int, *, as_json: bool) -> None:
    found = store.events.find(release=release, place=place, limit=limit)
    if as_json:
        output.json({"events": [{"sequence": one.sequence, **one.event} for one in found]})
        return
    if not found:
        output.line("nothing happened to releases yet")
        return
    rows = [(_when(one.at), one.place, one.name, one.release, one.event["reason"]) for one in found]
    output.table(("when (UTC)", "place", "what", "release", "why"), rows)


def _listeners(store: Store, place: str, *, as_json: bool) -> None:
    found: list[dict[str, Any]] = [
        {
            "subscription": one.subscription,
            "place": one.place,
            "behind": len(store.events.following(one.place, one.sequence, 1000)),
            "attempts": one.attempts,
            "told_at": one.told_at,
            "problem": one.problem,
        }
        for one in store.events.cursors(place)
    ]
    lost = [
        {"subscription": one.subscription, "event": one.event, "at": one.at, "problem": one.problem}
        for one in store.events.lost()
    ]
    if as_json:
        output.json({"listeners": found, "lost": lost})
        return
    if not found:
        output.line("nobody listens: describe a Subscription in the estate")
        return
    rows = [
        (
            one["subscription"],
            one["place"],
            str(one["behind"]),
            _when(one["told_at"]) if one["told_at"] else "-",
            one["problem"],
        )
        for one in found
    ]
    output.table(("subscription", "place", "behind", "told last (UTC)", "problem"), rows)
    for one in lost:
        output.line(f"lost: {one['event']} for {one['subscription']}: {one['problem']}")


def _when(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(sep=" ", timespec="seconds")[:19]
