"""What several formats say of one estate, made one: a chart, a descriptor and a list of owners that
speak of the same service give one document.

Two documents are of one thing where kind, system and name agree, or where kind and name agree and
one of them was put into the fallback system because its format names none. What runs goes before
what only describes (the order of `telford.intake.formats`); the rest is filled in field by field,
and a difference that matters is reported, never settled silently. Called by
`telford.app.importing`, once an environment.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from telford.basics.diagnostics import Diagnostic, Severity, ordered
from telford.estate.address import Address
from telford.estate.kinds import registry
from telford.intake import codeowners, names, surroundings
from telford.intake.imported import Document, Fate, Fates, Imported, Options, Ownership, Report
from telford.road import conventions

_HEAD = ("apiVersion", "kind", "name", "system", "owner", "road")
# What runs: a name for one of these is a name that people choose once.
_RUNNING = frozenset({"service", "datastore", "stream", "function"})
# Named one by one; more are counted.
_MAX_NAMED = 4
# Parts of documents that are no references of ours, whatever their keys are called.
_FOREIGN = frozenset({"object", "versions", "labels", "annotations", "podLabels", "data"})
# Fields whose difference between two inputs changes nothing that is built.
_QUIET = ("description", "annotations", "labels")


def join(parts: Sequence[Imported], options: Options) -> Imported:
    """One estate of what several readers gave; one part is given back with owners alone."""
    if not parts:
        return Imported((), Report(), ())
    guessed = frozenset(name for part in parts for name in part.guessed)
    joiner = _Joiner(names.slug(options.fallback), guessed, _homes(parts))
    for number, part in enumerate(parts):
        for document in part.documents:
            joiner.add(document, number)
    ownership = tuple(one for part in parts for one in part.ownership)
    documents = _used(_owned(joiner.documents(), ownership))
    texts = {str(old): str(new) for old, new in joiner.moved.items()}
    report = _report([part.report for part in parts], texts, joiner.renamed)
    found = [item for part in parts for item in part.diagnostics]
    if len(parts) > 1:
        found = [item for item in found if item.code != "TEL606"]
        found += _unowned(documents)
    diagnostics = [_moved_diagnostic(item, texts) for item in found]
    diagnostics += joiner.diagnostics
    rendered = {path: text for part in parts for path, text in part.rendered.items()}
    return Imported(documents, report, ordered(diagnostics), ownership=ownership, rendered=rendered)


def _address(value: Mapping[str, Any]) -> Address:
    return Address(str(value["kind"]).lower(), str(value.get("system") or ""), str(value["name"]))


def _homes(parts: Sequence[Imported]) -> dict[tuple[str, str], dict[str, set[int]]]:
    """(kind, name) -> the systems that have it, each with the numbers of the parts that say so."""
    found: dict[tuple[str, str], dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for number, part in enumerate(parts):
        for document in part.documents:
            address = _address(document.value)
            found[address.kind, address.name][address.system].add(number)
    return found


@dataclass(slots=True)
class _Joiner:
    """The documents so far, in their order, and what had to move to another system."""

    fallback: str
    guessed: frozenset[str]
    systems: Mapping[tuple[str, str], Mapping[str, set[int]]]
    moved: dict[Address, Address] = field(default_factory=dict)
    # What the input calls a thing, and the address that it would have -> the one it has.
    renamed: dict[tuple[str, str], str] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _found: dict[Address, Document] = field(default_factory=dict)
    # (kind, name) -> whether several systems have it in the end.
    _ambiguous: dict[tuple[str, str], bool] = field(default_factory=dict)
    # The first of each part that has an address.
    _firsts: dict[tuple[int, Address], Document] = field(default_factory=dict)

    def add(self, document: Document, part: int) -> None:
        """Take a document of a part in, or fill in what it knows of one that is there."""
        document = self._told_apart(document, part)
        address = _address(document.value)
        home = self._home(address, part)
        value = self._clear(document.value, address.system, home.system, part)
        document = replace(document, value=value)
        if home != address:
            self.moved[address] = home
            value = {**document.value, "system": home.system}
            file = document.file.replace(f"{address.system}/", f"{home.system}/", 1)
            document = replace(document, value=value, file=file)
        first = self._found.get(home)
        self._found[home] = document if first is None else self._filled(home, first, document)

    def documents(self) -> list[Document]:
        """All documents, with references to what moved put right."""
        texts = {
            (old.kind, f"{old.system}.{old.name}"): f"{new.system}.{new.name}"
            for old, new in self.moved.items()
        }
        if not texts:
            return list(self._found.values())
        return [
            replace(document, value=_referring(document.value, texts))
            for document in self._found.values()
        ]

    def _told_apart(self, document: Document, part: int) -> Document:
        """The document under a name of its own, where its format has another thing of that name."""
        address = _address(document.value)
        first = self._firsts.setdefault((part, address), document)
        if first is document or not first.called or not document.called:
            return document
        if first.called == document.called:
            if first.value != document.value:
                self._again(address, first, document)
            return document
        name = names.told_apart(address.name, document.called)
        self.renamed[document.called, str(address)] = str(replace(address, name=name))
        self._same_name(address, first, document, name)
        renamed = replace(document, value={**document.value, "name": name})
        # A third of one name is told from both, and one that is there again is found again.
        self._firsts.setdefault((part, replace(address, name=name)), renamed)
        return renamed

    def _home(self, address: Address, part: int) -> Address:
        """Where a thing is at home: out of the fallback system, or one that only a folder names,
        where one other knows it; unless what says so knows both: then they are two.
        """
        known = self.systems.get((address.kind, address.name), {})
        weak = self.guessed | {self.fallback}
        others = known.keys() - weak
        if address.system == self.fallback:
            others = others or known.keys() - {self.fallback}
        else:
            rivals = weak & (known.keys() - {address.system})
            guessed = address.system in weak and address.kind in _RUNNING
            if not guessed or any(part in known[system] for system in rivals):
                return address
        if len(others) != 1:
            return address
        (other,) = others
        return address if part in known[other] else replace(address, system=other)

    def _clear(self, value: Any, old: str, new: str, part: int) -> Any:
        """A value whose references by name alone still mean what they meant in the system `old`:
        where several systems have the name now, it is said which is meant.
        """
        if isinstance(value, Mapping):
            return {key: self._meant(str(key), item, old, new, part) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._clear(item, old, new, part) for item in value]
        return value

    def _meant(self, key: str, item: Any, old: str, new: str, part: int) -> Any:
        if key in _FOREIGN or key.startswith("x-"):
            return item
        if not isinstance(item, str):
            return self._clear(item, old, new, part)
        kind = _REFERRING.get(key, key)
        known = self.systems.get((kind, item), {})
        if part not in known.get(old, ()):
            return item
        target = self._home(Address(kind, old, item), part).system
        return f"{target}.{item}" if target != new and self._several(kind, item) else item

    def _several(self, kind: str, name: str) -> bool:
        """Whether a name is in several systems when everything is where it belongs."""
        if (kind, name) not in self._ambiguous:
            finals = {
                self._home(Address(kind, system, name), part).system
                for system, parts in self.systems[kind, name].items()
                for part in parts
            }
            self._ambiguous[kind, name] = len(finals) > 1
        return self._ambiguous[kind, name]

    def _filled(self, address: Address, first: Document, second: Document) -> Document:
        value = _near(first.value, address.system)
        more = _near(second.value, address.system)
        if _is_inferred(value) != _is_inferred(more):
            # One of them describes what the other only heard of.
            value, more = _known(value), _known(more)
        if {value.get("type"), more.get("type")} == {"worker", "http"} and (
            "endpoints" in value or "endpoints" in more
        ):
            # Who lists no port is taken to be a worker, until somebody knows a port.
            value["type"] = more["type"] = "http"
        for key, item in more.items():
            value[key] = self._joined(address, key, value.get(key), item, second)
        origins = tuple(dict.fromkeys((*first.origins, *second.origins)))
        return replace(first, value=value, origins=origins)

    def _joined(
        self, address: Address, key: str, old: object, new: object, second: Document
    ) -> object:
        if old is None or old == new:
            return new
        if key == "owner":
            return self._owner(address, str(old), str(new), second)
        if key == "road":
            return "as-found" if "as-found" in (old, new) else old
        if key in _HEAD:
            return old
        kept, differing = _merged(old, new, (key,), address.kind)
        if differing and key not in _QUIET and not key.startswith("x-"):
            self._report(address, differing[0], second)
        return kept

    def _owner(self, address: Address, old: str, new: str, second: Document) -> str:
        if surroundings.NOBODY in (old, new):
            return new if old == surroundings.NOBODY else old
        self._report(address, f"owner ({old}, {new})", second)
        return old

    def _again(self, address: Address, first: Document, second: Document) -> None:
        summary = f"{second.called} is described again{_at(first)}; what that says counts"
        fix = "describe it once, or import the folders apart"
        self._note("TEL614", address, second, summary, fix)

    def _same_name(self, address: Address, first: Document, second: Document, name: str) -> None:
        summary = f"{first.called} and {second.called} have one name here; this one is `{name}`"
        fix = "rename one of them; what refers to the name means the first"
        self._note("TEL614", address, second, summary, fix)

    def _report(self, address: Address, what: str, second: Document) -> None:
        summary = f"two inputs differ on `{what}` of {address}; what runs counts"
        fix = "make both say the same, or leave one of them out"
        self._note("TEL691", address, second, summary, fix)

    def _note(self, code: str, address: Address, about: Document, summary: str, fix: str) -> None:
        position = about.origins[0] if about.origins else None
        self.diagnostics.append(
            Diagnostic(
                code,
                Severity.WARNING,
                summary,
                address=str(address),
                position=position,
                fix=fix,
            )
        )


def _is_inferred(value: Mapping[str, Any]) -> bool:
    return conventions.ANNOTATION_INFERRED_FROM in (value.get("annotations") or ())


def _known(value: dict[str, Any]) -> dict[str, Any]:
    """A document that says nothing of being inferred."""
    if not _is_inferred(value):
        return value
    annotations = dict(value["annotations"])
    del annotations[conventions.ANNOTATION_INFERRED_FROM]
    rest = {key: item for key, item in value.items() if key != "annotations"}
    return rest | ({"annotations": annotations} if annotations else {})


def _near(value: Mapping[str, Any], system: str) -> dict[str, Any]:
    """A document that names what it uses in its own system by the name alone, so that two inputs
    which know one dependency say it alike.
    """
    if not isinstance(value.get("uses"), list | tuple):
        return dict(value)
    uses = [
        {
            key: item.removeprefix(f"{system}.") if key in _RUNNING else item
            for key, item in use.items()
        }
        for use in value["uses"]
    ]
    return {**value, "uses": uses}


def _at(document: Document) -> str:
    return f" after {document.origins[0]}" if document.origins else ""


def _merged(old: object, new: object, path: tuple[str, ...], kind: str) -> tuple[object, list[str]]:
    """The first value with what the second adds, and the paths at which they contradict."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        result = dict(old)
        differing: list[str] = []
        for key, item in new.items():
            if key not in result:
                result[key] = item
                continue
            result[key], more = _merged(result[key], item, (*path, key), kind)
            differing += more
        return result, differing
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return _merged_lists(list(old), list(new), path, kind)
    return old, ([] if old == new else [".".join(path)])


