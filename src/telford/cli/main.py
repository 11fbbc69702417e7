"""The entry point: finds the verb, imports its one module, and turns every end into an exit code.

Exit codes: 0 done, 1 the answer is no, 2 the question was wrong, 3 something outside failed or a
bug, 130 interrupted (docs/reference/exit-codes.md). An error is a sentence on stderr, with what to
do next; a traceback is shown only where TELFORD_DEBUG is set.
"""

import contextlib
import difflib
import importlib.metadata
import importlib.util
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer

from telford.basics.errors import PermanentError, TelfordError, UsageError
from telford.cli import table, welcome
from telford.cli.table import COMMANDS, Command

INTERRUPTED = 130
_BUG = 3


def main() -> None:
    """Run this process's command line."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code. Nothing but KeyboardInterrupt's kin passes through."""
    try:
        return _dispatch(list(arguments))
    except TelfordError as error:
        return _failed(error, as_json="--json" in arguments)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone; what it wanted it has. Keep exit from flushing again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _refused_by_machine(error)
    except Exception as error:  # noqa: BLE001 - the one place where a bug becomes a sentence
        return _bug(error)


def _dispatch(arguments: list[str]) -> int:
    if not arguments:
        sys.stdout.write(welcome.text(Path()))
        return 0
    first, rest = arguments[0], arguments[1:]
    if first in {"--help", "-h", "help"} and not rest:
        sys.stdout.write(overview())
        return 0
    if first == "help":
        return _call(find(rest[0]), ["--help"])
    if first == "--version":
        sys.stdout.write(f"telford {importlib.metadata.version('telford')}\n")
        return 0
    if first.startswith("-"):
        raise UsageError(f"telford has no option {first}", fix="see `telford --help`")
    return _call(find(first), rest)


def find(verb: str) -> Command:
    """The command of a verb. Raises `UsageError` with the nearest one."""
    for command in COMMANDS:
        if command.verb == verb:
            return command
    near = difflib.get_close_matches(verb, [command.verb for command in COMMANDS], 1)
    fix = f"did you mean `telford {near[0]}`?" if near else "see `telford --help`"
    raise UsageError(f"there is no command {verb}", fix=fix)


def _call(command: Command, arguments: list[str]) -> int:
    """Import a command's module and run its function under typer."""
    name = f"telford.cli.{command.module}"
    if importlib.util.find_spec(name) is None:
        raise UsageError(f"`telford {command.verb}` is not part of this build of telford")
    module = table.load(name)
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(context_settings={"help_option_names": ["-h", "--help"]})(module.command)
    try:
        code = typer.main.get_command(app).main(
            arguments, prog_name=f"telford {command.verb}", standalone_mode=False
        )
    except typer.TyperException as error:
        if error.exit_code == 0:
            return 0
        fix = f"see `telford {command.verb} --help`"
        raise UsageError(error.format_message().rstrip("."), fix=fix) from error
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def overview() -> str:
    """The help text of `telford` itself."""
    width = max(len(command.verb) for command in COMMANDS)
    lines = ["Usage: telford COMMAND [OPTIONS]", ""]
    lines += ["Describe your estate once; check, compile, deliver and watch it.", "", "Commands:"]
    lines += [f"  {command.verb:<{width}}  {command.help}" for command in COMMANDS]
    lines += [
        "",
        "`telford COMMAND --help` says more, with an example. `telford` alone says what to",
    ]
    lines += ["do next in this folder. `telford --version` prints the version.", ""]
    return "\n".join(lines)


def _failed(error: TelfordError, *, as_json: bool) -> int:
    if as_json:
        described = {"kind": type(error).__name__, "message": error.message, "fix": error.fix}
        sys.stdout.write(json.dumps({"version": 1, "error": described}, ensure_ascii=False) + "\n")
    sys.stderr.write(f"telford: {error.message}\n")
    if error.fix:
        sys.stderr.write(f"  fix: {error.fix}\n")
    if _debug():
        traceback.print_exception(error)
    return error.exit_code


def _refused_by_machine(error: OSError) -> int:
    """A full disk, a terminal that went away: not a bug of ours, and perhaps nobody to tell."""
    about = f" ({error.filename})" if error.filename else ""
    said = PermanentError(
        f"the machine refused: {error.strerror or error}{about}",
        fix="see to the disk, the terminal or the permissions, then try again",
    )
    with contextlib.suppress(OSError):
        _failed(said, as_json=False)
    return said.exit_code


def _bug(error: Exception) -> int:
    """Say that it is our fault, and where the details are."""
    if _debug():
        traceback.print_exception(error)
        return _BUG
    text = "".join(traceback.format_exception(error))
    with tempfile.NamedTemporaryFile(
        "w", prefix="telford-bug-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        log.write(text)
    sys.stderr.write(f"telford: this is a bug in telford ({type(error).__name__}: {error})\n")
    sys.stderr.write(f"  fix: please report it with the details in {log.name}\n")
    return _BUG


def _debug() -> bool:
    return os.environ.get("TELFORD_DEBUG", "") not in {"", "0"}


if __name__ == "__main__":
    main()
