"""`telford source`: the line of the estate that a line of a generated file comes from."""

import difflib
from dataclasses import dataclass
from pathlib import Path

from telford.app import loading, rendering, source_map
from telford.app.desires import Scope
from telford.app.source_map import Origin, SourceMap
from telford.backends import output
from telford.basics.errors import RefusedError, UsageError
from telford.estate.model import Estate
from telford.plan.actions import Entry
from telford.ports.cache import Cache


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a generated file, from 1, and its origins, the best known first."""

    number: int
    text: str
    origins: tuple[Origin, ...]

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        origins = [origin.as_json() for origin in self.origins]
        return {"line": self.number, "text": self.text, "origins": origins}


@dataclass(frozen=True, slots=True)
class Sources:
    """Lines of one file; `address` is whose file it is."""

    path: str
    address: str
    target: str
    place: str
    lines: tuple[Line, ...]

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "path": self.path,
            "address": self.address,
            "target": self.target,
            "place": self.place,
            "lines": [line.as_json() for line in self.lines],
        }


def of(
    folder: Path,
    out: Path,
    file: str,
    *,
    line: int = 0,
    every: bool = False,
    cache: Cache | None = None,
) -> Sources:
    """Where a line of a file in `out` comes from in the estate of `folder`: all lines where it is 0.

    `every` looks for all values that a line hangs on, and not only the best known. Raises
    `UsageError` for a file that no build wrote there or a line that it has not, `RefusedError`
    where the estate has errors or does not make the file any more.
    """
    entry = _entry(out, file)
    estate = loading.require(loading.load_folder(folder, cache))
    with loading.undisturbed():
        mapped = _map(estate, entry)
        written = output.text(out, entry.path).splitlines()
        if line > len(written):
            raise UsageError(f"{entry.path} has {len(written)} lines", fix="name one of them")
        if line and not every:
            lines = [_line(mapped, entry, written, line)]
        else:
            numbers = [line] if line else range(1, len(written) + 1)
            known = mapped.every()
            made = {number: _made(mapped, written, number) for number in numbers}
            lines = [
                Line(number, written[number - 1], known[now - 1] if now else ())
                for number, now in made.items()
            ]
    return Sources(entry.path, entry.owner, entry.target, entry.place, tuple(lines))


def _line(mapped: SourceMap, entry: Entry, written: list[str], line: int) -> Line:
    now = _made(mapped, written, line)
    if not now:
        raise RefusedError(
            f"line {line} of {entry.path} is not what the estate says: it was edited, or the estate "
            "has changed since",
            fix="run `telford plan` to see what differs, or build again",
        )
    return Line(line, written[line - 1], (mapped.line(now),))


def _entry(out: Path, file: str) -> Entry:
    """The inventory's entry of a file, named as it lies there or within the folder."""
    entries = output.inventory(out).entries
    for name in (file, _within(out, file)):
        if name in entries:
            return entries[name]
    raise UsageError(
        f"no build wrote {file} to {out}",
        fix="name a generated file, and with --out the folder that it was built into",
    )


def _within(out: Path, file: str) -> str:
    try:
        return Path(file).absolute().relative_to(out.absolute()).as_posix()
    except ValueError:
        return ""


def _map(estate: Estate, entry: Entry) -> SourceMap:
    scope = Scope(targets=(entry.target,), place=entry.place)
    rendering.known(scope.targets)
    every = rendering.chosen(estate, Scope())
    chosen = rendering.chosen(estate, scope)
    targets = every if set(chosen) <= set(every) else chosen
    places = rendering.places(estate, scope)
    found = source_map.of_file(rendering.world(estate, places, targets), entry)
    if found is None:
        raise RefusedError(
            f"the estate does not make {entry.path} any more",
            fix="run `telford plan` to see what a build would remove",
        )
    return found


def _made(mapped: SourceMap, written: list[str], number: int) -> int:
    """The line of the file as the estate makes it now that is this line; 0 where none is."""
    made = mapped.text.splitlines()
    if made == written:
        return number
    matcher = difflib.SequenceMatcher(None, written, made, autojunk=False)
    for start, now, size in matcher.get_matching_blocks():
        if start < number <= start + size:
            return now + number - start
    return 0
