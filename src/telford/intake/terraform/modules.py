"""One configuration: its modules, with what their names mean. Called by
`telford.intake.terraform.configuration`.

A folder that another one calls is a module, once for each call; every other folder is a
configuration of its own. Values go down through a call's arguments and up through outputs, as far
as they can be known without a plan.
"""

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Scalar, Sequence
from telford.intake.cloud import tree
from telford.intake.cloud.tree import Unknown
from telford.intake.terraform import functions
from telford.intake.terraform.expressions import Evaluator
from telford.intake.terraform.functions import NotKnownError
from telford.intake.terraform.scopes import Limits, NoScope
from telford.intake.terraform.syntax import Block, Body, Expression

# Instances of one block; a longer list stays one thing whose number is not said.
MAX_INSTANCES = 200
# A call of a call of a call.
MAX_MODULE_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Written:
    """A top-level block and the file it is in."""

    file: str
    block: Block


@dataclass(slots=True)
class Folder:
    """The files of one folder: all their top-level blocks, and values from ``*.tfvars``."""

    path: str
    blocks: list[Written] = field(default_factory=list)
    settings: dict[str, Expression] = field(default_factory=dict)

    def of(self, kind: str) -> Iterator[Written]:
        """The blocks of one kind."""
        return (item for item in self.blocks if item.block.kind == kind)


@dataclass(frozen=True, slots=True)
class Instance:
    """One of the things that a block with ``count`` or ``for_each`` makes: what is bound, and what
    is put behind its address (``["orders"]``) and its name (``orders``).
    """

    bound: Mapping[str, Node]
    address: str = ""
    name: str = ""


class Module:
    """A folder as one call of it means it. `path` is ``module.a.module.b.``, or "" at the root."""

    def __init__(
        self,
        folder: Folder,
        root: str,
        path: str,
        inputs: Mapping[str, Node],
        limits: Limits,
        depth: int,
    ) -> None:
        self.folder = folder
        self.root = root
        self.path = path
        self.limits = limits
        self.depth = depth
        # Name of a call -> its modules; filled by the configuration, calls first.
        self.children: dict[str, list[Module]] = {}
        self._inputs = inputs
        self._variables = {item.block.labels[0]: item for item in _named(folder, "variable")}
        self._outputs = {item.block.labels[0]: item for item in _named(folder, "output")}
        self._locals = {
            name: expression
            for item in folder.of("locals")
            for name, expression in item.block.body.attributes.items()
        }
        self._things = {
            thing(item.block)
            for item in folder.blocks
            if item.block.kind in ("resource", "data") and len(item.block.labels) == 2
        } | {("module", item.block.labels[0]) for item in _named(folder, "module")}
        self._known: dict[tuple[str, str], Node | None] = {}

    def evaluator(self, bound: Mapping[str, Node] | None = None) -> Evaluator:
        """An evaluator of the module's expressions."""
        return Evaluator(self, bound or {}, limits=self.limits)

    def variable(self, name: str) -> Node | None:
        """See `telford.intake.terraform.expressions.Scope`."""
        return self._remembered("var", name, self._variable)

    def local(self, name: str) -> Node | None:
        """See `telford.intake.terraform.expressions.Scope`."""
        return self._remembered("local", name, self._local)

    def output(self, module: str, name: str) -> Node | None:
        """See `telford.intake.terraform.expressions.Scope`."""
        children = self.children.get(module)
        if not children:
            key = self.reference("module", module)
            return Unknown(0, 0, references=(key,)) if key is not None else None
        value = children[0].result(name)
        if len(children) == 1 or value is None:
            return value
        # Which of the instances is meant is not said without its index.
        found = [child.result(name) for child in children]
        references = (ref for item in found if item for _, ref in tree.references(item))
        return Unknown(0, 0, references=tuple(dict.fromkeys(references)))

    def result(self, name: str) -> Node | None:
        """The value of one of the module's own outputs."""
        return self._remembered("output", name, self._output)

    def reference(self, kind: str, name: str) -> str | None:
        """See `telford.intake.terraform.expressions.Scope`."""
        return self.key(kind, name) if (kind, name) in self._things else None

    def key(self, kind: str, name: str) -> str:
        """What identifies a resource of the module in the whole input."""
        return f"{self.root}:{self.path}{kind}.{name}"

    def instances(self, body: Body) -> list[Instance]:
        """What a block with ``count`` or ``for_each`` makes; one, with nothing bound, where that
        cannot be said.
        """
        if "count" in body.attributes:
            return _counted(self.evaluator().value(body.attributes["count"]))
        if "for_each" in body.attributes:
            made = each(self.evaluator().value(body.attributes["for_each"]))
            return [Instance({})] if made is None else made
        return [Instance({})]

    def _remembered(self, kind: str, name: str, find: Callable[[str], Node | None]) -> Node | None:
        key = kind, name
        if key not in self._known:
            # Whoever asks for it again before it is there asks in a circle.
            self._known[key] = Unknown(0, 0)
            self._known[key] = find(name)
        return self._known[key]

    def _variable(self, name: str) -> Node | None:
        declared = self._variables.get(name)
        if declared is None:
            return None
        body = declared.block.body
        value = self._inputs.get(name)
        if value is None and "default" in body.attributes:
            value = self.evaluator().value(body.attributes["default"])
        near = Scalar(declared.block.line, declared.block.column, None, "")
        if value is None:
            return Unknown(near.line, near.column)
        return hidden(value, near) if says(body, "sensitive") else value

    def _local(self, name: str) -> Node | None:
        found = self._locals.get(name)
        return self.evaluator().value(found) if found is not None else None

    def _output(self, name: str) -> Node | None:
        found = self._outputs.get(name)
        if found is None or "value" not in found.block.body.attributes:
            return None
        value = self.evaluator().value(found.block.body.attributes["value"])
        return hidden(value, value) if says(found.block.body, "sensitive") else value

    def sensitive_variables(self) -> frozenset[str]:
        """The variables whose values are secrets."""
        declared = self._variables.items()
        return frozenset(name for name, item in declared if says(item.block.body, "sensitive"))


