"""The files of a project, one over the other: read, interpolated, extended, included, merged.

What a file refers to and nobody gave yet is asked for (`Loader.wanted`); the caller reads again
when it has it. Called by `reading`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.intake.compose import (
    dotenv,
    hiding,
    interpolation,
    keys,
    merging,
    nodes,
    paths,
    problems,
)
from telford.intake.compose.accounting import Ledger
from telford.intake.compose.merging import Lost
from telford.intake.compose.nodes import Leaf, Node, Origin, Row, Table
from telford.intake.format import Sources, Wanted
from telford.intake.imported import Status

# Files read for one project, each as often as it is included: a tree of includes that doubles at
# every step must end.
MAX_FILES = 1_000
MAX_INCLUDES = 40
# What one file may mean, aliases followed; the largest real ones have a few thousand.
MAX_LEAVES = 100_000

_RESOURCES = ("services", "networks", "volumes", "secrets", "configs", "models")
READ_IN_PLACE = "what it names is read in its place"
REPEATED = "an included file says the same again"
USED = "compose files use it"
UNUSED = "no compose file uses it"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a file is read: the project's folder, its variables, and the files that led there."""

    folder: str
    variables: Mapping[str, str]
    chain: tuple[str, ...] = ()


@dataclass(slots=True)
class _Variable:
    """A setting of a file of variables: where it stands, and whether anything uses it."""

    origin: Origin
    used: bool = False


