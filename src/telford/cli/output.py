"""What a command prints: data on stdout, progress on stderr, colour on a terminal only.

JSON is one envelope, ``{"version": 1, ...}``: a field is only ever added under the same version.
Tables fit the terminal and are never cut where stdout is a file.
"""

import contextlib
import json as jsonlib
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

import rich.box
import rich.console
import rich.table
import rich.text

from telford.basics.diagnostics import Diagnostic, Severity, human, summary_line

VERSION = 1
# Wide enough for any cell: a pipe gets whole lines.
_FILE_WIDTH = 10_000
# More than anybody scrolls through; the JSON view has all.
MAX_SHOWN = 200
_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold cyan"}


def json(fields: Mapping[str, object]) -> None:
    """One versioned JSON object on stdout."""
    text = jsonlib.dumps({"version": VERSION, **fields}, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write(text + "\n")


def json_line(fields: Mapping[str, object]) -> None:
    """One versioned JSON object on one line, at once: for streams."""
    text = jsonlib.dumps({"version": VERSION, **fields}, ensure_ascii=False, default=str)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def line(text: str = "") -> None:
    """One line of data on stdout, as it is."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """One line of progress on stderr, at once."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def news(text: str) -> None:
    """A `note` of something that must go on: a controller does not end because nobody can write down
    or read what it says (a full disk under its log, a reader that is gone).
    """
    with contextlib.suppress(OSError):
        note(text)


def news_line(fields: Mapping[str, object]) -> None:
    """The same as `json_line`."""
    with contextlib.suppress(OSError):
        json_line(fields)


def console() -> rich.console.Console:
    """Stdout for tables and colour; plain where it is not a terminal, NO_COLOR kept."""
    return rich.console.Console(highlight=False, width=_width(), soft_wrap=False)


def errors_console() -> rich.console.Console:
    """Stderr in the same way, for progress that moves."""
    return rich.console.Console(stderr=True, highlight=False)


@contextlib.contextmanager
def busy(what: str) -> Iterator[None]:
    """Something that moves on stderr while work goes on; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield
        return
    with errors_console().status(f"{what} ..."):
        yield


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """A table on stdout that fits the terminal; cells are text, never markup."""
    drawn = rich.table.Table(box=rich.box.SIMPLE_HEAD, title=title or None, title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(rich.text.Text(str(cell)) for cell in row))
    screen = console()
    with screen.capture() as captured:
        screen.print(drawn)
    # Rich pads every row to the table's width; nobody wants the blanks in a file.
    sys.stdout.write("\n".join(row.rstrip() for row in captured.get().splitlines()) + "\n")


def diagnostics(items: Sequence[Diagnostic]) -> None:
    """The human view of diagnostics on stdout, a blank line between two, a summary at the end."""
    screen = console()
    for item in items[:MAX_SHOWN]:
        headline, _, rest = human(item).partition("\n")
        screen.print(rich.text.Text(headline, style=_COLOURS[item.severity]), soft_wrap=True)
        if rest:
            screen.print(rich.text.Text(rest), soft_wrap=True)
        screen.print()
    if len(items) > MAX_SHOWN:
        more = f"... and {len(items) - MAX_SHOWN} more: --json has all of them"
        screen.print(rich.text.Text(more), soft_wrap=True)
    screen.print(rich.text.Text(summary_line(items)), soft_wrap=True)


def unsound(items: Sequence[Diagnostic]) -> None:
    """A note on stderr where an estate has errors: an answer about it may lack what is broken."""
    errors = sum(item.severity is Severity.ERROR for item in items)
    if errors:
        what = f"{errors} error{'s' * (errors != 1)}"
        note(f"the estate has {what} (see `telford check`): what is broken is left out here")


def _width() -> int:
    if sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return _FILE_WIDTH
