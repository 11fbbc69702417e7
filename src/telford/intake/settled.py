"""Inferred facts and what people said of them: confirmed, or refused once and for all.

A dependency that was concluded from an address carries `inferred`; confirmed, it says so and is
policed; refused, it moves to the `refused` of its document. A team that was concluded from a label
carries the annotation `telford.dev/inferred-from`, and one more once it is settled. An import of the
same input keeps both: `telford.app.importing` reads what lies in the folder (`of_texts`) and gives it
to `apply` before it writes. Called by it and by `telford.app.confirm`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from telford.basics import yamltext
from telford.estate.address import Address
from telford.estate.editing import Append, Change, Delete, Set
from telford.intake import surroundings
from telford.intake.imported import Document
from telford.road import conventions

_TARGETS = ("service", "datastore", "stream")


class State(StrEnum):
    """What is known of an inferred fact."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was concluded, and from what.

    `address` is the document that says it. Of a dependency, `key` and `text` are how it names its
    target (``service``, ``shop.stock``) and `overlays` the place keys that say it beside or instead
    of the base (``""``); of a team both are "".
    """

    address: Address
    origin: str
    state: State
    key: str = ""
    text: str = ""
    layers: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What was concluded: the target, or the team itself."""
        return f"{self.key}/{self.text}" if self.key else str(self.address)

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes two facts the same: the document and the target, its own system left out."""
        own = f"{self.address.system}." if self.address.system else ""
        return str(self.address), self.key, self.text.removeprefix(own) if own else self.text


@dataclass(frozen=True, slots=True)
class Settled:
    """What people decided about an imported estate: of facts, and which things (by canonical
    address) took what of the road.
    """

    facts: tuple[Fact, ...] = ()
    roads: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def of_texts(texts: Mapping[str, str]) -> Settled:
    """What is settled in the documents of some texts; in what cannot be read nothing is."""
    facts: list[Fact] = []
    roads: dict[str, Mapping[str, Any]] = {}
    for file in sorted(texts):
        nodes, _ = yamltext.read(texts[file], file)
        for node in nodes:
            value = yamltext.plain(node)
            if isinstance(value, dict):
                facts += of_document(value)
                if value.get("adopted") or value.get("road", "paved") == "paved":
                    roads[str(_address(value))] = value
    return Settled(tuple(fact for fact in facts if fact.state is not State.OPEN), roads)


def of_document(value: Mapping[str, Any]) -> list[Fact]:
    """Every fact of one document."""
    address = _address(value)
    found: dict[tuple[str, str, str], Fact] = {}
    for layer, use in _uses(value):
        said = use.get("inferred")
        key, text = _target(use)
        if not key or not isinstance(said, Mapping):
            continue
        state = State.CONFIRMED if said.get("confirmed") is True else State.OPEN
        fact = Fact(address, str(said.get("from", "")), state, key, text, (layer,))
        known = found.get(fact.identity)
        if known is not None:
            fact = replace(known, layers=(*known.layers, layer))
        found[fact.identity] = fact
    return [*found.values(), *_refused(address, value), *_team(address, value)]


def _address(value: Mapping[str, Any]) -> Address:
    kind, system, name = (str(value.get(key) or "") for key in ("kind", "system", "name"))
    return Address(kind.lower(), system, name)


def _refused(address: Address, value: Mapping[str, Any]) -> Iterator[Fact]:
    for item in _mappings(value.get("refused")):
        key, text = _target(item)
        if key:
            yield Fact(address, str(item.get("from", "")), State.REFUSED, key, text)


def _team(address: Address, value: Mapping[str, Any]) -> Iterator[Fact]:
    annotations = value.get("annotations")
    if isinstance(annotations, Mapping) and conventions.ANNOTATION_INFERRED_FROM in annotations:
        said = annotations.get(conventions.ANNOTATION_SETTLED)
        state = State(said) if said in (State.CONFIRMED, State.REFUSED) else State.OPEN
        yield Fact(address, str(annotations[conventions.ANNOTATION_INFERRED_FROM]), state)


def _uses(value: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every `uses` entry with the place key that says it, "" for the base."""
    for use in _mappings(value.get("uses")):
        yield "", use
    overlays = value.get("in")
    for layer, part in overlays.items() if isinstance(overlays, Mapping) else ():
        if isinstance(part, Mapping):
            for use in _mappings(part.get("uses")):
                yield layer, use


def _mappings(items: object) -> Iterator[Mapping[str, Any]]:
    for item in items if isinstance(items, list | tuple) else ():
        if isinstance(item, Mapping):
            yield item


def _target(use: Mapping[str, Any]) -> tuple[str, str]:
    for key in _TARGETS:
        if isinstance(use.get(key), str):
            return key, use[key]
    return "", ""


