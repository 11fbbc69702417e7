"""Load an estate from a folder: read, load, apply every rule. The one way for all use cases."""

import contextlib
import datetime as dt
import gc
import os
import re
from collections import ChainMap
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pydantic
import yaml

from telford.app import remember, remembered
from telford.backends import files, readers
from telford.basics import diagnostics
from telford.basics.diagnostics import Diagnostic, Severity
from telford.basics.errors import RefusedError
from telford.estate import kept, loading
from telford.estate.model import Estate, Loaded, Memory
from telford.estate.reading import Foreign
from telford.intake import resident
from telford.ports.cache import Cache
from telford.rules import again as rules_again
from telford.rules import registry

ForeignReader = Callable[[Mapping[str, str]], tuple[Sequence[Foreign], Sequence[Diagnostic]]]

Check = Callable[[Loaded, dt.date | None, Mapping[str, str | None]], Sequence[Diagnostic]]

# Readers of open formats that may lie in an estate. Each is given the texts of those files alone
# that seem to hold documents of another format, and says what it made of which document.
FOREIGN: tuple[ForeignReader, ...] = (resident.read,)

# An apiVersion that is not ours, wherever it stands: a file too many costs time, nothing else.
_OTHER = re.compile(r"""apiVersion["']?\s*:\s*["']?(?!telford/|["'\s])""")
# What is kept is written again once this share of the files had to be read: until then reading
# those few costs less than writing all.
_STALE_SHARE = 0.01
# What describes places, as a text says it.
_PLACES = ("Environment", "Region")
# The code that decides what a file says.
_READERS = ("basics", "estate", "intake")


def load_folder(folder: Path, cache: Cache | None = None) -> Loaded:
    """The estate of a folder, with everything wrong in it, rules included.

    With a cache, files that did not change are not read as YAML again. Raises `UsageError` where
    there is no such folder.
    """
    return load_paths([folder], cache)


def load_paths(paths: Sequence[Path], cache: Cache | None = None) -> Loaded:
    """The estate of several files and folders together."""
    return of_texts(files.read(paths), cache)


def of_texts(found: files.Texts, cache: Cache | None = None) -> Loaded:
    """The estate of texts that were read, with what could not be read among the diagnostics."""
    with undisturbed():
        return _judged(found, _with_kept(found, cache), cache)


def estate_of(paths: Sequence[Path], cache: Cache | None = None) -> Loaded:
    """The estate of files and folders with what is wrong in their texts and overlays; what rules
    find is left out, for those who only look at it. Raises `UsageError` where a path is not there.
    """
    found = files.read(paths)
    with undisturbed():
        return _with_unread(found, _with_kept(found, cache))


def _with_kept(found: files.Texts, cache: Cache | None) -> Loaded:
    """The estate, by what a cache keeps of its files; what is new is kept there."""
    if cache is None:
        return _loaded(found, kept.NOTHING, keep=False)
    key = _key(found)
    memory = _recalled(found, key, cache)
    loaded = _loaded(found, memory)
    _keep(found, key, memory, loaded, cache)
    return loaded


def of_both(before: files.Texts, after: files.Texts) -> tuple[Loaded, Loaded]:
    """The estates of one folder at two times, with what is wrong in their texts, rules left out. A
    file that says the same at both is read once, and its entities are the very same in both.
    """
    with undisturbed():
        first = _loaded(before, kept.NOTHING)
        assert first.memory is not None, "it was asked for"
        memory = _unchanged(first.memory, before, after)
        second = _loaded(after, memory)
    return _with_unread(before, first), _with_unread(after, second)


def _with_unread(found: files.Texts, loaded: Loaded) -> Loaded:
    """With what could not be read among the diagnostics."""
    every = diagnostics.ordered([*found.diagnostics, *loaded.diagnostics])
    return replace(loaded, diagnostics=every)


def _unchanged(memory: Memory, before: files.Texts, after: files.Texts) -> Memory:
    """The files that say what they said."""
    old, new = before.hashes(), after.hashes()
    same = {name: file for name, file in memory.files.items() if new.get(name) == old[name]}
    return replace(memory, files=same)


class Reloader:
    """Loads the same paths again and again, as a server does: only what changed is read as YAML,
    and everything else is the very same entities as before. Not for several threads at once.
    """

    def __init__(self, paths: Sequence[Path], cache: Cache | None = None) -> None:
        self._paths = tuple(paths)
        self._cache = cache
        self._last: tuple[files.Texts, Memory] | None = None
        self._checker = rules_again.Checker()

    def load(self) -> Loaded:
        """The estate as it is now, rules included. Raises as `load_paths` does."""
        found, loaded = self._read()
        with undisturbed():
            return _judged(found, loaded, self._cache, self._checker.check)

    def estate(self) -> Loaded:
        """The estate as it is now, without what rules find. Raises as `estate_of` does."""
        return _with_unread(*self._read())

    @property
    def found(self) -> files.Texts:
        """The texts of the last reading."""
        assert self._last is not None, "something was read"
        return self._last[0]

    def _read(self) -> tuple[files.Texts, Loaded]:
        found = files.read(self._paths)
        with undisturbed():
            if self._last is None and self._cache is not None:
                loaded = _with_kept(found, self._cache)
            else:
                loaded = _loaded(found, self._same(found))
        assert loaded.memory is not None, "it was asked for"
        self._last = found, loaded.memory
        return found, loaded

    def _same(self, found: files.Texts) -> Memory:
        """The files that say what they said the last time."""
        if self._last is None:
            return kept.NOTHING
        before, memory = self._last
        return _unchanged(memory, before, found)


