"""`telford schema`: the JSON Schema of estate documents, for editors and checkers."""

import json
from pathlib import Path
from typing import Annotated

import typer

from telford.app import schema as use_case
from telford.basics.errors import UsageError
from telford.cli import options, output

Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="write it to a file", show_default=False),
]
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind", metavar="KIND", help="only this kind, such as Service; may be given again",
        show_default=False,
    ),
]  # fmt: skip


def command(out: Out = None, kind: Kinds = None, as_json: options.Json = False) -> None:
    """Print one JSON Schema (draft 2020-12) for all kinds of documents.

    Editors with a YAML language server complete and check by it; begin a file with
    "# yaml-language-server: $schema=telford.schema.json", the path from that file.

    Example: telford schema --out telford.schema.json
    """
    schema = use_case.document(kind or ())
    text = json.dumps(schema, indent=1, ensure_ascii=False)
    if out is None and as_json:
        output.json({"schema": schema})
    elif out is None:
        output.line(text)
    else:
        _write(out, f"{text}\n")
        if as_json:
            output.json({"out": str(out), "kinds": kind or "all"})
        else:
            output.note(f"{out}: the schema of {', '.join(kind) if kind else 'all kinds'}")


def _write(out: Path, text: str) -> None:
    try:
        use_case.write(out, text)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from error