def confirming(fact: Fact) -> list[Change]:
    """The changes of its document that confirm a fact."""
    if not fact.key:
        return [Set(("annotations", conventions.ANNOTATION_SETTLED), State.CONFIRMED.value)]
    if fact.state is State.REFUSED:
        back = {fact.key: fact.text, "inferred": {"from": fact.origin, "confirmed": True}}
        return [Append(("uses",), back), Delete(("refused", f"{fact.key}:{fact.text}"))]
    item = f"{fact.key}:{fact.text}"
    return [
        Set((*_prefix(layer), "uses", item, "inferred", "confirmed"), True) for layer in fact.layers
    ]


def refusing(fact: Fact) -> list[Change]:
    """The changes of its document that refuse a fact. Who was owned by a refused team is changed by
    `disowning`.
    """
    if not fact.key:
        return [Set(("annotations", conventions.ANNOTATION_SETTLED), State.REFUSED.value)]
    item = f"{fact.key}:{fact.text}"
    gone: list[Change] = [Delete((*_prefix(layer), "uses", item)) for layer in fact.layers]
    return [*gone, Append(("refused",), _tombstone(fact))]


def disowning() -> list[Change]:
    """The change of a document whose owner was refused."""
    return [Set(("owner",), surroundings.NOBODY)]


def _tombstone(fact: Fact) -> dict[str, str]:
    return {fact.key: fact.text} | ({"from": fact.origin} if fact.origin else {})


def _prefix(layer: str) -> tuple[str, ...]:
    return ("in", layer) if layer else ()


def apply(documents: Iterable[Document], known: Settled) -> tuple[Document, ...]:
    """What an import made, with everything in it as people settled it before."""
    facts = {fact.identity: fact for fact in known.facts}
    made = [_settled(document, known, facts) for document in documents]
    owners = {document.value.get("owner") for document in made}
    teams = {d.value.get("name") for d in made if d.value.get("kind") == "Team"}
    if surroundings.NOBODY in owners and surroundings.UNASSIGNED not in teams:
        made.append(surroundings.team(surroundings.UNASSIGNED))
    return tuple(made)


def _settled(
    document: Document, known: Settled, facts: Mapping[tuple[str, str, str], Fact]
) -> Document:
    own = str(_address(document.value))
    value = _as_adopted(dict(document.value), known.roads.get(own))
    owner = value.get("owner")
    if isinstance(owner, str) and owner.removeprefix("team/") in _refused_teams(facts.values()):
        value["owner"] = surroundings.NOBODY
    said = of_document(document.value)
    for fact in said:
        settled = facts.get(fact.identity)
        if settled is None or fact.state is State.REFUSED:
            continue
        if fact.key:
            value = _use_settled(value, fact, settled.state)
        else:
            annotations = dict(value["annotations"])
            value["annotations"] = annotations | {
                conventions.ANNOTATION_SETTLED: settled.state.value
            }
    # What the input no longer says stays refused: it may say it again.
    new = {fact.identity for fact in said}
    for identity, fact in facts.items():
        lost = fact.key and fact.state is State.REFUSED and identity not in new
        if lost and identity[0] == own:
            value["refused"] = [*value.get("refused", ()), _tombstone(fact)]
    return replace(document, value=value) if value != document.value else document


def _refused_teams(facts: Iterable[Fact]) -> set[str]:
    return {fact.address.name for fact in facts if not fact.key and fact.state is State.REFUSED}


def _as_adopted(value: dict[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The document on the road as far as it was before; what had to stay when it got there stays."""
    if before is None or value.get("road") != "as-found":
        return value
    if before.get("adopted"):
        return {**value, "adopted": before["adopted"]}
    run = before.get("run")
    kept = (
        {k: run[k] for k in ("selector", "container") if k in run} if isinstance(run, dict) else {}
    )
    made = {**value, "road": "paved"}
    if kept and isinstance(made.get("run"), Mapping):
        made["run"] = {**kept, **made["run"]}
    return made


def _use_settled(value: dict[str, Any], fact: Fact, state: State) -> dict[str, Any]:
    """The document with one of its dependencies confirmed or refused."""
    made = _in_layer(value, fact, state)
    overlays = made.get("in")
    if isinstance(overlays, Mapping):
        made["in"] = {
            layer: _in_layer(part, fact, state) if isinstance(part, Mapping) else part
            for layer, part in overlays.items()
        }
    if state is State.REFUSED:
        made["refused"] = [*made.get("refused", ()), _tombstone(fact)]
    return made


def _in_layer(part: Mapping[str, Any], fact: Fact, state: State) -> dict[str, Any]:
    made = dict(part)
    uses = []
    for use in made.get("uses", ()):
        if _target(use) != (fact.key, fact.text) or "inferred" not in use:
            uses.append(use)
        elif state is State.CONFIRMED:
            uses.append({**use, "inferred": {**use["inferred"], "confirmed": True}})
    if "uses" in made:
        made["uses"] = uses
        if not uses:
            del made["uses"]
    return made
