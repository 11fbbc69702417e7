"""OpenSLO v1 -> Objectives: https://github.com/OpenSLO/OpenSLO (v1).

An SLO of several objectives gives one Objective for each. Its indicator, inline or by reference,
must be a ratio of counters; others are carried whole. Services, data sources and alert documents
are read for what they say of the SLOs. Listed in `telford.intake.formats`.
"""

import re
from dataclasses import dataclass, field, replace

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic, Severity
from telford.basics.yamltext import Mapping as MappingNode
from telford.intake import descriptor as descriptors
from telford.intake import names
from telford.intake.descriptor import Descriptor, Draft, Path
from telford.intake.format import Format, Needs, Sources
from telford.intake.imported import Document, Imported, Options
from telford.intake.objectives import promises, selectors

_VERSION = re.compile(
    r"""^["']?apiVersion["']?[ \t]*:[ \t]*["']?openslo(?:\.com)?/v""", re.MULTILINE
)
_READ = ("openslo/v1", "openslo.com/v1")
_TYPES = ("prometheus", "amazonmanagedprometheus", "azuremonitorprometheus", "mimir", "thanos", "")
_ALERTS = ("AlertPolicy", "AlertCondition", "AlertNotificationTarget", "DataSource")
_ELSEWHERE = "Telford derives alerts from the objective, and asks the metrics that it is given"
_ROLLING = "every period without a calendar rolls"
_METHOD = "events are counted, as Occurrences says"
# A month and a quarter of calendars; other shorthands with these letters roll.
_CALENDAR = {"1M": "month", "1Q": "quarter"}
_DAYS = {"M": 30, "Q": 90, "Y": 365}


def claims(path: str, text: str) -> bool:
    """Whether a document says that it is OpenSLO."""
    del path
    # The word first: it is found much faster than an expression, and most documents have none.
    return "openslo" in text and _VERSION.search(text) is not None


@dataclass(slots=True)
class _Reader:
    """All documents of one reading: indicators by name, and what came of the rest."""

    options: Options
    indicators: dict[str, Descriptor] = field(default_factory=dict)
    done: list[tuple[Descriptor, str]] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    objects: dict[str, int] = field(default_factory=dict)


def read(sources: Sources, options: Options) -> Imported | Needs:
    """The objectives of all texts. Never raises for anything that a text can say."""
    reader = _Reader(options)
    problems: list[Diagnostic] = []
    listed = []
    for file in sorted(sources.texts):
        nodes, found = yamltext.read(sources.texts[file], file)
        problems += [replace(item, severity=_milder(item)) for item in found]
        for node in nodes:
            one = _descriptor(file, node)
            reader.objects[one.text("kind")] = reader.objects.get(one.text("kind"), 0) + 1
            listed.append(one)
            if one.text("kind") == "SLI":
                reader.indicators[one.text("metadata", "name")] = one
    for one in listed:
        _document(reader, one)
    for one in reader.indicators.values():
        _settle(one)
    reader.documents += promises.services(reader.drafts, options)
    answer = promises.answer(reader.done, reader.documents, reader.objects, options)
    return replace(answer, diagnostics=(*problems, *answer.diagnostics))


def _milder(item: Diagnostic) -> Severity:
    return Severity.WARNING if item.code == "TEL101" else item.severity


def _descriptor(file: str, node: yamltext.Node) -> Descriptor:
    one = Descriptor(file, "", node)
    one.subject = f"{one.text('kind') or 'document'}/{one.text('metadata', 'name') or '?'}"
    one.drop(descriptors.FORMAT, "apiVersion")
    one.drop(descriptors.FORMAT, "kind")
    return one


def _document(reader: _Reader, one: Descriptor) -> None:
    kind, name = one.text("kind"), one.text("metadata", "name")
    if one.text("apiVersion") not in _READ or not name or not isinstance(one.node, MappingNode):
        what = one.text("apiVersion") if name else "a document without `metadata.name`"
        one.problem("TEL692", f"{what} is no OpenSLO v1", "write `apiVersion: openslo/v1`")
        one.dropped[()] = "it is no OpenSLO v1 document"
        reader.done.append((one, ""))
    elif kind == "SLO":
        _slo(reader, one)
    elif kind == "Service":
        _service(reader, one)
    elif kind == "SLI":
        # Its SLOs say what it measures; read last, when it is known who took it.
        reader.done.append((one, ""))
    elif kind in _ALERTS:
        one.dropped[()] = _ELSEWHERE
        reader.done.append((one, ""))
    else:
        one.problem(
            "TEL692", f"OpenSLO v1 has no kind `{kind}`", "one of SLO, SLI, Service", "kind"
        )
        one.dropped[()] = "it is no kind of OpenSLO v1"
        reader.done.append((one, ""))


def _settle(one: Descriptor) -> None:
    """The fate of an indicator: said by the objectives that refer to it, or by none."""
    if not one.taken:
        one.dropped[()] = "no SLO that can be said refers to it"
        return
    for path in _leaves(one.node, ()):
        if not any(path[:length] in one.taken for length in range(len(path) + 1)):
            one.dropped.setdefault(path, "an Objective has no place for it")


def _leaves(node: yamltext.Node, path: Path) -> list[Path]:
    inner = list(descriptors.items(node))
    if not inner:
        return [path]
    return [leaf for step, item in inner for leaf in _leaves(item, (*path, step))]