@dataclass(slots=True)
class Loader:
    """Reads projects out of the given texts; one for a whole import."""

    sources: Sources
    ledger: Ledger
    wanted: dict[str, Wanted] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    # The folder against which relative paths in a file are meant.
    folders: dict[str, str] = field(default_factory=dict)
    _parsed: dict[str, tuple[Table, ...]] = field(default_factory=dict)
    _variables: dict[tuple[str, str], _Variable] = field(default_factory=dict)
    _by_name: dict[str, list[_Variable]] = field(default_factory=dict)
    # Models of files that are extended, with the variables they were read with.
    _bases: dict[tuple[str, int], tuple[Table, Mapping[str, str]]] = field(default_factory=dict)
    _unset: set[str] = field(default_factory=set)
    _count: int = 0

    def project(self, files: tuple[str, ...], folder: str) -> tuple[Table, Mapping[str, str]]:
        """The model of one project, its files merged in their order, and its variables."""
        self._unset = set()
        self._count = 0
        variables = self.variables(paths.joined(folder, ".env"), {}, None)
        return self._loaded(files, Scope(folder, variables)), variables

    def prepare(self, folders: Iterable[str]) -> None:
        """Ask for the variables of each project, without which nothing can be read."""
        for folder in folders:
            path = paths.joined(folder, ".env")
            self.text(path, Position(path), optional=True)

    def files(self) -> tuple[str, ...]:
        """The compose files that were read."""
        return tuple(self._parsed)

    def beside(self, path: str, origin: Origin) -> str | None:
        """The text of a file that a value names, from the folder of the project it stands in."""
        folder = self.folders.get(origin.file, "")
        where = path if paths.refused(path) else paths.joined(folder, path)
        return self.text(where, origin.position)

    def parsed(self, file: str) -> tuple[Table, ...]:
        """The documents of a given file as they are written; its leaves enter the ledger."""
        if file not in self._parsed:
            self._parsed[file] = tuple(self._documents(file))
        return self._parsed[file]

    def filled(self, text: str, folder: str) -> str:
        """A text with the variables of a project's folder put in; as it stands where that fails."""
        if "$" not in text:
            return text
        variables = self.variables(paths.joined(folder, ".env"), {}, None)
        try:
            return interpolation.expand(text, variables, hiding.named).text
        except interpolation.InvalidError:
            return text

    def text(self, path: str, position: Position, *, optional: bool = False) -> str | None:
        """The text of a file that another one names; None where it is not there, or not yet."""
        refused = paths.refused(path)
        if not refused and self.sources.lacks(path):
            self.wanted.setdefault(path, Wanted(path, position))
            return None
        if path in self.sources.texts:
            return self.sources.texts[path]
        if not optional:
            why = refused or self.sources.unreadable[path]
            self.diagnostics.append(problems.unreadable(position, hiding.clear(path), why))
        return None

    def variables(
        self, path: str, around: Mapping[str, str], position: Position | None
    ) -> dict[str, str]:
        """The variables of a file, those around it first. Without a position it is optional."""
        text = self.text(path, position or Position(path), optional=position is None)
        if text is None:
            return dict(around)
        found = self.settings(path, text, around)
        return {**found.values, **around}

    def settings(
        self, path: str, text: str, around: Mapping[str, str], *, raw: bool = False
    ) -> dotenv.Variables:
        """What a file of variables sets; its settings enter the ledger."""
        found = dotenv.read(text, around, hiding.named, raw=raw)
        for line, why in found.problems:
            self.diagnostics.append(problems.variables(Position(path, line, 1), why))
        for name, line in [*found.lines.items(), *found.lost]:
            origin = Origin(path, 0, line, 1, ("variables", name, line))
            self.ledger.enter_line(origin)
            if found.lines[name] == line:
                self._remember(path, name, origin)
            else:
                self.ledger.mark_origin(origin, Status.DROPPED, "", merging.REPEATED)
        return found

    def _remember(self, path: str, name: str, origin: Origin) -> None:
        if (path, name) not in self._variables:
            self._variables[path, name] = _Variable(origin)
            self._by_name.setdefault(name, []).append(self._variables[path, name])

    def origin(self, path: str, name: str) -> Origin:
        """Where a setting of a file of variables stands."""
        return self._variables[path, name].origin

    def close(self) -> None:
        """Say what became of the variables that only interpolation reads."""
        for (_, name), variable in self._variables.items():
            if hiding.named(name):
                self.ledger.mark_origin(variable.origin, Status.DROPPED, "", hiding.HIDDEN)
            elif variable.used:
                self.ledger.mark_origin(variable.origin, Status.MAPPED, "", USED)
            else:
                self.ledger.mark_origin(variable.origin, Status.DROPPED, "", UNUSED)

    def dropped(self, lost: list[Lost]) -> None:
        """Say that values were replaced."""
        for item in lost:
            self.ledger.mark(item.node, Status.DROPPED, "", item.reason)

    # Files

    def _loaded(self, files: tuple[str, ...], scope: Scope) -> Table:
        model = Table(Origin(files[0] if files else "", 0, 1, 1, ()))
        lost: list[Lost] = []
        for file in files:
            self.folders[file] = scope.folder
            for document in self.parsed(file):
                table = self._interpolated(document, scope)
                table = self._extended(table, file, scope)
                table = self._included(table, file, scope)
                merged = merging.merge(model, table, lost)
                assert isinstance(merged, Table)
                model = merged
        self.dropped(lost)
        return model

    def _documents(self, file: str) -> Iterator[Table]:
        text = self.sources.texts[file]
        found, diagnostics = yamltext.read(text, file)
        tags = nodes.tags(text) if found else {}
        self.diagnostics += filter(None, (_tolerated(item, tags) for item in diagnostics))
        for number, node in enumerate(found):
            if _too_many(node):
                what = f"the file means more than {MAX_LEAVES:,} values; it is left out"
                self.diagnostics.append(problems.limit(Position(file, node.line, 1), what))
                continue
            tree = nodes.grown(node, file, number, tags)
            self.ledger.enter(tree)
            why = _strange(tree)
            if isinstance(tree, Table) and not why:
                yield tree
            else:
                self.ledger.mark(tree, Status.DROPPED, "", why)
                self.diagnostics.append(problems.not_compose(tree.origin.position, why))

    def _interpolated(self, document: Table, scope: Scope) -> Table:
        """The document with its variables put in, in canonical form."""
        items = {
            key: item if key.startswith("x-") else self._filled(item, scope)
            for key, item in document.items.items()
        }
        lost: list[Lost] = []
        found = merging.canonical(replace(document, items=items), lost)
        self.dropped(lost)
        assert isinstance(found, Table)
        return found

    def _filled(self, node: Node, scope: Scope) -> Node:
        if isinstance(node, Table):
            items = {key: self._filled(item, scope) for key, item in node.items.items()}
            return replace(node, items=items)
        if isinstance(node, Row):
            return replace(node, items=tuple(self._filled(item, scope) for item in node.items))
        if not isinstance(node.value, str) or "$" not in node.value:
            return node
        try:
            found = interpolation.expand(node.value, scope.variables, hiding.named)
        except interpolation.InvalidError as error:
            self.diagnostics.append(problems.template(node.origin.position, str(error)))
            return node
        self._looked_up(found, node.origin.position)
        missing = tuple(dict.fromkeys(found.unset + found.hidden))
        return replace(node, value=found.text, unset=missing, raw=node.value)

    def _looked_up(self, found: interpolation.Expanded, position: Position) -> None:
        for name in found.used:
            for variable in self._by_name.get(name, ()):
                variable.used = True
        for name in found.required:
            if name not in self._unset:
                self._unset.add(name)
                self.diagnostics.append(problems.required(position, name))
        for name in found.unset:
            if name not in self._unset:
                self._unset.add(name)
                hidden = name in found.hidden
                self.diagnostics.append(problems.unset(position, name, hidden=hidden))

    # extends

    def _extended(self, table: Table, file: str, scope: Scope) -> Table:
        services = table.items.get("services")
        if not isinstance(services, Table):
            return table
        found = {name: self._whole(services, name, file, scope, ()) for name in services.items}
        return _with(table, "services", replace(services, items=found))

    def _whole(
        self,
        services: Table,
        name: str,
        file: str,
        scope: Scope,
        chain: tuple[tuple[str, str], ...],
    ) -> Node:
        """A service with everything that it extends beneath it."""
        service = services.items[name]
        extends = nodes.table(service).get("extends")
        if extends is None or not isinstance(service, Table):
            return service
        own = replace(service, items={k: v for k, v in service.items.items() if k != "extends"})
        wanted = nodes.text(nodes.table(extends).get("service"))
        position = extends.origin.position
        if wanted is None:
            if isinstance(extends, Table):
                why = "it names no service"
                self.diagnostics.append(problems.refused(position, "extends", why))
            return service
        self.ledger.mark(extends, Status.DROPPED, "", READ_IN_PLACE)
        if (file, name) in chain or len(chain) >= MAX_INCLUDES:
            steps = [f"{step[1]} in {step[0]}" for step in (*chain, (file, name))]
            self.diagnostics.append(problems.cycle(position, "extends", steps))
            return own
        other = nodes.text(nodes.table(extends).get("file"))
        place = self._base(services, other, file, scope, position)
        if place is None:
            return own
        source, where, inner = place
        if wanted not in source.items:
            self.diagnostics.append(problems.no_such_service(position, wanted, where))
            return own
        base = self._whole(source, wanted, where, inner, (*chain, (file, name)))
        lost: list[Lost] = []
        merged = merging.merge(base, own, lost, ("services", name))
        self.dropped(lost)
        return merged

    def _base(
        self, services: Table, other: str | None, file: str, scope: Scope, position: Position
    ) -> tuple[Table, str, Scope] | None:
        """The services among which a base is looked for, their file, and the scope of that."""
        if other is None:
            return services, file, scope
        path = other if paths.refused(other) else paths.joined(scope.folder, other)
        if self.text(path, position) is None:
            return None
        inner = replace(scope, folder=paths.folder(path))
        found = self._template(path, inner).items.get("services")
        if isinstance(found, Table):
            return found, path, inner
        self.diagnostics.append(problems.no_such_service(position, "any", path))
        return None

    def _template(self, path: str, scope: Scope) -> Table:
        """The model of a file that is read only for services to extend."""
        key = path, id(scope.variables)
        if key not in self._bases:
            self.folders.setdefault(path, scope.folder)
            model: Node = Table(Origin(path, 0, 1, 1, ()))
            for document in self.parsed(path):
                model = merging.merge(model, self._interpolated(document, scope), [])
            assert isinstance(model, Table)
            self._bases[key] = model, scope.variables
        return self._bases[key][0]

    # include

    def _included(self, table: Table, file: str, scope: Scope) -> Table:
        include = table.items.get("include")
        if include is None:
            return table
        table = replace(table, items={k: v for k, v in table.items.items() if k != "include"})
        self.ledger.mark(include, Status.DROPPED, "", READ_IN_PLACE)
        entries = include.items if isinstance(include, Row) else ()
        if not isinstance(include, Row) and not (
            isinstance(include, Leaf) and include.value is None
        ):
            why = "it must be a list of paths"
            self.diagnostics.append(problems.refused(include.origin.position, "include", why))
        for entry in entries:
            model = self._entry(entry, file, scope)
            if model is not None:
                table = self._imported(table, model)
        return table

    def _entry(self, entry: Node, file: str, scope: Scope) -> Table | None:
        """The model that one entry of `include` brings."""
        position = entry.origin.position
        long = nodes.table(entry)
        given = _texts(long.get("path") if long else entry)
        if not given:
            why = "it names no path"
            self.diagnostics.append(problems.refused(position, "include", why))
            return None
        files = [
            path if paths.refused(path) else paths.joined(scope.folder, path) for path in given
        ]
        chain = (*scope.chain, file)
        if files[0] in chain or len(chain) > MAX_INCLUDES:
            self.diagnostics.append(problems.cycle(position, "include", [*chain, files[0]]))
            return None
        readable = [path for path in files if self.text(path, position) is not None]
        if not readable or not self._counted(position):
            return None
        said = nodes.text(long.get("project_directory"))
        folder = paths.folder(files[0]) if said is None else paths.joined(scope.folder, said)
        return self._loaded(tuple(readable), Scope(folder, self._inner(long, scope, folder), chain))

    def _inner(self, long: Mapping[str, Node], scope: Scope, folder: str) -> Mapping[str, str]:
        """The variables of an included project: those outside go before its own."""
        given = _texts(long.get("env_file"))
        if not given:
            return self.variables(paths.joined(folder, ".env"), scope.variables, None)
        found: dict[str, str] = {}
        for path in given:
            place = long["env_file"].origin.position
            where = path if paths.refused(path) else paths.joined(scope.folder, path)
            found |= self.variables(where, scope.variables, place)
        return {**found, **scope.variables}

    def _imported(self, table: Table, model: Table) -> Table:
        """The table with what an included model defines."""
        for part in _RESOURCES:
            source = model.items.get(part)
            target = table.items.get(part)
            if not isinstance(source, Table) or not source.items:
                continue
            there = target if isinstance(target, Table) else Table(source.origin)
            items = dict(there.items)
            for name, item in source.items.items():
                if name not in items:
                    items[name] = item
                    continue
                same = nodes.plain(items[name]) == nodes.plain(item)
                self.ledger.mark(item, Status.DROPPED, "", REPEATED if same else merging.REPLACED)
                if not same:
                    place = items[name].origin.position
                    what = f"{part}.{name}"
                    self.diagnostics.append(problems.conflict(place, what, item.origin.file))
            table = _with(table, part, replace(there, items=items))
        return table

    def _counted(self, position: Position) -> bool:
        """Whether one more file may be read."""
        self._count += 1
        if self._count == MAX_FILES + 1:
            what = f"the project reads more than {MAX_FILES:,} files; the rest is left out"
            self.diagnostics.append(problems.limit(position, what))
        return self._count <= MAX_FILES


