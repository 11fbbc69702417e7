"""`telford explain`: show a value and every line that had a say in it."""

import json
from typing import Annotated

import typer

from telford.app import explain as use_case
from telford.app import loading
from telford.cli import options, output
from telford.estate.model import Link


def command(
    address: Annotated[str, typer.Argument(help="an address, such as service/orders")],
    field: Annotated[
        str,
        typer.Argument(
            help="a field, such as run.replicas, a block such as run, or choices; default: all with a value"
        ),
    ] = "",
    where: options.In = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Show a field's value in a place, and the chain of lines that set it.

    Without --in it is the base, with no overlay applied. Where the document says nothing, the road,
    the architecture and the recipes that match are links of the chain. The field `choices` shows the
    way that is taken in each aspect, such as traffic or delivery, and why.

    Example: telford explain service/orders run.replicas --in prod/eu-west-1
    """
    loaded = loading.load_folder(options.folder(estate), options.estate_cache())
    output.unsound(loaded.diagnostics)
    found = use_case.explain(loaded.estate, address, field, where)
    if as_json:
        output.json(found.as_json())
    elif field and len(found.origins) == 1:
        _one(found)
    else:
        _all(found)


def _one(found: use_case.Explanation) -> None:
    origin = found.origins[0]
    where = f" in {found.place}" if found.place else ""
    output.line(f"{found.address} {origin.field}{where} = {_shown(origin.value)}")
    why = any(link.why for link in origin.links)
    rows = [
        ("=>" if link is origin.decided else "", *_link(link), *([link.why] if why else ()))
        for link in origin.links
    ]
    output.table(("", "layer", "says", "where", *(["why"] if why else ())), rows)


def _link(link: Link) -> tuple[str, str, str]:
    return link.layer, _shown(link.value), str(link.position or "")


def _all(found: use_case.Explanation) -> None:
    where = f" in {found.place}" if found.place else ""
    layers = f" (overlays: {', '.join(found.layers)})" if found.layers else ""
    output.line(f"{found.address}{where}{layers}")
    rows = [
        (o.field, _shown(o.value), o.decided.layer, str(o.decided.position or ""))
        for o in found.origins
    ]
    output.table(("field", "value", "set by", "where"), rows)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
