"""A tree of `.tf` files -> resources, places, and the pieces to account for. Called by
`telford.intake.terraform.reading`.

What it does not know, it keeps: an expression that needs a plan stays as it was written, and a
block without a meaning is carried.
"""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.basics.yamltext import Node
from telford.intake.cloud import tree
from telford.intake.cloud.resources import Found, Piece, Place, Resource
from telford.intake.format import Wanted
from telford.intake.terraform import bodies, jsontext, modules, syntax
from telford.intake.terraform.modules import Folder, Instance, Module, Written
from telford.intake.terraform.scopes import MAX_ALL_STEPS, Limits

# All calls of all modules together.
MAX_MODULES = 2_000
# All resources that a tree makes; more are counted as one each.
MAX_RESOURCES = 20_000
_PROVIDERS = {"aws": "aws", "google": "gcp", "google-beta": "gcp", "azurerm": "azure"}
_SECRET_NAME = ("password", "secret", "token", "private_key", "api_key", "access_key")
NOT_LOADED = "terraform reads this file only when it is named (`-var-file`)"
HIDDEN = "it is a secret: its value never enters an estate"
CARRIED = {
    "variable": "an input of a configuration: no field of the model says it",
    "output": "an output of a configuration: no field of the model says it",
    "locals": "names for values of a configuration: no field of the model says them",
    "terraform": "settings of terraform itself",
    "provider": "settings of a provider",
    "module": "a call of a module: what the module makes is imported from its own files",
    "data": "something that another configuration or a person made",
}
_OTHER = "no field of the model says it"


