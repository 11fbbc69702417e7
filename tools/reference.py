"""Write the pages of docs/reference that are made from the code: `python tools/reference.py`.

Diagnostics come from the codes and rules, kinds from their models, commands from their own help,
exit codes from the error hierarchy, targets from the registry, and what is proven of them from the
marks in the tests. `tests/house` checks that the pages are current.
"""

import ast
import contextlib
import importlib.util
import inspect
import io
import os
import pathlib
import re
import tomllib
import typing
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from telford.app import settings
from telford.basics import errors
from telford.cli import main, table
from telford.estate import codes, schema, words
from telford.estate.codes import Code
from telford.estate.kinds import registry as kinds
from telford.estate.kinds.base import Kind
from telford.render import registry as targets
from telford.render.target import Target
from telford.rules import registry as rules

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
ORGANISATION = ROOT / "examples" / "organisation" / "estate"
NOTE = "<!-- Made by tools/reference.py from the code: change it there. -->\n\n"
# How wide help texts are folded, whatever terminal this runs in.
WIDTH = "100"


def pages() -> dict[str, str]:
    """File name -> text of every page made from code."""
    return {
        "commands.md": commands(),
        "diagnostics.md": diagnostics(),
        "exit-codes.md": exit_codes(),
        "kinds.md": kind_index(),
        "proofs.md": proof_table(),
        "targets.md": target_table(),
        **kind_pages(),
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


def kind_index() -> str:
    """All kinds by family, each with its page."""
    text = f"{NOTE}# Kinds\n\n"
    text += "Every document begins with `apiVersion: telford/v1` and `kind`. Editors complete and check\n"
    text += "by the same texts: see `telford schema`.\n\n| kind | what it is |\n|---|---|\n"
    for family, members in kinds.FAMILIES.items():
        for kind in members:
            text += f"| [{kind.__name__}](kinds/{family}.md#{kind.__name__.lower()}) | {_line(kind)} |\n"
    return f"{text}\nWhat kinds are made of, such as `Use` and `Run`: [parts](kinds/parts.md).\n"


def kind_pages() -> dict[str, str]:
    """A page a family, and one of the parts that kinds are made of."""
    names = schema.names(kinds.KINDS)
    examples = _examples()
    pages = {}
    for family, members in kinds.FAMILIES.items():
        text = f"{NOTE}# Kinds: {family}\n\n{HEAD}"
        for kind in members:
            text += f"## {kind.__name__}\n\n{_docstring(kind)}\n\n{_fields(kind, names)}\n"
            text += f"For example:\n\n```yaml\n{examples[kind.__name__]}\n```\n\n"
        pages[f"kinds/{family}.md"] = text
    text = f"{NOTE}# Parts of kinds\n\n{HEAD}"
    for model, name in sorted(names.items(), key=lambda pair: pair[1]):
        if not issubclass(model, Kind):
            text += f"## {name}\n\n{_docstring(model)}\n\n{_fields(model, names)}\n"
    return {**pages, "kinds/parts.md": text}


HEAD = """Keys are camelCase. `labels`, `annotations` and keys that begin with `x-` are your own. *Identity*
cannot be overlaid; *merges by* says how a list merges in an overlay, every other list is replaced.

"""


def _examples() -> dict[str, str]:
    """The first document of each kind in the example organisation, as it is written there."""
    found: dict[str, str] = {}
    # What was imported as it was found comes last: it says more than a person would write.
    for path in sorted(ORGANISATION.glob("*.yaml"), key=lambda p: (p.stem == "ferry-desk", p)):
        for text in path.read_text(encoding="utf-8").split("\n---\n"):
            lines = [line for line in text.strip("\n").split("\n") if not line.startswith("#")]
            kind = next(line for line in lines if line.startswith("kind: "))
            found.setdefault(kind.removeprefix("kind: "), "\n".join(lines))
    return found


def _docstring(model: type[BaseModel]) -> str:
    return words.model(model)


def _line(model: type[BaseModel]) -> str:
    return " ".join(words.model(model).split("\n\n", maxsplit=1)[0].split())


def _fields(model: type[BaseModel], names: dict[type[BaseModel], str]) -> str:
    hints = typing.get_type_hints(model)
    text = "| field | type | default | what it says |\n|---|---|---|---|\n"
    for name, info in model.model_fields.items():
        key = info.alias or name
        if key == "kind" and issubclass(model, Kind):
            continue
        said = words.field(model, name, key)
        notes = _notes(model, key) if issubclass(model, Kind) else ""
        meaning = f"{said} ({notes}.)" if notes else said
        text += f"| `{key}` | {_type(hints[name], names)} | {_default(info)} | {meaning} |\n"
    return text


def _notes(kind: type[Kind], key: str) -> str:
    notes = ["Identity"] if key in kind.identity else []
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
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


_SCALARS = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def _type(annotation: object, names: dict[type[BaseModel], str]) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(arguments[0], names)
    if origin is typing.Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin in {tuple, list}:
        return f"list of {_type(arguments[0], names)}"
    if origin is dict:
        return f"mapping to {_type(arguments[1], names)}"
    if arguments:
        return " or ".join(_type(a, names) for a in arguments if a is not type(None))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        name = names[annotation]
        return f"[{name}](parts.md#{name.lower().replace('.', '')})"
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


HOOKS = {
    "entity": "a thing in a place",
    "place": "a place",
    "across": "a thing over all its places",
    "estate": "the estate",
}


def folder_of(target: Target) -> pathlib.Path:
    """The folder that holds a target of ours."""
    return ROOT / "src" / "telford" / "render" / target.name.replace("-", "_")


def target_table() -> str:
    """Every target: what it makes, of what, and what it builds on."""
    text = f"{NOTE}# Targets\n\n"
    text += "What `telford build` makes of an estate. Which of them, its Architecture says (`targets`) or\n"
    text += "`--target`. How each is shown to be right: [proofs](proofs.md); how to add one:\n"
    text += "[a target of your own](../guides/own-target.md).\n\n"
    text += "| target | what it makes | one file or more for | of kinds | builds on |\n|---|---|---|---|---|\n"
    for target in targets.TARGETS:
        page = (folder_of(target) / "README.md").relative_to(ROOT).as_posix()
        asked = [words for hook, words in HOOKS.items() if getattr(target, hook) is not None]
        kinds_of = ", ".join(sorted(target.kinds)) or "any"
        needs = ", ".join(f"`{name}`" for name in target.needs)
        text += f"| [`{target.name}`](../../{page}) | {target.summary} | {'; '.join(asked)} "
        text += f"| {kinds_of} | {needs} |\n"
    return text


@dataclass(frozen=True, slots=True)
class Proof:
    """One mark of a test: what a tool shows of a target, and where."""

    target: str
    tool: str
    shows: str
    path: str
    test: str


def proofs() -> list[Proof]:
    """Every `@pytest.mark.proves(...)` in the tests, by target, file and place in it.

    The source is read and nothing is run. A mark that is no literal text is a mistake: ValueError.
    """
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "mark.proves" not in text:
            continue
        where = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                marks = (one for one in node.decorator_list if isinstance(one, ast.Call))
                found += [_proof(one, where, node.name) for one in marks if _proves(one)]
    return sorted(found, key=lambda one: (one.target, one.path))


def _proves(call: ast.Call) -> bool:
    return ast.unparse(call.func) == "pytest.mark.proves"


def _proof(call: ast.Call, path: str, test: str) -> Proof:
    said = {keyword.arg: keyword.value for keyword in call.keywords}
    parts = [*call.args, said.get("tool"), said.get("shows")]
    words = [one.value for one in parts if isinstance(one, ast.Constant)]
    if len(parts) != 3 or len(words) != 3 or not all(isinstance(one, str) for one in words):
        raise ValueError(
            f"{path}:{call.lineno}: write proves(TARGET, tool=..., shows=...) literally"
        )
    return Proof(*map(str, words), path, test)


def unproven() -> list[dict[str, str]]:
    """What no test shows, by target: tests/render/unproven.toml."""
    data = tomllib.loads((ROOT / "tests" / "render" / "unproven.toml").read_text(encoding="utf-8"))
    return sorted(data.get("unproven", []), key=lambda one: one["target"])


def proof_table() -> str:
    """By target: what is shown of it, by which tool, in which test; and what is not shown."""
    text = f"{NOTE}# How targets are proven\n\n"
    text += "Each row is a test that gives what a target makes to the tool that it is for, or to one that\n"
    text += "judges it in that tool's place; beside each stands a test that sees something broken refused.\n"
    text += "CI runs all of them. Golden files of three estates are kept for every target as well\n"
    text += "(`tests/golden/targets`).\n"
    known, gaps = proofs(), unproven()
    for target in targets.TARGETS:
        text += f"\n## {target.name}\n\n"
        rows = [one for one in known if one.target == target.name]
        if rows:
            text += "| what is shown | by | test |\n|---|---|---|\n"
            text += "".join(_row(one) for one in rows)
        missing = [one for one in gaps if one["target"] == target.name]
        if missing:
            text += "\nNot proven:\n\n" if rows else "Not proven:\n\n"
            text += "".join(f"- {one['what']}: {one['why']}.\n" for one in missing)
    return text


def _row(one: Proof) -> str:
    cells = [one.shows, one.tool, f"[`{one.path.rpartition('/')[2]}`](../../{one.path})"]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def write() -> list[str]:
    """Write the pages that are not current; their names."""
    changed = []
    for name, text in pages().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


if __name__ == "__main__":
    print("\n".join(write()) or "every page is current")
