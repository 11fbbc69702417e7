"""What a foreign format is to the rest of Telford: how its files are told, and how they are read.

Reading is pure. A reader that finds a reference to another file (an include, an environment file,
a chart) answers with `Needs`; `telford.app.importing` fetches what may be fetched and asks again,
until the reader answers with `Imported`. Each format is one folder and one line in
`telford.intake.formats.FORMATS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from telford.basics.diagnostics import Position
from telford.intake.imported import Imported, Options


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that a text names: its path from the root of the input, and who asks for it.

    The path is as normalised as a text can say it: ``/`` between parts, no ``.``; one that begins
    with ``../`` or ``/`` leaves the input, and one with ``://`` is remote. Neither is ever fetched.

    With `folder` the path is a folder, and all of its own files that the format may claim are
    wanted (a Terraform module, a path of manifests). Each is given under its own path, and the
    folder itself stands in `Sources.unreadable`: with a reason, or with "" where it was read.
    """

    path: str
    position: Position
    folder: bool = False


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a tool would have to render: a chart or a kustomization, never run unless the person
    who imports says so (``--render``).

    `tool` is helm or kustomize; `path` the folder; `values` are files and `settings` are
    ``key=value`` texts, both for helm alone.
    """

    tool: str
    path: str
    position: Position
    name: str = ""
    namespace: str = ""
    values: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    @property
    def output(self) -> str:
        """The path under which the rendered text is given to the reader."""
        return (
            f"{self.path}/<{self.tool} {self.name}>" if self.name else f"{self.path}/<{self.tool}>"
        )


@dataclass(frozen=True, slots=True)
class Sources:
    """What a reader is given: the texts of its files by path, and why some could not be had.

    `unreadable` has one entry for each path that was wanted and cannot be given, with a reason
    that reads on after "because" (``it is not there``, ``it leaves the folder``).
    """

    texts: Mapping[str, str]
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def lacks(self, path: str) -> bool:
        """Whether a path was neither given nor refused yet."""
        return path not in self.texts and path not in self.unreadable


@dataclass(frozen=True, slots=True)
class Needs:
    """What a reader needs before it can answer."""

    files: tuple[Wanted, ...] = ()
    renderings: tuple[Rendering, ...] = ()


@dataclass(frozen=True, slots=True)
class Format:
    """One foreign format.

    `claims` tells from a path and a text, cheaply, whether the file is one of its own. `suffixes`
    are those its files may have ("" for files known by their whole name, given in `names`).
    `lives_in_estate` is true for open formats that an estate may hold as they are; `general` for
    the one that is asked last, because it claims what many formats look like.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    claims: Callable[[str, str], bool]
    read: Callable[[Sources, Options], Imported | Needs]
    names: tuple[str, ...] = ()
    lives_in_estate: bool = False
    general: bool = False
