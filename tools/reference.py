"""Write the pages of docs/reference that are made from the code: `python tools/reference.py`.

Diagnostics come from the codes and rules, kinds from their models, commands from their own help,
exit codes from the error hierarchy. `tests/house` checks that the pages are current.
"""

import contextlib
import importlib.util
import inspect
import io
import os
import pathlib
import re
import typing
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from telford.app import settings
from telford.basics import errors
from telford.cli import main, table
from telford.estate import codes
from telford.estate.codes import Code
from telford.estate.kinds import registry as kinds
from telford.estate.kinds.base import Kind
from telford.rules import registry as rules

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = "<!-- Made by tools/reference.py from the code: change it there. -->\n\n"
# How wide help texts are folded, whatever terminal this runs in.
WIDTH = "100"


def pages() -> dict[str, str]:
    """File name -> text of every page made from code."""
    return {
        "commands.md": commands(),
        "diagnostics.md": diagnostics(),
        "exit-codes.md": exit_codes(),
        "kinds.md": kind_pages(),
    }


def diagnostics() -> str:
    """What can be wrong, by code."""
    text = f"{NOTE}# Diagnostics\n\n"
    text += (
        "Codes are stable. `TEL10x` is about texts, `TEL11x` and `TEL12x` about documents, the\n"
    )
    text += (
        "rest are rules. Each example was run by the tests; a Team `shop` stands before each.\n\n"
    )
    severities = {rule.code.code: rule.severity.value for rule in rules.RULES}
    severities |= {rule.code.code: rule.severity.value for rule in rules.ESTATE_RULES}
    for code in sorted((*codes.CODES, *rules.codes()), key=lambda c: c.code):
        text += _code(code, severities.get(code.code, "error"))
    return text


def _code(code: Code, severity: str) -> str:
    text = f"## {code.code}: {code.title}\n\n"
    if code.what:
        text += f"{code.what} (Severity: {severity}.)\n\n"
    text += f"**Why.** {code.why}\n\n"
    if code.bad:
        text += f"Wrong:\n\n```yaml\n{_printable(code.bad)}\n```\n\n"
        text += f"Right:\n\n```yaml\n{_printable(code.good)}\n```\n\n"
    return text


def _printable(text: str) -> str:
    shown = re.sub(r"[\x00-\x09\x0b-\x1f]", lambda m: f"\\x{ord(m[0]):02x}", text.strip("\n"))
    return re.sub(r"([\[\]])\1{20,}", lambda m: f"{m[1] * 5}...", shown)


def kind_pages() -> str:
    """Every kind and its fields."""
    text = f"{NOTE}# Kinds\n\n"
    text += (
        "Keys are camelCase. `labels`, `annotations` and keys that begin with `x-` are your own.\n"
    )
    text += (
        "*identity* cannot be overlaid; *merges by* says how a list merges in an overlay, every\n"
    )
    text += "other list is replaced.\n\n"
    shown: dict[str, type[BaseModel]] = {}
    for kind in kinds.KINDS:
        text += f"## {kind.__name__}\n\n{_docstring(kind)}\n\n{_fields(kind, shown)}\n"
    text += "# Parts of kinds\n\n"
    done: set[str] = set()
    while pending := [name for name in shown if name not in done]:
        for name in pending:
            done.add(name)
            text += f"## {name}\n\n{_docstring(shown[name])}\n\n{_fields(shown[name], shown)}\n"
    return text


def _docstring(model: type[BaseModel]) -> str:
    return inspect.cleandoc(model.__doc__ or "")


def _fields(model: type[BaseModel], shown: dict[str, type[BaseModel]]) -> str:
    hints = typing.get_type_hints(model)
    text = "| field | type | default | notes |\n|---|---|---|---|\n"
    for name, info in model.model_fields.items():
        key = info.alias or name
        if key == "kind" or (not issubclass(model, Kind) and key == ""):
            continue
        notes = _notes(model, key) if issubclass(model, Kind) else ""
        text += f"| `{key}` | {_type(hints[name], shown)} | {_default(info)} | {notes} |\n"
    return text


def _notes(kind: type[Kind], key: str) -> str:
    notes = ["identity"] if key in kind.identity else []
    for path, keys in kind.merge_keys.items():
        if path == key or path.startswith(f"{key}."):
            notes.append(f"`{path}` merges by {', '.join(f'`{k}`' for k in keys)}")
    return "; ".join(notes)


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**required**"
    value = info.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "its defaults"
    if value is None or value in ((), {}, ""):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


_SCALARS = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def _type(annotation: object, shown: dict[str, type[BaseModel]]) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(arguments[0], shown)
    if origin is typing.Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin in {tuple, list}:
        return f"list of {_type(arguments[0], shown)}"
    if origin is dict:
        return f"mapping to {_type(arguments[1], shown)}"
    if arguments:
        return " or ".join(_type(a, shown) for a in arguments if a is not type(None))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        shown.setdefault(annotation.__name__, annotation)
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    return _SCALARS.get(typing.cast("type", annotation), "anything")


def commands() -> str:
    """Every command's own help, and the settings from the environment."""
    text = f"{NOTE}# Commands\n\n"
    for command in table.COMMANDS:
        if importlib.util.find_spec(f"telford.cli.{command.module}") is None:
            continue
        text += f"## telford {command.verb}\n\n```text\n{_help(command.verb)}\n```\n\n"
    text += f"# Settings\n\n{_docstring_of(settings.Settings)}\n\n"
    names = sorted(set(re.findall(r"TELFORD_[A-Z_]+[A-Z]", inspect.getsource(settings))))
    text += "Read from: " + ", ".join(f"`{name}`" for name in names) + ".\n"
    return text


def _docstring_of(subject: object) -> str:
    return inspect.getdoc(subject) or ""


def _help(verb: str) -> str:
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDTH
    try:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            main.run([verb, "--help"])
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return "\n".join(line.rstrip() for line in out.getvalue().strip().splitlines())


def exit_codes() -> str:
    """Exit codes, with the errors that give them."""
    text = f"{NOTE}# Exit codes\n\n| code | means | errors |\n|---|---|---|\n"
    meaning = {
        0: "yes, or done",
        1: "the answer is no: an estate with errors, a closed gate, a release rolled back",
        2: "the question was wrong: an unknown command, option, address or place",
        3: "something outside failed, or a bug in telford",
        main.INTERRUPTED: "interrupted (Ctrl-C)",
    }
    for number, means in meaning.items():
        names = ", ".join(f"`{name}`" for name, code in _errors() if code == number)
        text += f"| {number} | {means} | {names} |\n"
    text += "\nAn error is one sentence on stderr, with a `fix:` where there is one. With `--json` it is\n"
    text += (
        'also `{"version": 1, "error": {"kind", "message", "fix"}}` on stdout. A bug writes its\n'
    )
    text += "details to a log file and names it; `TELFORD_DEBUG=1` shows the traceback instead.\n"
    return text


def _errors() -> Iterator[tuple[str, int]]:
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.TelfordError):
            yield name, value.exit_code


def write() -> list[str]:
    """Write the pages that are not current; their names."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    changed = []
    for name, text in pages().items():
        path = FOLDER / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


if __name__ == "__main__":
    print("\n".join(write()) or "every page is current")
