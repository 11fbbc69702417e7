"""`telford controllers`: who controls which place, and who stands by."""

from telford.app import standing_by
from telford.cli import options, output, running


def command(
    place: options.In = "", estate: options.Estate = None, as_json: options.Json = False
) -> None:
    """Say which controller holds which place, who stands by, and when each was heard of.

    A controller that is silent for ten seconds is taken over by one that stands by.

    Example: telford controllers
    Example: telford controllers --in prod --json
    """
    with running.records(estate) as store:
        found = standing_by.standing(store, place)
    if as_json:
        output.json({"controllers": [one.as_json() for one in found]})
        return
    if not found:
        output.line("no place has a controller; start one: telford up")
        return
    rows = [
        (one.place, one.holder, one.part, str(one.epoch or "-"), _ago(one.heard)) for one in found
    ]
    output.table(("place", "controller", "part", "epoch", "heard of"), rows)


def _ago(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.0f} s ago"
