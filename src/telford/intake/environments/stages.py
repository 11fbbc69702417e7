"""Which environment a file belongs to, by the dialects in which organisations name them.

Nothing is decided here: a name that is found in a path is a proposal with its reason, and whoever
imports is asked (`telford.cli.import_`). Called by `telford.app.importing`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from telford.basics import resources
from telford.basics.diagnostics import Diagnostic, Position, Severity

_SEPARATORS = re.compile(r"[^a-z0-9]+")
_SUFFIX = re.compile(r"\.(ya?ml|json|tf|tfvars|env|toml)$", re.IGNORECASE)
# Named one by one in a diagnostic; the rest is counted.
_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage on the way to users: its usual name, its place in the order, whether users are there."""

    name: str
    order: int
    production: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """An environment that paths seem to speak of.

    `environment` is the name as it is written there (``live``), `stage` the usual one
    (``production``). `certain` is false where another name means the same stage.
    """

    environment: str
    stage: str
    order: int
    production: bool
    paths: tuple[str, ...]
    certain: bool
    reason: str

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "environment": self.environment,
            "stage": self.stage,
            "order": self.order,
            "production": self.production,
            "paths": list(self.paths),
            "certain": self.certain,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Unclear:
    """A path that names several environments, and which."""

    path: str
    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recognition:
    """What paths say about environments, in the order in which a change travels.

    `shared` names no environment, so it belongs to all of them.
    """

    proposals: tuple[Proposal, ...] = ()
    shared: tuple[str, ...] = ()
    unclear: tuple[Unclear, ...] = ()

    @property
    def several(self) -> bool:
        """Whether the paths speak of more than one environment."""
        return len(self.proposals) > 1

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "environments": [proposal.as_json() for proposal in self.proposals],
            "shared": list(self.shared),
            "unclear": [
                {"path": item.path, "environments": list(item.environments)}
                for item in self.unclear
            ],
        }


@cache
def _words(*lists: str) -> Mapping[str, Stage]:
    """Word -> the stage that it means, from the data file beside this module."""
    table = resources.toml("telford.intake.environments", "stages.toml")
    return {
        word: Stage(name, item["order"], item.get("production", False))
        for name, item in table.items()
        for key in lists
        for word in item[key]
    }


def stage_of(name: str) -> Stage | None:
    """The stage that a name means (``prd`` is production), or None where it is no usual name."""
    return _words("words", "names").get(name.lower())


def recognise(paths: Iterable[str]) -> Recognition:
    """The environments that the names of folders and files speak of.

    A folder or file called as an environment counts before one that only has the word in its name
    (``values-prod.yaml``), and the outermost folder before those in it.
    """
    named: dict[str, list[str]] = {}
    shared: list[str] = []
    unclear: list[Unclear] = []
    for path in sorted(set(paths)):
        found = _names(path)
        if not found:
            shared.append(path)
        elif len({_stage(name).name for name in found}) > 1:
            unclear.append(Unclear(path, found))
        else:
            named.setdefault(found[0], []).append(path)
    proposals = [_proposal(name, listed, named) for name, listed in named.items()]
    proposals.sort(key=lambda item: (item.order, item.environment))
    return Recognition(tuple(proposals), tuple(shared), tuple(unclear))


def doubts(recognition: Recognition) -> Iterator[Diagnostic]:
    """The paths that name several environments: each is taken to belong to all."""
    for item in recognition.unclear:
        yield Diagnostic(
            "TEL613",
            Severity.WARNING,
            f"{item.path} names several environments: {', '.join(item.environments)}",
            position=Position(item.path),
            detail="It is taken to belong to all of them.",
            fix="say which it belongs to: `--environment NAME=PATH`",
        )


def _stage(name: str) -> Stage:
    stage = stage_of(name)
    assert stage is not None, "only names of stages are asked for"
    return stage


def _names(path: str) -> tuple[str, ...]:
    """The environments that a path names, as written: whole names of folders and of the file
    first; only where there is none, words inside of names.
    """
    parts = [_SUFFIX.sub("", part) for part in path.split("/")]
    whole = [part for part in parts if stage_of(part) is not None]
    if whole:
        return tuple(dict.fromkeys(whole))
    return tuple(dict.fromkeys(word for part in parts for word in _inside(part)))


def _inside(part: str) -> list[str]:
    """The names of environments inside a name: ``values-pre-prod`` names ``pre-prod`` alone."""
    telling = _words("words")
    words = _SEPARATORS.sub("-", part.lower()).split("-")
    found: list[str] = []
    while words:
        pair = "-".join(words[:2])
        taken = 2 if len(words) > 1 and pair in telling else 1
        name = pair if taken == 2 else words[0]
        if name in telling:
            found.append(name)
        del words[:taken]
    return found


def _proposal(name: str, paths: list[str], named: Mapping[str, list[str]]) -> Proposal:
    stage = _stage(name)
    rivals = [other for other in named if other != name and _stage(other).name == stage.name]
    shown = ", ".join(paths[:_MAX_NAMED])
    more = f" and {len(paths) - _MAX_NAMED} more" if len(paths) > _MAX_NAMED else ""
    reason = f"`{name}` in {shown}{more}"
    if rivals:
        reason += f"; {', '.join(rivals)} may be the same environment"
    return Proposal(
        environment=name,
        stage=stage.name,
        order=stage.order,
        production=stage.production,
        paths=tuple(paths),
        certain=not rivals,
        reason=reason,
    )
