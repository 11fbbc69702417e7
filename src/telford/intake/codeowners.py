"""CODEOWNERS: which team owns which files of a repository.

The form that GitHub, GitLab and Gitea share: a pattern, then owners; the last line that matches
counts; a line without owners takes ownership away. GitLab's sections (``[Name][2] @default``) give
their owners to lines that name none.
https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
https://docs.gitlab.com/user/project/codeowners/reference/

`telford.intake.joining` gives what came from a file and has no owner yet to the file's owner.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.estate.kinds.base import API_VERSION
from telford.intake import names
from telford.intake.format import Format, Needs, Sources
from telford.intake.imported import Document, Fate, Imported, Options, Ownership, Report, Status

NAME = "CODEOWNERS"
# Folders that hold the file for the repository above them.
_HOLDERS = (".github", ".gitlab", ".gitea", ".forgejo", "docs")
# A file of more lines is no list that people keep.
MAX_LINES = 20_000
# More ** in one pattern than this mean nothing and cost much.
MAX_WILD = 16
_SECTION = re.compile(r"^\^?\[(?P<name>[^\]]+)\](?:\[\d+\])?(?P<rest>.*)$")
_WORD = re.compile(r"(?:\\.|[^\s\\])+")
_SECTION_FATE = "a section only groups lines"


@dataclass(frozen=True, slots=True)
class _Line:
    """One line with a pattern: the owners as written, and where it stands."""

    pattern: str
    owners: tuple[str, ...]
    position: Position


def claims(path: str, text: str) -> bool:
    """Whether it is a CODEOWNERS file, by its name."""
    del text
    return path.rpartition("/")[2] == NAME


def read(sources: Sources, options: Options) -> Imported | Needs:
    """The teams that own something, and what they own."""
    del options
    diagnostics: list[Diagnostic] = []
    fates: list[Fate] = []
    owned: list[Ownership] = []
    origins: dict[str, tuple[str, Position]] = {}
    for file in sorted(sources.texts):
        for line in _lines(sources.texts[file], file, diagnostics, fates):
            expression = _expression(line, diagnostics)
            teams = tuple(dict.fromkeys(_team(owner) for owner in line.owners))
            for owner in line.owners:
                origins.setdefault(_team(owner), (owner, line.position))
            if expression is None:
                fates.append(_fate(line, Status.DROPPED, "it is no pattern that can be read"))
                continue
            owned.append(Ownership(_root(file), expression, teams, line.position))
            fates.append(_fate(line, Status.MAPPED, ""))
    documents = tuple(_document(name, *origin) for name, origin in sorted(origins.items()))
    report = Report(fates=tuple(fates), objects={NAME: len(sources.texts)})
    return Imported(documents, report, tuple(diagnostics), tuple(owned))


def owner_of(path: str, owned: Iterable[Ownership]) -> tuple[str, Position] | None:
    """The team that owns a path, and the line that says so; None where nobody does."""
    found: tuple[str, Position] | None = None
    for one in owned:
        inside = path.removeprefix(f"{one.root}/") if one.root else path
        if one.root and inside == path:
            continue
        if one.expression.search(inside):
            found = (one.teams[0], one.position) if one.teams else None
    return found


def _lines(
    text: str, file: str, diagnostics: list[Diagnostic], fates: list[Fate]
) -> Iterable[_Line]:
    default: tuple[str, ...] = ()
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        summary = f"the file has more than {MAX_LINES:,} lines; the rest is not read"
        diagnostics.append(_problem(Position(file, MAX_LINES, 1), summary, "split it"))
    for number, raw in enumerate(lines[:MAX_LINES], start=1):
        stripped = raw.strip()
        if not stripped or stripped.startswith("#"):
            continue
        position = Position(file, number, len(raw) - len(raw.lstrip()) + 1)
        section = _SECTION.match(stripped)
        if section is not None:
            default = _owners(section["rest"].split())
            fates.append(
                Fate(
                    file,
                    number,
                    f"{NAME}/{file}",
                    stripped,
                    Status.DROPPED,
                    reason=_SECTION_FATE,
                )
            )
            continue
        words = _WORD.findall(stripped.split(" #")[0])
        owners = _owners(words[1:])
        unknown = [word for word in words[1:] if word not in owners]
        if unknown:
            summary = f"`{unknown[0]}` is no owner"
            fix = "write @user, @organisation/team or an e-mail address"
            diagnostics.append(_problem(position, summary, fix))
        yield _Line(words[0], owners or (() if len(words) > 1 else default), position)


def _owners(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for word in words if "@" in word and word != "@")


def _team(owner: str) -> str:
    """The name of a team for ``@organisation/team``, ``@user`` or an e-mail address."""
    if owner.startswith("@"):
        return names.slug(owner.rpartition("/")[2].lstrip("@"))
    return names.slug(owner.partition("@")[0])


def _expression(line: _Line, diagnostics: list[Diagnostic]) -> re.Pattern[str] | None:
    """The pattern as a regular expression over paths from the root, as .gitignore reads it."""
    pattern = line.pattern.replace("\\ ", " ").replace("\\#", "#")
    if pattern.startswith("!") or "[" in pattern or pattern.count("**") > MAX_WILD:
        summary = f"the pattern `{line.pattern}` is none that CODEOWNERS knows"
        fix = "write a path with * and ** alone; `!` and `[...]` do not work there"
        diagnostics.append(_problem(line.position, summary, fix))
        return None
    anchored = "/" in pattern.rstrip("/")
    body = pattern.strip("/")
    begin = "^" if anchored else "(?:^|/)"
    # `docs/*` means the files of that folder alone, `docs/` everything below it.
    end = "$" if body.endswith("*") and not body.endswith("**") and anchored else "(?:/|$)"
    if pattern.endswith("/"):
        end = "/"
    return re.compile(begin + _translated(body) + end)


def _translated(body: str) -> str:
    pieces = re.split(r"(\*\*/|/\*\*$|\*\*|\*|\?)", body)
    return "".join(_WILD.get(piece) or re.escape(piece) for piece in pieces)


_WILD = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _root(file: str) -> str:
    """The folder whose files the file speaks of."""
    folder = file.rpartition("/")[0]
    head, _, last = folder.rpartition("/")
    return head if last in _HOLDERS else folder


def _document(name: str, owner: str, position: Position) -> Document:
    value: dict[str, object] = {"apiVersion": API_VERSION, "kind": "Team", "name": name}
    if owner.startswith("@"):
        value["handles"] = {_host(position.file): owner[1:]}
    else:
        value["email"] = owner
    return Document("people.yaml", value, (position,))


def _host(file: str) -> str:
    """Which host the file is for, where its folder says so; most are GitHub's."""
    folder = file.rpartition("/")[0].rpartition("/")[2]
    return folder[1:] if folder in _HOLDERS and folder.startswith(".") else "github"


def _fate(line: _Line, status: Status, reason: str) -> Fate:
    file, number = line.position.file, line.position.line
    to = f"team/{_team(line.owners[0])}" if line.owners and status is Status.MAPPED else ""
    return Fate(file, number, f"{NAME}/{file}", line.pattern, status, to, reason)


def _problem(position: Position, summary: str, fix: str) -> Diagnostic:
    return Diagnostic("TEL690", Severity.WARNING, summary, position=position, fix=fix)


FORMAT = Format(
    name="codeowners", title="CODEOWNERS", suffixes=(), claims=claims, read=read, names=(NAME,)
)
