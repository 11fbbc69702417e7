"""The files that an import is given: read once, named alike on every machine, and more of them when
a reader asks; never one that lies outside of the folders that the person named.

Called by `telford.app.importing` and `telford.app.initialise`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from telford.backends import files
from telford.basics.diagnostics import Diagnostic
from telford.intake import formats
from telford.intake.format import Format, Needs, Rendering, Sources
from telford.intake.imported import Imported, Options

# How often a reader may ask for more: includes of includes are rarely three deep.
MAX_ROUNDS = 40
# Files that readers may ask for, all rounds together.
MAX_FETCHED = 5_000
# Folders that tools keep such files in, which a walk leaves out with all other hidden ones.
_HIDDEN = (".github/CODEOWNERS", ".gitlab/CODEOWNERS", ".gitea/CODEOWNERS", ".forgejo/CODEOWNERS")
_ABSENT = "it is not there"
_OUTSIDE = "it leaves the folder that is imported"
_REMOTE = "it is remote, and nothing is fetched"
_UNREADABLE = "it cannot be read as text"


# Runs a tool in a folder, which reads nothing outside of another: the text, or None and why there
# is none.
Renderer = Callable[[Rendering, Path, Path], tuple[str | None, str]]


@dataclass(frozen=True, slots=True)
class Root:
    """A folder of the input: what its files are called by (``shop``), and where it is."""

    name: str
    folder: Path

    def relative(self, path: str) -> str | None:
        """The rest of a path of this root; None where it is of another."""
        if not self.name:
            return path
        return path.removeprefix(f"{self.name}/") if path.startswith(f"{self.name}/") else None


@dataclass(slots=True)
class Inputs:
    """Everything that was read. `named` are the files that the person named one by one."""

    texts: dict[str, str] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    roots: tuple[Root, ...] = ()
    named: tuple[str, ...] = ()

    def fetch(self, path: str) -> tuple[str | None, str]:
        """The text of a file of the input, or None and the reason why it cannot be had."""
        if path in self.texts:
            return self.texts[path], ""
        if "://" in path or path.startswith("git@"):
            return None, _REMOTE
        if PurePosixPath(path).is_absolute() or path.split("/", maxsplit=1)[0] == "..":
            return None, _OUTSIDE
        reason = _OUTSIDE
        for real, _ in self._places(path):
            reason = _ABSENT
            if real.is_file():
                text = next(iter(files.read([real]).texts.values()), None)
                return text, "" if text is not None else _UNREADABLE
        return None, reason

    def under(self, paths: Iterable[Path]) -> tuple[str, ...]:
        """The names of the files that were read under some of the paths given."""
        wanted = [self._name(path) for path in paths]
        return tuple(
            name
            for name in self.texts
            if any(name == one or not one or name.startswith(f"{one}/") for one in wanted)
        )

    def folder(self, path: str) -> tuple[Path | None, Path]:
        """Where a folder of the input is on this machine, unless it leaves the input, and the
        folder that the person named.
        """
        found = ((real, root) for real, root in self._places(path) if real.is_dir())
        return next(found, (None, Path()))

    def of_folder(self, path: str, endings: tuple[str, ...]) -> dict[str, str]:
        """The files of a folder, not of those in it, that end in one of the texts."""
        real, _ = self.folder(path)
        if real is None:
            return {}
        names = sorted(entry.name for entry in real.iterdir() if entry.is_file())
        found = {}
        for name in names:
            text = (
                self.fetch(f"{path}/{name}" if path else name)[0]
                if name.endswith(endings)
                else None
            )
            if text is not None:
                found[f"{path}/{name}" if path else name] = text
        return found

    def _name(self, path: Path) -> str:
        """What a path that the person gave is called here."""
        return _root(path).name if path.is_dir() else _short(path, [path])

    def _places(self, path: str) -> Iterator[tuple[Path, Path]]:
        """Where a path of the input may be on this machine, inside of its root, and that root."""
        for root in self.roots:
            rest = root.relative(path)
            real = (root.folder / rest).resolve() if rest is not None else None
            if real is not None and real.is_relative_to(root.folder.resolve()):
                yield real, root.folder.resolve()


def read(paths: Sequence[Path]) -> Inputs:
    """All files under the paths that some format may know, by names that mean the same on every
    machine: relative as they were given, or from the named folder on.

    Raises `UsageError` for a path that is not there.
    """
    roots = tuple(dict.fromkeys(map(_root, paths)))
    inputs = Inputs(roots=tuple(sorted(roots, key=lambda root: -len(root.name))))
    found = files.read(paths, formats.suffixes())
    inputs.diagnostics += found.diagnostics
    for path in paths:
        if path.is_dir():
            hidden = [path / name for name in _HIDDEN if _inside(path / name, path)]
            found.texts.update(files.read(hidden).texts)
    inputs.texts = _renamed(found.texts, paths)
    inputs.named = tuple(_renamed({path.as_posix(): "" for path in paths if path.is_file()}, paths))
    return inputs


def _inside(path: Path, folder: Path) -> bool:
    """Whether there is a file, and no link leads from it out of a folder."""
    return path.is_file() and path.resolve().is_relative_to(folder.resolve())


def gather(
    one: Format, texts: Mapping[str, str], inputs: Inputs, options: Options, renderer: Renderer
) -> Imported:
    """Ask a reader, and give it what it needs, until it answers."""
    sources = Sources(dict(texts))
    for turn in range(2 * MAX_ROUNDS):
        answer = one.read(sources, options)
        if isinstance(answer, Imported):
            return answer
        if turn < MAX_ROUNDS:
            sources = _more(one, sources, answer, inputs, renderer)
        else:
            sources = _refused(sources, answer)
    raise AssertionError(f"the reader of {one.name} asks again for what it was refused")


def _more(
    one: Format, sources: Sources, needs: Needs, inputs: Inputs, renderer: Renderer
) -> Sources:
    texts, unreadable = dict(sources.texts), dict(sources.unreadable)
    for wanted in needs.files:
        if len(texts) + len(unreadable) > MAX_FETCHED:
            unreadable[wanted.path] = f"more than {MAX_FETCHED:,} files are asked for"
        elif wanted.folder:
            found = inputs.of_folder(wanted.path, (*one.suffixes, *one.names))
            texts |= found
            # Said even of a folder that was there: a reader must not ask for it again.
            unreadable[wanted.path] = "" if found else _ABSENT
        else:
            text, reason = inputs.fetch(wanted.path)
            if text is None:
                unreadable[wanted.path] = reason
            else:
                texts[wanted.path] = text
    for rendering in needs.renderings:
        folder, root = inputs.folder(rendering.path)
        rendered, reason = renderer(rendering, folder, root) if folder else (None, _ABSENT)
        if rendered is None:
            unreadable[rendering.output] = reason
        else:
            texts[rendering.output] = rendered
    return Sources(texts, unreadable)


def _refused(sources: Sources, needs: Needs) -> Sources:
    reason = "the files that ask for one another never end"
    paths = [wanted.path for wanted in needs.files]
    paths += [rendering.output for rendering in needs.renderings]
    return Sources(sources.texts, {**sources.unreadable, **dict.fromkeys(paths, reason)})


def _root(path: Path) -> Root:
    """The folder that a path stands for: itself, or for a file where it lies; the working folder
    for what lies below it, so that a file may name its neighbours.
    """
    if path.is_dir():
        name = path.name if path.is_absolute() else path.as_posix()
        return Root("" if name == "." else name, path)
    if not path.is_absolute() and ".." not in path.parts:
        return Root("", Path())
    return Root("", path.parent)


def _renamed(texts: Mapping[str, str], paths: Iterable[Path]) -> dict[str, str]:
    roots = sorted({path for path in paths if path.is_absolute()}, key=lambda p: -len(p.parts))
    renamed: dict[str, str] = {}
    for name, text in texts.items():
        short = _short(Path(name), roots)
        renamed[short if short not in renamed else name] = text
    return renamed


def _short(path: Path, roots: Sequence[Path]) -> str:
    for root in roots:
        if root.is_absolute() and path.is_relative_to(root):
            return path.relative_to(root.parent).as_posix()
    return path.as_posix()
