"""`telford quarantine`: what is kept out of a place; keep a version out, or let it in again."""

from collections.abc import Iterable
from typing import Annotated

import typer

from telford.app import loading, places
from telford.app import quarantine as use_case
from telford.basics.errors import UsageError
from telford.cli import options, output, running
from telford.deliver.quarantine import Quarantine
from telford.estate.model import Estate

ACTS = ("list", "lift", "add")
Act = Annotated[str, typer.Argument(help="list, lift or add")]
What = Annotated[
    str,
    typer.Argument(help="lift: the quarantine's id; add: the service", show_default=False),
]
Version = Annotated[str, typer.Option("--version", help="add: the version to keep out")]
Everything = Annotated[bool, typer.Option("--all", help="list: lifted ones too")]


def command(
    act: Act = "list",
    what: What = "",
    version: Version = "",
    place: options.In = "",
    reason: running.Reason = "",
    everything: Everything = False,
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Show the versions that are kept out, keep one out, or let one in again with a reason.

    A rollback quarantines by itself; only a person lifts.

    Example: telford quarantine list
    Example: telford quarantine lift orders-1.1.0-3f9a2c --reason "the database was slow, not it"
    Example: telford quarantine add orders --version 1.1.0 --in prod --reason "leaks memory"
    """
    if act not in ACTS:
        raise UsageError(f"there is nothing called {act!r} to do", fix=f"one of {', '.join(ACTS)}")
    if act != "list" and not what:
        raise UsageError(f"say what to {act}", fix=f"telford quarantine {act} --help")
    with running.records(estate) as store:
        if act == "list":
            found = store.quarantines.of(place, active=not everything)
        elif act == "lift":
            found = (use_case.lift(store, what, who=running.who(), reason=reason),)
        else:
            described = loading.load_folder(options.folder(estate), options.estate_cache()).estate
            where, service = str(places.choose(described, place)), _service(described, what)
            if not version:
                raise UsageError("say which version", fix="add --version VERSION")
            found = (
                use_case.add(store, where, service, version, who=running.who(), reason=reason),
            )
    if as_json:
        output.json({"quarantines": [use_case.as_json(one) for one in found]})
    elif act == "list":
        _list(found)
    else:
        done = "may come again" if act == "lift" else "is kept out"
        output.line(f"{found[0].id}: {found[0].version} of {found[0].service} {done}")


def _list(found: Iterable[Quarantine]) -> None:
    rows = [(one.id, one.service, one.version, one.place, _state(one), one.reason) for one in found]
    if rows:
        output.table(("quarantine", "service", "version", "place", "state", "why"), rows)
    else:
        output.line("nothing is quarantined")


def _state(one: Quarantine) -> str:
    if not one.active:
        return f"lifted by {one.lifted_by}: {one.lift_reason}"
    if one.alarm is not None:
        return f"came back {one.returns} times: look at it"
    return f"came back {one.returns} times" if one.returns else "holds"


def _service(described: Estate, text: str) -> str:
    found = described.find(text) or described.find(f"service/{text}")
    if len(found) != 1:
        raise UsageError(f"the estate has no service {text!r}", fix="telford promotions lists them")
    return str(found[0].address)
