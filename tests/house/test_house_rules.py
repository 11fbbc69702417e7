"""What import contracts cannot see: pure floors do no I/O, imports stand at the top, things stay small."""

import ast
import re
from collections.abc import Iterator

from source_files import PACKAGE, ROOT, trees

import telford.api

PURE = ("deliver", "operate", "plan", "intake", "rules", "render", "road", "analysis", "estate")
# Modules through which a pure floor would reach the outside, or read a clock or chance.
OUTSIDE = {
    "os", "io", "pathlib", "shutil", "glob", "urllib", "http", "socket", "subprocess", "tempfile", "asyncio",
    "threading", "importlib", "time", "random", "secrets", "uuid", "logging", "sys",
}  # fmt: skip
# Pure parts of modules that are otherwise outside.
PURE_PARTS = {"pathlib.PurePath", "pathlib.PurePosixPath", "urllib.parse"}
CALLS = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}
# Ambient clocks that hide in an innocent module.
AMBIENT = re.compile(r"^(datetime|date|datetime\.datetime|datetime\.date)\.(now|today|utcnow)$")

FUNCTION_LINES = 70
MODULE_LINES = 500
PARAMETERS = 8
# What is larger for now: "path::name" -> why, and since when. It only shrinks.
EXEMPT: dict[str, str] = {}


def imported(node: ast.AST) -> Iterator[str]:
    """The dotted names that an import statement brings in."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_outside(name: str) -> bool:
    if any(name == part or name.startswith(f"{part}.") for part in PURE_PARTS):
        return False
    return name.partition(".")[0] in OUTSIDE


def pure_trees() -> dict[str, ast.Module]:
    return {path: tree for path, tree in trees().items() if path.partition("/")[0] in PURE}


def test_pure_floors_import_nothing_that_reaches_outside():
    found = [
        f"{path}:{node.lineno} imports {name}"
        for path, tree in pure_trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in imported(node)
        if is_outside(name)
    ]
    assert found == []


def test_pure_floors_open_and_print_nothing_and_ask_no_clock():
    found = []
    for path, tree in pure_trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if name in CALLS or AMBIENT.match(name):
                    found.append(f"{path}:{node.lineno} calls {name}")
    assert found == []


def test_no_import_stands_inside_a_function_or_under_a_condition():
    found = []
    for path, tree in trees().items():
        top = {id(node) for node in tree.body}
        found += [
            f"{path}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in top
        ]
    assert found == []


def test_modules_are_named_for_what_they_are():
    vague = {"utils", "util", "misc", "helpers", "helper", "common", "stuff"}
    assert [path for path in trees() if vague & set(re.split(r"[/._]", path))] == []


def test_the_package_itself_imports_nothing():
    assert not any(isinstance(n, ast.Import | ast.ImportFrom) for n in trees()["__init__.py"].body)


def too_large() -> Iterator[tuple[str, str]]:
    """Everything beyond the limits: where, and what."""
    for path, tree in trees().items():
        lines = len((PACKAGE / path).read_text(encoding="utf-8").splitlines())
        if lines > MODULE_LINES:
            yield path, f"{lines} lines"
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            place = f"{path}::{node.name}"
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            # A migration is one list of statements, written once and never changed.
            if length > FUNCTION_LINES and not path.startswith("store/migrations/versions/"):
                yield place, f"{length} lines"
            count = len([*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs])
            own = 1 if node.args.args and node.args.args[0].arg in {"self", "cls"} else 0
            # A command's signature is its options.
            if count - own > PARAMETERS and not path.startswith("cli/"):
                yield place, f"{count - own} parameters"


def test_nothing_new_is_too_large():
    assert [f"{place}: {what}" for place, what in too_large() if place not in EXEMPT] == []


def test_exemptions_are_needed_and_say_why():
    large = {place for place, _ in too_large()}
    assert [place for place, why in EXEMPT.items() if place not in large or len(why) < 20] == []


def test_the_interface_for_python_programs_is_complete():
    public = {
        name
        for name, value in vars(telford.api).items()
        if not name.startswith("_") and not isinstance(value, type(telford.api))
    } - {"Mapping", "Path"}
    assert sorted(public) == telford.api.__all__
    assert all(getattr(telford.api, name).__doc__ for name in telford.api.__all__)


def test_no_file_names_the_machine_it_was_written_on():
    folders = ("src", "docs", "tools", "examples", "tests")
    paths = [
        ROOT / "README.md",
        ROOT / "Makefile",
        *(p for f in folders for p in (ROOT / f).rglob("*")),
    ]
    place = re.compile(r"(?<![\w.])/(?:work|root|home/\w+)/\w")
    found = []
    for path in paths:
        if (
            path.suffix in {".py", ".md", ".yaml", ".toml", ".json", ".sh", ".html", ".js", ""}
            and path.is_file()
        ):
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{path.relative_to(ROOT)}: {m[0]}" for m in place.finditer(text)]
    assert found == []
