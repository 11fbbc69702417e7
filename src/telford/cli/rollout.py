"""`telford rollout`: one version to several places, in the waves of its delivery."""

import sys
from typing import Annotated, Any

import typer

from telford.app import loading, rollout, workloads
from telford.basics.clock import SystemClock
from telford.cli import options, output, running

Which = Annotated[str, typer.Argument(help="the service, or a rollout's id to look at one")]
Version = Annotated[
    str, typer.Option("--version", help="begin one: the version (the tag of the estate's image)")
]
Image = Annotated[str, typer.Option("--image", help="begin one: the image; its tag is the version")]
Begin = Annotated[bool, typer.Option("--begin", help="begin one with the estate's own image")]


def command(
    which: Which,
    version: Version = "",
    image: Image = "",
    begin: Begin = False,
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Bring a version to the places of its delivery's waves, or say how a rollout stands.

    Each place has a release of its own, which waits for its turn; one place that turns back turns
    all back. With neither --version, --image nor --begin nothing is begun.

    Example: telford rollout checkout --version 1.8.0
    Example: telford rollout checkout
    """
    clock = SystemClock()
    with running.records(estate) as store:
        if version or image or begin:
            folder = options.folder(estate)
            described = loading.require(loading.load_folder(folder, options.estate_cache()))
            local = workloads.Local(str(folder.absolute()), sys.executable)
            plan, prepared = rollout.prepare(
                store, described, local, which, version=version, image=image, now=clock.now()
            )
            made = rollout.start(
                store, prepared, plan, who=running.who(), reason=reason, now=clock.now()
            )
            which = made.id
        found = rollout.standing(store, which, clock.now())
        phases = rollout.phases(store, found.rollout)
    if as_json:
        output.json(_plain(found, phases))
        return
    for line in lines(found, phases):
        output.line(line)


def lines(found: rollout.Standing, phases: dict[str, str]) -> list[str]:
    """For the terminal."""
    one, view = found.rollout, found.view
    turns = {turn.place: turn for turn in view.turns}
    said = [f"{one.id}: {one.name} {one.to_version} to {len(phases)} places"]
    for number, wave in enumerate(found.declared.waves, start=1):
        said.append(f"  wave {number}")
        for place in wave.places:
            turn = turns.get(place)
            why = f": {turn.why}" if turn and not turn.open else ""
            said.append(f"    {place} {phases[place]}{why}")
    for value in view.evidence:
        share = 100 * value.log_e / value.log_bound if value.log_e > 0 else 0.0
        said.append(f"  {value.indicator} over all places: {share:.0f} of 100 needed to turn back")
    end = f"turns back: {view.stop}" if view.stop else "every place has it" if view.done else ""
    return [*said, f"  {end}"] if end else said


def _plain(found: rollout.Standing, phases: dict[str, str]) -> dict[str, Any]:
    return rollout.as_json(found) | {"phases": phases}
