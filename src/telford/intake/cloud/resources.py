"""What the readers of infrastructure code find, before anything has a meaning: resources, and the
pieces of the input that are accounted for. Made by `telford.intake.terraform` and
`telford.intake.cloudformation`, read by the rest of this package.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from telford.basics.diagnostics import Diagnostic, Position
from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node
from telford.intake.cloud import tree
from telford.intake.imported import SecretName

Language = Literal["terraform", "cloudformation"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the input whose leaves are counted: a block of Terraform, a section or resource
    of CloudFormation.

    `subject` is ``kind/name``; `node` is what is written there, nothing of it evaluated.
    """

    subject: str
    file: str
    node: Node

    @property
    def kind(self) -> str:
        """The first word of the subject."""
        return self.subject.partition("/")[0]

    @property
    def position(self) -> Position:
        """Where it begins."""
        return Position(self.file, self.node.line, self.node.column)

    def where(self, path: tree.Path) -> Position:
        """Where a value begins, or the nearest thing around it that has a place."""
        for length in range(len(path), 0, -1):
            found = tree.at(self.node, path[:length])
            if found is not None and found[1].line:
                return Position(self.file, found[1].line, found[1].column)
        return self.position


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that the code makes.

    `key` identifies it in the whole input; `kind` is its type (``aws_sqs_queue``,
    ``AWS::SQS::Queue``); `label` is its address for people; `name` what its code calls it;
    `folder` where its configuration lies; `depends` the keys of what it says it depends on;
    `piece` where its leaves are counted, with `prefix` as the path to its attributes there.
    """

    key: str
    kind: str
    label: str
    name: str
    folder: str
    body: MappingNode
    piece: Piece
    prefix: tree.Path = ()
    depends: tuple[str, ...] = ()
    # The key of the place that it is made in (`Place`), or "".
    place: str = ""
    # Paths (in `body`) that its tool calls secret.
    secret_paths: frozenset[tree.Path] = frozenset()

    @property
    def position(self) -> Position:
        """Where it begins."""
        return self.piece.position


@dataclass(frozen=True, slots=True)
class Place:
    """A region or account that the code says it works in. `location` is the provider's name of
    the region, `account` its number or name of the account; either may be "".
    """

    key: str
    provider: str
    location: str
    account: str
    position: Position
    # The paths of `piece` that say it.
    piece: Piece | None = None
    paths: tuple[tree.Path, ...] = ()


@dataclass(slots=True)
class Found:
    """Everything that one language's reader finds."""

    language: Language
    resources: list[Resource] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    # Fates that the reader knows itself, by piece (its identity) and path: a reason to drop.
    dropped: dict[int, dict[tree.Path, str]] = field(default_factory=dict)
    # Paths of a piece whose values were used to evaluate others.
    used: dict[int, set[tree.Path]] = field(default_factory=dict)
    # Pieces that are carried, and why; every piece that no resource is made of.
    carried: dict[int, str] = field(default_factory=dict)
    secrets: list[SecretName] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    # File -> lines of comments.
    comments: Mapping[str, int] = field(default_factory=dict)

    def drop(self, piece: Piece, path: tree.Path, reason: str) -> None:
        """Say that what stands at a path is left out."""
        self.dropped.setdefault(id(piece), {})[path] = reason