def says(body: Body, name: str) -> bool:
    """Whether an attribute is plainly true."""
    found = body.attributes.get(name)
    return found is not None and found.text == "true"


def hidden(value: Node, near: Node) -> Node:
    """A secret: what it refers to is known, its value is not."""
    references = tuple(dict.fromkeys(reference for _, reference in tree.references(value)))
    return Unknown(near.line, near.column, references=references, sensitive=True)


def local_source(folder: str, source: str) -> str | None:
    """The folder that a call's ``source`` names, or None where that is no local path.

    It begins with ``../`` where it leaves the input.
    """
    if not source.startswith(("./", "../")) and source not in (".", ".."):
        return None
    return posixpath.normpath(posixpath.join(folder, source))


def source_of(block: Block) -> str:
    """What a call says as its ``source``, or ""."""
    found = block.body.attributes.get("source")
    if found is None:
        return ""
    value = Evaluator(NoScope(), literal=True).value(found)
    return value.value if isinstance(value, Scalar) and isinstance(value.value, str) else ""


def _named(folder: Folder, kind: str) -> Iterator[Written]:
    return (item for item in folder.of(kind) if item.block.labels)


def thing(block: Block) -> tuple[str, str]:
    """Type and name of a resource or data source: ``data.aws_vpc`` and ``main``."""
    kind = f"data.{block.labels[0]}" if block.kind == "data" else block.labels[0]
    return kind, block.labels[1]


def _counted(value: Node) -> list[Instance]:
    try:
        number = functions.number(value.value) if isinstance(value, Scalar) else None
    except (NotKnownError, ValueError):
        number = None
    if number is None or number > MAX_INSTANCES:
        return [Instance({})]
    near = value
    return [
        Instance(
            {"count": tree.built({"index": index}, near)},
            f"[{index}]",
            "" if number == 1 else str(index),
        )
        for index in range(int(number))
    ]


def each(value: Node) -> list[Instance] | None:
    """What ``for_each`` over a value makes; None where that cannot be said."""
    pairs: list[tuple[str, Node]]
    if isinstance(value, MappingNode):
        pairs = list(value.values.items())
    elif isinstance(value, Sequence):
        pairs = [
            (str(item.value) if isinstance(item, Scalar) else str(index), item)
            for index, item in enumerate(value.items)
        ]
    else:
        return None
    if len(pairs) > MAX_INSTANCES or any(isinstance(item, Unknown) for _, item in pairs[:1]):
        return None
    instances = []
    for key, item in pairs:
        made = MappingNode(item.line, item.column)
        tree.put(made, "key", tree.scalar(key, item), item)
        tree.put(made, "value", item, item)
        instances.append(Instance({"each": made}, f'["{key}"]', key))
    return instances