def _merged_lists(
    old: list[Any], new: list[Any], path: tuple[str, ...], kind: str
) -> tuple[list[Any], list[str]]:
    keys = _MERGE_KEYS.get(kind, {}).get(".".join(path))
    if keys is None:
        added = [item for item in new if item not in old]
        return old or added, ([".".join(path)] if old and added else [])
    result = list(old)
    at = {_identity(item, keys): index for index, item in enumerate(result)}
    for item in new:
        index = at.get(_identity(item, keys))
        if index is None:
            result.append(item)
        elif path == ("uses",):
            result[index] = _use(result[index], item)
        else:
            result[index], _ = _merged(result[index], item, (*path, "[]"), kind)
    return result, []


def _use(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """One dependency that two inputs know: what is declared needs no inference."""
    both = {**new, **old}
    if "inferred" not in old or "inferred" not in new:
        both.pop("inferred", None)
    return both


def _identity(item: object, keys: Iterable[str]) -> object:
    if isinstance(item, Mapping):
        return next(((key, item[key]) for key in keys if item.get(key) is not None), id(item))
    return id(item)


_MERGE_KEYS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    kind.__name__.lower(): kind.merge_keys for kind in registry.KINDS
}


def _referring(value: Any, texts: Mapping[tuple[str, str], str]) -> Any:
    """A value with every reference to what moved put right, as text and as address."""
    if isinstance(value, Mapping):
        return {key: _reference(key, item, texts) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_referring(item, texts) for item in value]
    return value


