"""`telford gates`: how the gates of a release stand."""

from telford.app import control, gating
from telford.basics.clock import SystemClock
from telford.cli import options, output, running, standing_gates


def command(
    release: running.ReleaseName,
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Say of each gate of a release whether it is open, why, what opens it, and who could.

    Example: telford gates storefront
    """
    with running.records(estate) as store:
        found = control.find(store, release)
        described = standing_gates.estate_in(estate)
        page = gating.look(store, described, found, running.who(), SystemClock().now())
    if as_json:
        output.json(page.as_json())
        return
    output.line(f"{page.release} is {page.phase}")
    for line in standing_gates.lines(page):
        output.line(line)
    if not page.cards:
        output.line("  it has no gates: the evidence alone decides")
    elif page.closed:
        output.line(f"it waits for: {', '.join(one.name for one in page.closed)}")
