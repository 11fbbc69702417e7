"""`telford token`: what opens the portal, kept across restarts."""

from typing import Annotated

import typer

from telford.app import serving
from telford.cli import options, output, running

Renew = Annotated[bool, typer.Option("--renew", help="another one: everybody signs in again")]


def command(
    renew: Renew = False, estate: options.Estate = None, as_json: options.Json = False
) -> None:
    """Show where the portal's token is kept, or make another one.

    The token lives in a file that only you can read, so that a restart of `telford up` signs
    nobody out. After --renew the links and sessions of before open nothing from the portal's next
    start on.

    Example: telford token
    Example: telford token --renew
    """
    kept = running.kept(estate)
    if renew:
        serving.renew_token(kept)
    else:
        serving.token(kept)
    running_now = serving.read(kept)
    if as_json:
        output.json({"file": str(kept.token), "renewed": renew, "up": running_now is not None})
        return
    output.line(f"the portal's token is in {kept.token}" + (", a new one" if renew else ""))
    if renew and running_now is not None:
        output.note("the portal that runs now still opens with the old one: start it anew")