def _reference(key: str, item: Any, texts: Mapping[tuple[str, str], str]) -> Any:
    if not isinstance(item, str):
        return _referring(item, texts)
    kind, slash, name = item.partition("/")
    if slash and (kind, name) in texts:
        return f"{kind}/{texts[kind, name]}"
    return texts.get((_REFERRING.get(key, key), item), item)


# Keys that refer to a kind that is not called as they are.
_REFERRING = {"deadLetter": "stream", "broker": "service", "into": "datastore"}


def _owned(documents: list[Document], ownership: Sequence[Ownership]) -> list[Document]:
    """What nobody owns is given to the owner of the files that it came from, where they agree."""
    if not ownership:
        return documents
    result = []
    for document in documents:
        if document.value.get("owner") == surroundings.NOBODY and document.origins:
            found = [codeowners.owner_of(o.file, ownership) for o in document.origins]
            teams = Counter(one[0] for one in found if one is not None)
            if len(teams) == 1 and None not in found:
                value = {**document.value, "owner": f"team/{next(iter(teams))}"}
                document = replace(document, value=value)  # noqa: PLW2901 - the same document
        result.append(document)
    return result


def _unowned(documents: Iterable[Document]) -> Iterable[Diagnostic]:
    """One note of what nobody owns when everything is joined: a reader alone cannot know it."""
    found = [_address(document.value) for document in documents if _is_unowned(document.value)]
    if not found:
        return
    more = f" and {len(found) - _MAX_NAMED} more" if len(found) > _MAX_NAMED else ""
    yield Diagnostic(
        "TEL606",
        Severity.INFO,
        f"{len(found)} things belong to {surroundings.NOBODY}: "
        f"{', '.join(map(str, found[:_MAX_NAMED]))}{more}",
        address=surroundings.NOBODY,
        fix="import with --owner TEAM, label the workloads with `owner`, or edit `owner:`",
    )