def _key(found: files.Texts) -> str:
    """Names what is kept of an estate: by the code that reads, and the folder that all lie in."""
    here = Path.cwd().as_posix()
    names = [name if name.startswith("/") else f"{here}/{name}" for name in found.texts]
    where = os.path.commonpath(names or ["/"])
    libraries = f"pydantic {pydantic.VERSION}, PyYAML {yaml.__version__}"
    return remembered.key(
        remembered.code_version(_READERS), {"estate": where, "libraries": libraries}
    )


def _recalled(found: files.Texts, key: str, cache: Cache) -> Memory:
    text = cache.get(key)
    if text is None:
        return kept.NOTHING
    return kept.decode(text, found.hashes(), found.texts)


def _keep(found: files.Texts, key: str, before: Memory, loaded: Loaded, cache: Cache) -> None:
    memory = loaded.memory
    assert memory is not None, "it was asked for"
    new = sum(name not in before.files for name in memory.files)
    if new > _STALE_SHARE * len(memory.files):
        cache.put(key, kept.encode(memory, found.hashes()))


def _loaded(found: files.Texts, memory: Memory, *, keep: bool = True) -> Loaded:
    """The estate of texts, documents of open formats included."""
    foreign: list[Foreign] = []
    problems: list[Diagnostic] = []
    others = {name: text for name, text in found.texts.items() if _OTHER.search(text)}
    for read in FOREIGN if others else ():
        made, said = read(others)
        foreign += made
        problems += said
    memory = _on_all_cores(found, memory, {one.file for one in foreign})
    loaded = loading.load(found.texts, foreign, memory, keep=keep)
    return replace(loaded, diagnostics=(*loaded.diagnostics, *problems))


def _on_all_cores(found: files.Texts, memory: Memory, foreign: Container[str]) -> Memory:
    """The memory with what is new in it, where that is so much that several processes read it."""
    new = [name for name in found.texts if name not in memory.files and name not in foreign]
    cores = readers.cores()
    if cores < 2 or sum(len(found.texts[name]) for name in new) < readers.WORTH_CHARACTERS:
        return memory
    # Overlays are checked against the places, so every share has whatever may describe one.
    places = [name for name in new if any(kind in found.texts[name] for kind in _PLACES)]
    others = sorted(set(new) - set(places))
    shares = [
        {name: found.texts[name] for name in (*places, *others[number::cores])}
        for number in range(cores)
    ]
    with readers.reading(shares[1:], found.hashes()) as running:
        mine = loading.load(shares[0], keep=True).memory
        assert mine is not None, "it was asked for"
        theirs = [kept.decode(one, found.hashes(), found.texts) for one in running.answers()]
    same = [one.files for one in (memory, *theirs) if one.places == mine.places]
    together = {name: file for one in same for name, file in one.items()}
    return Memory(mine.places, together | dict(mine.files), {**memory.resolved, **mine.resolved})


def _judged(
    found: files.Texts, loaded: Loaded, cache: Cache | None, check: Check = registry.check
) -> Loaded:
    """With what the rules find, and what could not be read; recalled where all is as it was."""
    known = remember.recall(found, cache) if cache is not None else None
    if known is not None:
        return replace(loaded, diagnostics=known.diagnostics)
    beside = ChainMap[str, str | None]({**found.attached}, {**found.texts})
    more = loading.with_source(check(loaded, found.today, beside), found.texts)
    everything = diagnostics.ordered([*found.diagnostics, *loaded.diagnostics, *more])
    if cache is not None:
        report = remember.Report(everything, len(found.texts), len(loaded.estate.entities))
        remember.keep(found, report, cache)
    return replace(loaded, diagnostics=everything)


def require(loaded: Loaded) -> Estate:
    """The estate, where it has no errors. Raises `RefusedError` with the first of them."""
    errors = [d for d in loaded.diagnostics if d.severity is Severity.ERROR]
    if errors:
        first = errors[0]
        raise RefusedError(
            f"the estate has {len(errors)} error{'s' * (len(errors) != 1)};"
            f" the first: {first.summary} ({first.position})",
            fix="run `telford check` and mend what it lists",
        )
    return loaded.estate


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Without the garbage collector: a large estate is a million objects that all stay, and the
    collector would walk them again and again (half of the time for 1,000 services). Afterwards
    they are set aside: they hold no cycles, so counting references frees them all the same.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()
            gc.enable()
