"""`telford compare`: two releases beside each other."""

from typing import Annotated

import typer

from telford.app import control, release_compare
from telford.app.release_compare import Outcome
from telford.cli import options, output, running

First = Annotated[str, typer.Argument(metavar="A", help="a release's id, or a service's newest")]
Second = Annotated[str, typer.Argument(metavar="B", help="the other one")]


def command(
    first: First,
    second: Second,
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Show what differs between two releases: what was run, by which settings, with what outcome.

    Example: telford compare storefront-1.1.0-3f9a1c storefront-1.2.0-77b0e2
    """
    with running.records(estate) as store:
        found = release_compare.compare(control.find(store, first), control.find(store, second))
    if as_json:
        output.json(found.as_json())
        return
    output.table(
        ("", found.first.release, found.second.release), _outcomes(found.first, found.second)
    )
    for title, differences in (("settings", found.settings), ("what was run", found.content)):
        if differences:
            rows = [(one.what, one.first, one.second) for one in differences]
            output.table((title, found.first.release, found.second.release), rows)
        else:
            output.line(f"{title}: the same")


def _outcomes(a: Outcome, b: Outcome) -> list[tuple[str, str, str]]:
    rows = [
        ("service", a.service, b.service),
        ("place", a.place, b.place),
        ("versions", f"{a.from_version} -> {a.to_version}", f"{b.from_version} -> {b.to_version}"),
        ("came to", a.phase, b.phase),
        ("because", a.reason, b.reason),
        ("seconds", _seconds(a), _seconds(b)),
    ]
    rows.extend(
        (f"requests harmed ({name})", _harmed(a, name), _harmed(b, name))
        for name in dict.fromkeys((*a.harmed, *b.harmed))
    )
    return rows


def _harmed(one: Outcome, name: str) -> str:
    return f"{one.harmed[name]:.0f}" if name in one.harmed else "-"


def _seconds(one: Outcome) -> str:
    return "on its way" if one.seconds is None else f"{one.seconds:.0f}"