def _is_unowned(value: Mapping[str, Any]) -> bool:
    return value.get("owner") == surroundings.NOBODY and value["kind"] not in ("System", "Secret")


def _used(documents: list[Document]) -> tuple[Document, ...]:
    """Without the systems and the stand-in team that nothing is left in."""
    systems = {document.value.get("system") for document in documents}
    owners = {document.value.get("owner") for document in documents}
    return tuple(
        document
        for document in documents
        if not (
            (document.value["kind"] == "System" and document.value["name"] not in systems)
            and len(document.value.keys() - {*_HEAD}) == 0
        )
        and not (
            document.value["kind"] == "Team"
            and f"team/{document.value['name']}" == surroundings.NOBODY
            and surroundings.NOBODY not in owners
        )
    )


def _report(
    reports: Sequence[Report], texts: Mapping[str, str], renamed: Mapping[tuple[str, str], str]
) -> Report:
    """All reports as one, with the addresses that things have in the end."""
    objects: Counter[str] = Counter()
    comments: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for report in reports:
        objects.update(report.objects)
        whole.update(report.whole)
        for file, count in report.comments.items():
            comments[file] = max(comments[file], count)
    return Report(
        fates=_fates([report.fates for report in reports], texts, renamed),
        edges=tuple(
            replace(e, source=texts.get(e.source, e.source), target=texts.get(e.target, e.target))
            for report in reports
            for e in report.edges
        ),
        unresolved=tuple(
            replace(item, source=texts.get(item.source, item.source))
            for report in reports
            for item in report.unresolved
        ),
        secrets=tuple(secret for report in reports for secret in report.secrets),
        objects=objects,
        comments=comments,
        whole=whole,
    )


def _fates(
    parts: Sequence[Sequence[Fate]],
    texts: Mapping[str, str],
    renamed: Mapping[tuple[str, str], str],
) -> Sequence[Fate]:
    """All fates; where nothing moved, none of them is looked at."""
    if not texts and not renamed:
        return Fates.joined(parts)
    return tuple(_moved_fate(fate, texts, renamed) for part in parts for fate in part)


def _moved_fate(
    fate: Fate, texts: Mapping[str, str], renamed: Mapping[tuple[str, str], str]
) -> Fate:
    to = renamed.get((fate.subject, fate.to), fate.to)
    to = texts.get(to, to)
    return replace(fate, to=to) if to != fate.to else fate


def _moved_diagnostic(item: Diagnostic, texts: Mapping[str, str]) -> Diagnostic:
    return replace(item, address=texts[item.address]) if item.address in texts else item
