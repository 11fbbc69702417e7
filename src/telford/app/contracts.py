"""`telford contracts`: what is offered, by whom, to whom, and what each version breaks; and two
documents compared without an estate.
"""

from dataclasses import dataclass
from pathlib import Path

from telford.analysis.contracts import comparing
from telford.analysis.contracts.change import Change
from telford.analysis.contracts.comparing import Compatibility, Document
from telford.app import loading
from telford.backends import files
from telford.basics.errors import RefusedError, UsageError
from telford.estate.graph import Graph
from telford.estate.kinds.contracts import Contract
from telford.estate.model import Entity
from telford.rules.offered import Offered, Step


@dataclass(frozen=True, slots=True)
class Agreement:
    """One contract: its address, type and keepers, its versions with what is wrong with each ("" for
    nothing), who counts on it, and the steps from version to version.
    """

    address: str
    type: str
    keepers: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]
    consumers: tuple[str, ...]
    steps: tuple[Step, ...]

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "address": self.address,
            "type": self.type,
            "keepers": list(self.keepers),
            "versions": [
                {"version": v, "problem": problem or None} for v, problem in self.versions
            ],
            "consumers": list(self.consumers),
            "steps": [
                {
                    "from": step.older,
                    "to": step.newer,
                    "major": step.major,
                    "breaks": sorted({consumer.address for consumer in step.broken}),
                    "changes": [change.as_json() for change in step.changes],
                }
                for step in self.steps
            ],
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """What a newer document breaks of an older one. `lines` says where each change is, by the place
    in `changes`: 0 where it is not known.
    """

    type: str
    changes: tuple[Change, ...]
    lines: tuple[int, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing breaks for certain."""
        return all(change.level != "breaking" for change in self.changes)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        rows = zip(self.changes, self.lines, strict=True)
        return {
            "type": self.type,
            "ok": self.ok,
            "changes": [{**change.as_json(), "line": line or None} for change, line in rows],
        }


def agreements(folder: Path) -> tuple[Agreement, ...]:
    """Every contract of the estate in a folder, by address. Raises as `loading.load_folder` does."""
    texts = files.read([folder])
    estate = loading.of_texts(texts).estate
    known = Offered(estate, Graph(estate), {**texts.texts, **texts.attached})
    return tuple(_agreement(known, entity) for entity in estate.of_kind("Contract"))


def _agreement(known: Offered, entity: Entity) -> Agreement:
    spec = entity.spec
    assert isinstance(spec, Contract)
    versions = []
    for index, version in enumerate(spec.versions):
        read = known.document(entity, index)
        versions.append((version.version, read.problem if read is not None else "not read"))
    consumers = sorted({consumer.address for consumer in known.consumers(entity)})
    return Agreement(
        str(entity.address),
        spec.type,
        known.keepers(entity),
        tuple(versions),
        tuple(consumers),
        tuple(known.steps(entity)),
    )


def compare(old: Path, new: Path, compatibility: Compatibility = "backward") -> Difference:
    """What the document in one file breaks of that in another.

    Raises `UsageError` where a file is not there, `RefusedError` where one cannot be read as a
    contract, or the two are of different types.
    """
    one, other = _document(old), _document(new)
    if one.type != other.type:
        raise RefusedError(f"{old} is {one.type}, and {new} is {other.type}")
    found = comparing.changes(one, other, compatibility)
    lines = tuple(c.line or (other if c.newer else one).line(c.path) for c in found)
    return Difference(one.type, found, lines)


def _document(path: Path) -> Document:
    read = files.read([path], suffixes=(path.suffix,))
    text = next(iter(read.texts.values()), None)
    if text is None or not path.is_file():
        why = read.diagnostics[0].summary if read.diagnostics else "it is no file"
        raise UsageError(f"{path} cannot be read: {why}")
    document = comparing.read(text, comparing.guess(text), str(path))
    if document.problem:
        raise RefusedError(f"{path} cannot be read as {document.type}: {document.problem}")
    return document