@dataclass(slots=True)
class Configuration:
    """Reads the folders of one input. `wanted` are module folders that were not given."""

    folders: dict[str, Folder]
    found: Found
    absent: Mapping[str, str]
    wanted: list[Wanted] = field(default_factory=list)
    _pieces: dict[int, Piece] = field(default_factory=dict)
    _limits: Limits = field(default_factory=Limits)
    _modules: int = 0

    def read(self) -> None:
        """Fill `found`, root after root."""
        for folder in self.folders.values():
            for written in folder.blocks:
                self._piece(written)
        called = self._called()
        for path in sorted(self.folders):
            if path not in called and self.folders[path].blocks:
                self._root(self.folders[path])
        if self._limits.spent:
            self._spent()

    def _spent(self) -> None:
        self.found.diagnostics.append(
            Diagnostic(
                "TEL642",
                Severity.WARNING,
                f"its values take more than {MAX_ALL_STEPS:,} steps to compute; not all are known",
                position=Position(min(self.folders, default="")),
                detail="What is not known is carried as it is written.",
                fix="import a plan instead: `terraform show -json`",
            )
        )

    def _called(self) -> set[str]:
        """The folders that calls name; what is wanted and not there is noted."""
        called = set()
        for folder in list(self.folders.values()):
            for written in folder.of("module"):
                target = modules.local_source(folder.path, modules.source_of(written.block))
                if target is None:
                    continue
                if target in self.folders and target != folder.path:
                    called.add(target)
                elif target not in self.absent and target != folder.path:
                    self.wanted.append(Wanted(target, _position(written), folder=True))
        return called

    def _root(self, folder: Folder) -> None:
        inputs: dict[str, Node] = {}
        module = Module(folder, folder.path, "", inputs, self._limits, 0)
        secret = module.sensitive_variables()
        for name, expression in folder.settings.items():
            value = module.evaluator().value(expression)
            inputs[name] = modules.hidden(value, value) if name in secret else value
        self._grow(module, {})

    def _grow(self, module: Module, providers: Mapping[str, str]) -> None:
        """A module's calls first, for its values may come out of them; then what it makes."""
        calls = [item for item in module.folder.of("module") if item.block.labels]
        grown: list[tuple[Module, Mapping[str, str]]] = []
        for written in calls:
            for child in self._children(module, written):
                module.children.setdefault(written.block.labels[0], []).append(child)
                grown.append((child, _passed(written, module, providers)))
        known: dict[str, str] = {**providers, **self._places(module)}
        for kind in ("resource", "data"):
            for written in module.folder.of(kind):
                self._resources(module, written, known)
        for child, passed in grown:
            self._grow(child, {**known, **passed})

    def _children(self, module: Module, written: Written) -> Iterator[Module]:
        """The modules that one call makes."""
        block = written.block
        source = modules.source_of(block)
        target = modules.local_source(module.folder.path, source)
        if target is None or target not in self.folders or target == module.folder.path:
            self._elsewhere(module, written, source, target)
            return
        if module.depth >= modules.MAX_MODULE_DEPTH or self._modules >= MAX_MODULES:
            self._report(written, "TEL642", "modules call one another without an end", "")
            return
        for instance in module.instances(block.body):
            self._modules += 1
            evaluator = module.evaluator(instance.bound)
            inputs = {
                name: evaluator.value(expression)
                for name, expression in block.body.attributes.items()
                if name not in _CALL
            }
            self._use(written, inputs)
            path = f"{module.path}module.{block.labels[0]}{instance.address}."
            yield Module(
                self.folders[target], module.root, path, inputs, self._limits, module.depth + 1
            )

    def _elsewhere(self, module: Module, written: Written, source: str, target: str | None) -> None:
        """A call of a module that is not in the input: a thing of its own, whose type is the
        module's source; the tables know those that everybody uses.
        """
        if target is None:
            kind = f"module:{source}"
            code, why = "TEL643", f"the module {source or '?'} comes from elsewhere"
        else:
            reason = self.absent.get(target, "it is not there")
            kind, code, why = "module:", "TEL641", f"the module {source} cannot be read: {reason}"
        fix = "import a plan too: `terraform show -json`; it says what every module makes"
        detail = "Its arguments are read, what it makes from them is not."
        self._report(written, code, why, fix, detail)
        for instance in module.instances(written.block.body):
            self._add(module, written, instance, kind, ("module", written.block.labels[0]), "")

    def _resources(self, module: Module, written: Written, providers: Mapping[str, str]) -> None:
        labels = written.block.labels
        if len(labels) != 2:
            self._report(written, "TEL640", "it has two labels: its type and its name", "")
            return
        instances = module.instances(written.block.body)
        if not instances:
            self.found.drop(self._piece(written), (), "its count is 0: nothing is made of it")
        kind = modules.thing(written.block)[0]
        provider = bodies.expression(_attribute(module, written, "provider"))
        place = providers.get(provider or labels[0].partition("_")[0], "")
        for instance in instances:
            self._add(module, written, instance, kind, (kind, labels[1]), place)

    def _add(
        self,
        module: Module,
        written: Written,
        instance: Instance,
        kind: str,
        thing: tuple[str, str],
        place: str,
    ) -> None:
        if len(self.found.resources) >= MAX_RESOURCES:
            return
        evaluator = module.evaluator(instance.bound)
        name = f"{thing[1]}-{instance.name}" if instance.name else thing[1]
        body = bodies.evaluated(written.block, evaluator)
        for meta in ("count", "for_each"):
            if meta in body.values and tree.known(body.values[meta]):
                self.found.used.setdefault(id(self._piece(written)), set()).add((meta,))
        self.found.resources.append(
            Resource(
                key=module.key(*thing),
                kind=kind,
                label=f"{module.path}{thing[0]}.{thing[1]}{instance.address}",
                name=name,
                folder=module.root,
                body=body,
                piece=self._piece(written),
                depends=bodies.references(written.block.body, "depends_on", evaluator),
                place=place,
            )
        )

    def _places(self, module: Module) -> dict[str, str]:
        """The keys of the places that a module's own providers name: ``aws``, ``aws.ireland``."""
        known = {}
        for written in module.folder.of("provider"):
            name = written.block.labels[0] if written.block.labels else ""
            body = bodies.evaluated(written.block, module.evaluator())
            alias = bodies.words(body.values.get("alias"))
            provider = _PROVIDERS.get(name)
            if provider is None:
                continue
            said = {
                key: bodies.words(body.values.get(key))
                for key in ("region", "project", "subscription_id", "location")
            }
            accounts = tree.at(body, ("allowed_account_ids", 0))
            account = bodies.words(accounts[1]) if accounts is not None else ""
            account = account or said["project"] or said["subscription_id"]
            key = f"{module.root}:{module.path}provider.{name}{'.' if alias else ''}{alias}"
            known[f"{name}.{alias}" if alias else name] = key
            paths = [(item,) for item in said if said[item]]
            self.found.places.append(
                Place(
                    key,
                    provider,
                    said["region"] or said["location"],
                    account,
                    _position(written),
                    self._piece(written),
                    (*paths, *([("allowed_account_ids", 0)] if accounts and account else [])),
                )
            )
        return known

    def _use(self, written: Written, inputs: Mapping[str, Node]) -> None:
        """The arguments of a call become what its module says: they are mapped with it."""
        used = self.found.used.setdefault(id(self._piece(written)), set())
        used.update((name,) for name, value in inputs.items() if tree.known(value))

    def _piece(self, written: Written) -> Piece:
        known = self._pieces.get(id(written.block))
        if known is not None:
            return known
        block = written.block
        labels = block.labels
        if block.kind == "resource" and len(labels) == 2:
            subject = "/".join(labels)
        else:
            subject = "/".join(filter(None, (block.kind, ".".join(labels))))
        piece = Piece(subject, written.file, bodies.written(block))
        self._pieces[id(block)] = piece
        self.found.pieces.append(piece)
        self.found.carried[id(piece)] = CARRIED.get(block.kind, _OTHER)
        if block.kind == "variable" and _secret(block):
            self.found.drop(piece, ("default",), HIDDEN)
        return piece

    def _report(
        self, written: Written, code: str, summary: str, fix: str, detail: str = ""
    ) -> None:
        severity = Severity.ERROR if code == "TEL640" else Severity.WARNING
        severity = Severity.INFO if code == "TEL643" else severity
        position = _position(written)
        self.found.diagnostics.append(
            Diagnostic(code, severity, summary, position=position, fix=fix, detail=detail)
        )