def _service(reader: _Reader, one: Descriptor) -> None:
    draft = Draft("Service", names.slug(one.text("metadata", "name")), one)
    begun = promises.begun(one, draft.name, draft.name, reader.options)
    draft.put(("system",), begun.value["system"])
    draft.put(("owner",), begun.value["owner"])
    draft.put(("road",), "as-found")
    one.took(draft.address, "metadata", "name")
    draft.copy(("description",), "spec", "description")
    draft.texts(("labels",), "metadata", "labels")
    draft.texts(("annotations",), "metadata", "annotations")
    reader.done.append((one, draft.address))
    reader.documents.append(
        draft.document(f"{draft.value['system']}/{draft.name}.yaml", "x-openslo")
    )


def _slo(reader: _Reader, one: Descriptor) -> None:
    made = [_objective(reader, one, index) for index in range(one.count("spec", "objectives"))]
    drafts = [draft for draft in made if draft is not None]
    if len(drafts) < len(made) or not made:
        _whole(reader, one, "its indicator or target is more than an Objective says")
        return
    reader.drafts += drafts
    # What is left of the SLO is carried by the first of its Objectives.
    reader.done.append((one, drafts[0].address))
    for index, draft in enumerate(drafts):
        reader.documents.append(draft.document(promises.FILE, "" if index else "x-openslo"))


def _whole(reader: _Reader, one: Descriptor, reason: str) -> None:
    document = promises.carried(one, f"slo-{one.text('metadata', 'name')}", reader.options, reason)
    value = {**document.value, "format": "openslo"}
    one.taken.clear()
    one.dropped.clear()
    one.problem(
        "TEL693",
        f"the SLO `{one.text('metadata', 'name')}` is carried as it is: {reason}",
        "count events with two plain counters, and give one target below 100%",
        severity=Severity.INFO,
    )
    reader.done.append((one, f"manifest/{value['system']}.{value['name']}"))
    reader.documents.append(replace(document, value=value))


def _objective(reader: _Reader, one: Descriptor, index: int) -> Draft | None:
    """The Objective of one item of ``spec.objectives``; None where nothing of ours can say it."""
    here: Path = ("spec", "objectives", index)
    name = one.text("metadata", "name")
    if one.count("spec", "objectives") > 1:
        name = f"{name}-{one.text(*here, 'displayName') or index + 1}"
    service = one.text("spec", "service")
    draft = promises.begun(one, name, service or "unnamed", reader.options)
    draft.say(("service",), names.slug(service), "spec", "service")
    one.took(draft.address, "metadata", "name")
    if not _target(draft, here) or not _indicator(reader, draft, here) or not service:
        return None
    _period(draft)
    draft.copy(("description",), "spec", "description")
    draft.texts(("labels",), "metadata", "labels")
    draft.texts(("annotations",), "metadata", "annotations")
    if one.text("spec", "budgetingMethod") == "Occurrences":
        one.drop(_METHOD, "spec", "budgetingMethod")
    return draft


def _target(draft: Draft, here: Path) -> bool:
    one = draft.origin
    ratio, percent = one.text(*here, "target"), one.text(*here, "targetPercent")
    draft.say(
        ("target",), promises.percentage(percent) if percent else None, *here, "targetPercent"
    )
    if "target" not in draft.value:
        draft.say(("target",), promises.ratio_percentage(ratio), *here, "target")
    return "target" in draft.value and not one.text(*here, "op")


def _period(draft: Draft) -> None:
    one = draft.origin
    here: Path = ("spec", "timeWindow", 0)
    text = one.text(*here, "duration")
    rolling = one.text(*here, "isRolling") != "false"
    if not rolling and text in _CALENDAR:
        draft.say(("calendar",), _CALENDAR[text], *here, "duration")
        one.took(draft.address, *here, "isRolling")
        return
    days = _DAYS.get(text[-1:], 0)
    words = f"{int(text[:-1]) * days}d" if days and text[:-1].isdigit() else promises.period(text)
    if rolling:
        draft.say(("period",), words, *here, "duration")
        one.drop(_ROLLING, *here, "isRolling")


def _indicator(reader: _Reader, draft: Draft, here: Path) -> bool:
    """Say the indicator of an objective, its own or the SLO's, inline or by reference."""
    one = draft.origin
    for holder in (here, ("spec",)):
        reference = one.text(*holder, "indicatorRef")
        if reference:
            source = reader.indicators.get(reference)
            one.took(draft.address, *holder, "indicatorRef")
            return source is not None and _ratio(draft, source, ("spec", "ratioMetric"))
        if one.at(*holder, "indicator") is not None:
            one.took(draft.address, *holder, "indicator", "metadata", "name")
            return _ratio(draft, one, (*holder, "indicator", "spec", "ratioMetric"))
    return False


def _ratio(draft: Draft, source: Descriptor, here: Path) -> bool:
    found: dict[str, tuple[str, Path]] = {}
    for part in ("total", "good", "bad"):
        spec: Path = (*here, part, "metricSource", "spec")
        kind = source.text(*here, part, "metricSource", "type").lower()
        query = source.text(*spec, "query") or source.text(*spec, "promql")
        selector = selectors.counters(query) if query and kind in _TYPES else None
        if selector is not None:
            key = "query" if source.text(*spec, "query") else "promql"
            found[part] = selector, (*spec, key)
    if "total" not in found or not {"good", "bad"} & found.keys():
        return False
    chosen = ("total", "bad" if "bad" in found else "good")
    for part in chosen:
        selector, path = found[part]
        draft.put(("sli", "ratio", part), selector, source.where(*path))
        source.took(draft.address, *path)
        source.took(draft.address, *here, part, "metricSource", "type")
    source.took(draft.address, *here, "counter")
    if source is not draft.origin:
        source.took(draft.address, "metadata", "name")
    return True


FORMAT = Format(
    name="openslo",
    title="OpenSLO",
    suffixes=(".yaml", ".yml"),
    claims=claims,
    read=read,
    lives_in_estate=True,
)