def _with(table: Table, key: str, value: Node) -> Table:
    return replace(table, items={**table.items, key: value})


def _texts(node: Node | None) -> list[str]:
    """The texts of a text or a list of texts."""
    listed = nodes.row(node) if isinstance(node, Row) else ((node,) if node is not None else ())
    return [text for text in map(nodes.text, listed) if text]


def _tolerated(problem: Diagnostic, tags: nodes.Tags) -> Diagnostic | None:
    """Without what compose's own tags cause; a repeated key is a warning in foreign files."""
    place = problem.position
    if problem.code == "TEL102" and place is not None and (place.line, place.column) in tags:
        return None
    repeated = problem.code == "TEL101"
    return replace(problem, severity=Severity.WARNING) if repeated else problem


def _strange(tree: Node) -> str:
    """Why a document is no compose file, or ""."""
    if not isinstance(tree, Table):
        return "it is no mapping"
    known = any(key in keys.TOP or key.startswith("x-") for key in tree.items)
    return "" if known or not tree.items else "it has none of the keys of a compose file"


def _too_many(node: yamltext.Node) -> bool:
    """Whether a document means more values than `MAX_LEAVES`."""
    count = 0
    waiting = [node]
    while waiting and count <= MAX_LEAVES:
        here = waiting.pop()
        count += 1
        if isinstance(here, yamltext.Mapping):
            waiting.extend(here.values.values())
        elif isinstance(here, yamltext.Sequence):
            waiting.extend(here.items)
    return count > MAX_LEAVES