_CALL = frozenset({"source", "version", "providers", "count", "for_each", "depends_on"})


def folders(texts: Mapping[str, str], found: Found) -> dict[str, Folder]:
    """The folders of a tree, with everything that their files say."""
    made: dict[str, Folder] = {}
    # Settings in the order in which terraform loads them: the last one counts.
    for file in sorted(texts, key=lambda name: (_rank(name), name)):
        folder = made.setdefault(posixpath.dirname(file) or ".", Folder(""))
        folder.path = posixpath.dirname(file) or "."
        read = jsontext.read if file.endswith(".json") else syntax.read
        body, problems = read(texts[file], file)
        found.diagnostics += problems
        if _rank(file):
            _settings(folder, file, body, found)
            continue
        folder.blocks += [Written(file, block) for block in body.blocks]
    for folder in made.values():
        _repeated(folder, found)
    return made


def _rank(file: str) -> int:
    name = posixpath.basename(file).removesuffix(".json")
    if not name.endswith(".tfvars"):
        return 0
    return 2 if name.endswith(".auto.tfvars") else 1


def _settings(folder: Folder, file: str, body: syntax.Body, found: Found) -> None:
    name = posixpath.basename(file).removesuffix(".json")
    holder = syntax.Block("tfvars", (), body, 1, 1)
    piece = Piece(f"tfvars/{file}", file, bodies.written(holder))
    found.pieces.append(piece)
    found.carried[id(piece)] = CARRIED["variable"]
    if name != "terraform.tfvars" and not name.endswith(".auto.tfvars"):
        found.drop(piece, (), NOT_LOADED)
        found.diagnostics.append(
            Diagnostic(
                "TEL644",
                Severity.INFO,
                f"{file} is not read: {NOT_LOADED}",
                position=Position(file),
                fix="name it `terraform.tfvars`, or import the plan that is made with it",
            )
        )
        return
    folder.settings |= body.attributes
    sensitive = {
        item.block.labels[0]
        for item in folder.of("variable")
        if item.block.labels and _secret(item.block)
    }
    for key in body.attributes:
        if key in sensitive or key.lower().endswith(_SECRET_NAME):
            found.drop(piece, (key,), HIDDEN)
        else:
            found.used.setdefault(id(piece), set()).add((key,))


def _repeated(folder: Folder, found: Found) -> None:
    """Blocks of the same name in one folder: the later one counts, as files are sorted."""
    seen: dict[tuple[str, ...], Written] = {}
    kept: list[Written] = []
    for written in folder.blocks:
        key = (written.block.kind, *written.block.labels)
        unique = written.block.kind in ("resource", "data", "module", "variable", "output")
        first = seen.setdefault(key, written)
        if first is written or not unique:
            kept.append(written)
            continue
        found.diagnostics.append(
            Diagnostic(
                "TEL640",
                Severity.WARNING,
                f"{' '.join(key)} is there already at {_position(first)}; this one is left out",
                position=_position(written),
                fix="keep one of the two; override files are not merged",
            )
        )
        piece = Piece("/".join(key), written.file, bodies.written(written.block))
        found.pieces.append(piece)
        found.drop(piece, (), "another block has the same name")
    folder.blocks = kept


def _secret(block: syntax.Block) -> bool:
    name = block.labels[0].lower() if block.labels else ""
    return modules.says(block.body, "sensitive") or name.endswith(_SECRET_NAME)


def _attribute(module: Module, written: Written, name: str) -> Node | None:
    found = written.block.body.attributes.get(name)
    return module.evaluator().value(found) if found is not None else None


def _passed(written: Written, module: Module, known: Mapping[str, str]) -> dict[str, str]:
    """The providers that a call hands on, under the names that they have inside."""
    value = _attribute(module, written, "providers")
    entries = getattr(value, "values", {}) if value is not None else {}
    names = {key: bodies.expression(item) for key, item in entries.items()}
    local = {name: f"{module.root}:{module.path}provider.{name}" for name in names.values()}
    return {key: known.get(name, local[name]) for key, name in names.items()}


def _position(written: Written) -> Position:
    return Position(written.file, written.block.line, written.block.column)
