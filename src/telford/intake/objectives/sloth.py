"""Sloth -> Objectives: its own form (``version: prometheus/v1``) and its operator's objects.

Those are PrometheusServiceLevel of ``sloth.slok.dev/v1``. https://sloth.dev/specs/default/. Listed in `telford.intake.formats`.
"""

import re
from dataclasses import replace

from telford.basics.diagnostics import Severity
from telford.intake import descriptor as descriptors
from telford.intake import names
from telford.intake.descriptor import Descriptor, Draft, Path
from telford.intake.format import Format, Needs, Sources
from telford.intake.imported import Imported, Options
from telford.intake.objectives import promises, selectors

_PLAIN = re.compile(r"""^["']?version["']?[ \t]*:[ \t]*["']?prometheus/v1\b""", re.MULTILINE)
_OBJECT = re.compile(r"""^["']?apiVersion["']?[ \t]*:[ \t]*["']?sloth\.slok\.dev/""", re.MULTILINE)
_REASON = "an objective of it counts with more than two plain counters"
_ALERTING = "Telford derives windows, names and texts of alerts from the objective"
# Field of the plain form -> that of the operator's object.
_WORDS = {
    "total_query": "totalQuery",
    "error_query": "errorQuery",
    "page_alert": "pageAlert",
    "ticket_alert": "ticketAlert",
}


def claims(path: str, text: str) -> bool:
    """Whether a document is one of the two forms."""
    del path
    # The words first: they are found much faster than expressions, and most documents have none.
    if "sloth.slok.dev/" in text and _OBJECT.search(text):
        return True
    return "slos:" in text and _PLAIN.search(text) is not None


def read(sources: Sources, options: Options) -> Imported | Needs:
    """The objectives of all texts. Never raises for anything that a text can say."""
    return promises.read(sources, options, "service level of Sloth", _subject, _meaning)


def _subject(one: Descriptor) -> str:
    return f"ServiceLevel/{one.text('metadata', 'name') or _service(one) or '?'}"


def _service(one: Descriptor) -> str:
    return one.text(*_root(one), "service")


def _meaning(one: Descriptor, options: Options) -> promises.Found:
    made = _objectives(one, _service(one), options)
    if not made:
        return _whole(one, options)
    documents = [
        draft.document(promises.FILE, "" if index else "x-sloth")
        for index, draft in enumerate(made)
    ]
    return promises.Found(documents, made[0].address, made)


def _root(one: Descriptor) -> Path:
    return ("spec",) if one.at("spec") is not None else ()


def _word(one: Descriptor, word: str) -> str:
    return _WORDS.get(word, word) if one.at("spec") is not None else word


def _objectives(one: Descriptor, service: str, options: Options) -> list[Draft]:
    """An Objective for each of the SLOs; none where one of them cannot be said."""
    root = _root(one)
    made = []
    for index in range(one.count(*root, "slos")):
        draft = _objective(one, (*root, "slos", index), service, options)
        if draft is None:
            return []
        made.append(draft)
    if not service:
        return []
    for draft in made[:1]:
        one.took(draft.address, *root, "service")
        one.took(draft.address, "metadata", "name")
        for key in ("version", "apiVersion", "kind"):
            one.drop(descriptors.FORMAT, key)
    for draft in made:
        draft.texts(("labels",), *root, "labels")
    return made


def _objective(one: Descriptor, here: Path, service: str, options: Options) -> Draft | None:
    name = f"{service}-{one.text(*here, 'name')}"
    draft = promises.begun(one, name, service or "unnamed", options)
    one.took(draft.address, *here, "name")
    draft.say(("target",), promises.percentage(one.text(*here, "objective")), *here, "objective")
    draft.copy(("description",), *here, "description")
    draft.texts(("labels",), *here, "labels")
    events = (*here, "sli", "events")
    for part, word in (("total", "total_query"), ("bad", "error_query")):
        path = (*events, _word(one, word))
        draft.say(("sli", "ratio", part), selectors.counters(one.text(*path)), *path)
    said = draft.value.get("sli", {}).get("ratio", {})
    if "target" not in draft.value or len(said) < 2:
        return None
    _alerting(draft, here)
    return draft


def _alerting(draft: Draft, here: Path) -> None:
    one = draft.origin
    page = (*here, "alerting", _word(one, "page_alert"), "disable")
    promises.alerting(draft, page=one.text(*page) != "true", path=page)
    for key in one.keys(*here, "alerting"):
        if one.at(*here, "alerting", key) is not one.at(*page[:-1]):
            one.drop(_ALERTING, *here, "alerting", key)
    for key in one.keys(*page[:-1]):
        if key != "disable" or one.text(*page) != "true":
            one.drop(_ALERTING, *page[:-1], key)


def _whole(one: Descriptor, options: Options) -> promises.Found:
    one.taken.clear()
    one.dropped.clear()
    name = one.text("metadata", "name") or one.text(*_root(one), "service") or "unnamed"
    document = promises.carried(one, f"sloth-{names.slug(name)}", options, _REASON)
    value = {**document.value, "format": "kubernetes" if one.at("spec") is not None else "sloth"}
    one.problem(
        "TEL693",
        f"`{name}` is carried as it is: {_REASON}",
        "count events with two plain counters",
        severity=Severity.INFO,
    )
    carrier = f"manifest/{value['system']}.{value['name']}"
    return promises.Found([replace(document, value=value)], carrier)


FORMAT = Format(name="sloth", title="Sloth", suffixes=(".yaml", ".yml"), claims=claims, read=read)
