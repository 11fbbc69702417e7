"""What the readers of objectives share: percentages, periods, and the service that a promise is of.

Called by `telford.intake.objectives.{openslo,sloth,pyrra}`.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic, Position
from telford.basics.yamltext import Mapping as MappingNode
from telford.estate.kinds.base import API_VERSION
from telford.intake import names, surroundings
from telford.intake.descriptor import Descriptor, Draft, Path
from telford.intake.format import Sources
from telford.intake.imported import Document, Imported, Options, Report
from telford.road import conventions

FILE = "objectives.yaml"
# Words of other formats for the owner of a promise, in labels.
_OWNER_LABELS = ("owner", "team", "squad")
_DURATION = re.compile(r"(\d+)(m|h|d|w)")
_NEEDS_SELECTORS = "its queries do more than sum up counters"


def percentage(value: object) -> str | None:
    """``99.9%`` for 99.9 (a number or its text); None where it is no share."""
    try:
        number = Decimal(str(value).rstrip("% "))
    except InvalidOperation:
        return None
    if not number.is_finite() or not 0 < number < 100:
        return None
    return f"{number.normalize():f}%"


def ratio_percentage(value: object) -> str | None:
    """``99.9%`` for 0.999; None where it is no share."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return percentage(number * 100) if number.is_finite() else None


def period(text: str) -> str | None:
    """A rolling period in our words (``28d``, ``4w``); None where there is no such period."""
    return text if _DURATION.fullmatch(text) else None


def begun(descriptor: Descriptor, name: str, service: str, options: Options) -> Draft:
    """An Objective with its head and its service; `service` is a name as it was found."""
    draft = Draft("Objective", names.slug(name), descriptor, called=f"Objective/{name}")
    draft.put(("system",), surroundings.system(options))
    draft.put(("owner",), owner(descriptor, options))
    draft.put(("service",), names.slug(service))
    return draft


def owner(descriptor: Descriptor, options: Options) -> str:
    """The team that labels name, else the one that was ordered."""
    for holder in (("metadata", "labels"), ("labels",)):
        for key in _OWNER_LABELS:
            found = descriptor.text(*holder, key)
            if found:
                return surroundings.owner(options, found)
    return surroundings.owner(options)


def refused(descriptor: Descriptor, what: str) -> bool:
    """Whether a document is no mapping, so that nothing can be read of it; it says so then."""
    if isinstance(descriptor.node, MappingNode):
        return False
    descriptor.problem("TEL692", f"this is no {what}: it must be a mapping", "mend its first lines")
    descriptor.dropped[()] = f"it is no {what}"
    return True


def alerting(draft: Draft, *, page: bool, path: Path) -> None:
    """Whether somebody is called."""
    if not page:
        draft.say(("alerting", "page"), False, *path)


def carried(
    descriptor: Descriptor, name: str, options: Options, reason: str = _NEEDS_SELECTORS
) -> Document:
    """The whole document as a Manifest, where no Objective can say it."""
    value = {
        "apiVersion": API_VERSION,
        "kind": "Manifest",
        "name": names.slug(name),
        "system": surroundings.system(options),
        "owner": owner(descriptor, options),
        "object": descriptor.plain(),
        "reason": reason,
    }
    called = descriptor.subject
    return Document("carried.yaml", value, (descriptor.position,), called=called)


def services(drafts: Iterable[Draft], options: Options) -> list[Document]:
    """The services that promises are of, with nothing but names: whatever else describes them is
    joined to these (`telford.intake.joining`).
    """
    found: dict[str, tuple[Position, str]] = {}
    for draft in drafts:
        name = str(draft.value["service"])
        where = draft.marks.get(("service",), draft.origin.position)
        origin = f"the service of {draft.origin.subject} in {where.file}:{where.line}"
        found.setdefault(name, (where, origin))
    return [
        Document(
            f"{surroundings.system(options)}/{name}.yaml",
            {
                "apiVersion": API_VERSION,
                "kind": "Service",
                "name": name,
                "system": surroundings.system(options),
                "owner": surroundings.owner(options),
                "road": "as-found",
                "annotations": {conventions.ANNOTATION_INFERRED_FROM: origin},
            },
            (where,),
        )
        for name, (where, origin) in sorted(found.items())
    ]


@dataclass(slots=True)
class Found:
    """What came of one document: its Objectives as documents, or the Manifest that carries it
    whole; and the address that carries what is left of it.
    """

    documents: list[Document]
    carrier: str
    drafts: list[Draft] = field(default_factory=list)


def read(
    sources: Sources,
    options: Options,
    what: str,
    subject: Callable[[Descriptor], str],
    meaning: Callable[[Descriptor, Options], Found],
) -> Imported:
    """All documents of a form whose documents stand each for itself.

    `what` names the form, `subject` what the report calls a document, `meaning` says what comes of
    one that is a mapping.
    """
    problems: list[Diagnostic] = []
    done: list[tuple[Descriptor, str]] = []
    drafts: list[Draft] = []
    documents: list[Document] = []
    objects: Counter[str] = Counter()
    for file in sorted(sources.texts):
        nodes, said = yamltext.read(sources.texts[file], file)
        problems += said
        for node in nodes:
            one = Descriptor(file, "", node)
            one.subject = subject(one)
            objects[one.subject.partition("/")[0]] += 1
            found = Found([], "") if refused(one, what) else meaning(one, options)
            done.append((one, found.carrier))
            drafts += found.drafts
            documents += found.documents
    documents += services(drafts, options)
    given = answer(done, documents, dict(objects), options)
    return replace(given, diagnostics=(*problems, *given.diagnostics))


def answer(
    descriptors: list[tuple[Descriptor, str]],
    documents: list[Document],
    objects: dict[str, int],
    options: Options,
) -> Imported:
    """What a reader gives: its documents with what they stand in, and the fate of every leaf.

    Each descriptor comes with the address that carries what is left of it.
    """
    fates = tuple(fate for one, carrier in descriptors for fate in one.fates(carrier))
    found = tuple(item for one, _ in descriptors for item in one.diagnostics)
    around = surroundings.of(documents, options)
    return Imported((*around, *documents), Report(fates=fates, objects=objects), found)
