"""What the commands about gates share: the release, the estate, and how a gate is said.

Used by `telford gates`, `approve`, `refuse`, `withdraw` and `override`.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from telford.app import control, gating, loading
from telford.basics.clock import SystemClock
from telford.cli import options, output, running
from telford.estate.model import Estate

GateName = Annotated[
    str,
    typer.Option("--gate", metavar="NAME", help="which gate, where several could be meant",
                 show_default=False),
]  # fmt: skip


def estate_in(folder: Path | None) -> Estate:
    """All of the estate that can be read."""
    return loading.load_folder(options.folder(folder), options.estate_cache()).estate


def act(
    verb: str, folder: Path | None, name: str, gate: str, reason: str, *, as_json: bool
) -> None:
    """Do something at a gate, and say how the gates stand then."""
    with running.records(folder) as store:
        estate = estate_in(folder)
        release = control.find(store, name)
        who = running.who()
        done = gating.act(store, estate, release, verb, who=who, reason=reason, gate=gate)
        page = gating.look(store, estate, release, who, SystemClock().now())
    if as_json:
        act_json = {"verb": verb, "gate": done.gate, "who": done.who, "person": done.person}
        output.json({**page.as_json(), "act": {**act_json, "reason": done.reason}})
        return
    output.line(f"{release.id}: {verb} by {done.person} at gate {done.gate}")
    for line in lines(page, only=done.gate):
        output.line(line)


def lines(page: gating.GatesPage, only: str = "") -> Iterator[str]:
    """Each gate in words: how it stands, why, what opens it, who could."""
    for card in page.cards:
        if only and card.name != only:
            continue
        for view in card.views:
            yield f"  {view.name} ({view.kind}, at {view.at}): {'open' if view.open else 'closed'}"
            yield f"    {view.why}"
            if view.opens and not view.open:
                yield f"    opens when {view.opens}"
            if view.until is not None:
                moment = dt.datetime.fromtimestamp(view.until, dt.UTC)
                yield f"    at {moment:%Y-%m-%d %H:%M:%S} UTC by itself"
        for choice in card.choices:
            if choice.can:
                yield f"    who may {choice.verb}: {', '.join(choice.can)}"
