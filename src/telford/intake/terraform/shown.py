"""``terraform show -json`` of a plan or a state -> resources. Called by
`telford.intake.terraform.reading`.

The format: https://developer.hashicorp.com/terraform/internals/json-format (2026-11; format
versions 0.x and 1.x). What the tool calls sensitive never enters an estate. A plan says everything
three times; what counts is what will be there (``planned_values``).
"""

import re
from collections.abc import Iterator, Mapping

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Scalar, Sequence
from telford.intake.cloud import tree
from telford.intake.cloud.resources import Found, Piece, Place, Resource
from telford.intake.cloud.tree import Path, Unknown
from telford.intake.terraform import planned

NAMES = "it names the resource for terraform: what carries it is called so"
UNSET = "it is null: nothing is said"
AGAIN = "a plan says it again: what will be there counts"
HIDDEN = "terraform calls it sensitive"
MASK = "it only says which values are sensitive"
RAW_STATE = "a state file as terraform keeps it holds every secret in plain text"
# Modules in modules.
MAX_DEPTH = 20
# A value that is this long may be an address that others refer to.
_LEAST = 8
_NAMING = ("address", "mode", "type", "name", "provider_name", "schema_version", "index")
_References = Mapping[str, Mapping[str, tuple[str, ...]]]
_IDENTIFYING = frozenset(
    {
        *("id", "arn", "url", "endpoint", "address", "fqdn", "hostname", "dns_name", "self_link"),
        *("primary_endpoint_address", "configuration_endpoint_address", "bucket_domain_name"),
        *("bucket_regional_domain_name", "connection_name", "invoke_arn", "uri", "name", "bucket"),
    }
)
_TOKENS = re.compile(r"[^\s\"',;]+")
_AROUND = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?([^/:?]+)")
_PROVIDER = {"aws": "aws", "google": "gcp", "google-beta": "gcp", "azurerm": "azure"}


def read(path: str, text: str, found: Found) -> None:
    """Add what a file says to `found`."""
    nodes, problems = yamltext.read(text.replace("\t", " "), path)
    found.diagnostics += problems
    root = nodes[0] if nodes else None
    if not isinstance(root, MappingNode):
        found.diagnostics.append(_problem(path, root, "it is no object"))
        return
    if "format_version" not in root.values:
        _state_file(path, root, found)
        return
    version = root.values["format_version"]
    if not isinstance(version, Scalar) or version.text.partition(".")[0] not in ("0", "1"):
        found.diagnostics.append(
            _problem(path, version, "its format version is newer than what is known here")
        )
    _Shown(path, root, found).read()


def _problem(path: str, node: Node | None, why: str) -> Diagnostic:
    position = Position(path, node.line if node else 1, node.column if node else 1)
    return Diagnostic(
        "TEL640",
        Severity.ERROR,
        f"this is not what `terraform show -json` writes: {why}",
        position=position,
        fix="write it with `terraform show -json PLAN > plan.json`",
    )


def _state_file(path: str, root: Node, found: Found) -> None:
    piece = Piece(f"state/{path}", path, root)
    found.pieces.append(piece)
    found.drop(piece, (), RAW_STATE)
    found.diagnostics.append(
        Diagnostic(
            "TEL646",
            Severity.WARNING,
            f"{path} is left out: {RAW_STATE}",
            position=Position(path, 1, 1),
            fix="import `terraform show -json` of it, which says what is sensitive",
        )
    )


class _Shown:
    """Reads one file."""

    def __init__(self, path: str, root: MappingNode, found: Found) -> None:
        self._path = path
        self._root = root
        self._found = found
        self._planned = "planned_values" in root.values
        self._resources: list[Resource] = []
        self._pieces: set[int] = set()
        # Bodies, and what the configuration says that they refer to.
        self._waiting: list[tuple[MappingNode, Mapping[str, tuple[str, ...]]]] = []

    def read(self) -> None:
        """Resources first, then every other section of the file."""
        holder = self._root.values.get("planned_values" if self._planned else "values")
        references = self._configured()
        if isinstance(holder, MappingNode):
            module = holder.values.get("root_module")
            if isinstance(module, MappingNode):
                self._module(module, references, 0)
        self._complete_all()
        self._refer()
        self._found.resources += self._resources
        self._sections()

    def _module(
        self,
        module: MappingNode,
        references: _References,
        depth: int,
    ) -> None:
        for node in _items(module.values.get("resources")):
            if isinstance(node, MappingNode):
                self._resource(node, references)
        for child in _items(module.values.get("child_modules")):
            if isinstance(child, MappingNode) and depth < MAX_DEPTH:
                self._module(child, references, depth + 1)

    def _resource(self, node: MappingNode, references: _References) -> None:
        kind, name = _text(node.values.get("type")), _text(node.values.get("name"))
        address = _text(node.values.get("address")) or f"{kind}.{name}"
        if not kind:
            return
        mode = "data." if _text(node.values.get("mode")) == "data" else ""
        piece = Piece(f"{mode}{kind}/{address}", self._path, node)
        self._found.pieces.append(piece)
        self._found.carried[id(piece)] = "no kind of the estate says it"
        self._pieces.add(id(node))
        values = node.values.get("values")
        body = values if isinstance(values, MappingNode) else MappingNode(node.line, node.column)
        masked = _masked(body, node.values.get("sensitive_values"))
        for path, leaf in tree.leaves(masked):
            if isinstance(leaf, Unknown) and leaf.sensitive:
                self._found.drop(piece, ("values", *path), HIDDEN)
            elif isinstance(leaf, Scalar) and leaf.value is None:
                self._found.drop(piece, ("values", *path), UNSET)
        self._found.drop(piece, ("sensitive_values",), MASK)
        for name_key in _NAMING:
            self._found.drop(piece, (name_key,), NAMES)
        body = masked if isinstance(masked, MappingNode) else body
        self._waiting.append((body, references.get(planned.plain_address(address), {})))
        index = node.values.get("index")
        suffix = f"-{index.text}" if isinstance(index, Scalar) and index.value is not None else ""
        self._resources.append(
            Resource(
                key=f"{self._path}:{address}",
                kind=f"{mode}{kind}",
                label=address,
                name=f"{name}{suffix}",
                folder=self._path.rpartition("/")[0],
                body=body,
                piece=piece,
                prefix=("values",),
                place=self._place(_text(node.values.get("provider_name"))),
            )
        )

    def _complete_all(self) -> None:
        """Put in what only the configuration says; an address without its index means the first
        instance.
        """
        known: dict[str, str] = {}
        for resource in self._resources:
            known[resource.label] = resource.label
            known.setdefault(planned.plain_address(resource.label), resource.label)
        for body, references in self._waiting:
            for name, named in references.items():
                keys = tuple(
                    f"{self._path}:{known[item]}" for item in dict.fromkeys(named) if item in known
                )
                if keys:
                    self._complete(body, name, keys)

    def _complete(self, body: MappingNode, name: str, keys: tuple[str, ...]) -> None:
        """Say what an attribute refers to whose value is not known yet."""
        present = body.values.get(name)
        if present is not None and any(
            not isinstance(leaf, Scalar) or leaf.value is not None
            for _, leaf in tree.leaves(present)
        ):
            present_value = tree.plain(present)
            if present_value not in ([], {}, [{}], None):
                return
        near = present or body
        tree.put(body, name, Unknown(near.line, near.column, references=keys), near)

    def _place(self, provider: str) -> str:
        name = provider.rpartition("/")[2]
        key = f"{self._path}:provider.{name}"
        return key if name in _PROVIDER else ""

    def _configured(self) -> _References:
        """Address -> attribute -> the addresses that the configuration refers to there."""
        configuration = self._root.values.get("configuration")
        if not isinstance(configuration, MappingNode):
            return {}
        self._providers(configuration.values.get("provider_config"))
        module = configuration.values.get("root_module")
        return planned.references(module) if isinstance(module, MappingNode) else {}

    def _providers(self, node: Node | None) -> None:
        """Regions and accounts that providers are configured with."""
        for provider in node.values.values() if isinstance(node, MappingNode) else ():
            found = tree.at(provider, ("name",))
            name = _text(found[1]) if found is not None else ""
            if name not in _PROVIDER:
                continue
            said = {}
            for key in ("region", "project", "subscription_id", "location"):
                at = tree.at(provider, ("expressions", key, "constant_value"))
                said[key] = _text(at[1]) if at is not None else ""
            place = Place(
                f"{self._path}:provider.{name}",
                _PROVIDER[name],
                said["region"] or said["location"],
                said["project"] or said["subscription_id"],
                Position(self._path, provider.line, provider.column),
            )
            if place.location or place.account:
                self._found.places.append(place)

    def _refer(self) -> None:
        """What a value means that is another resource's address: a state has no expressions."""
        known: dict[str, str] = {}
        for resource in self._resources:
            for name in _IDENTIFYING:
                node = resource.body.values.get(name)
                if isinstance(node, Scalar) and isinstance(node.value, str):
                    long = len(node.value) >= _LEAST and name not in ("name", "bucket")
                    if long:
                        known.setdefault(node.value, resource.key)
        for resource in self._resources:
            _refer(resource.body, known, resource.key, 0)

    def _sections(self) -> None:
        """Everything else that the file says."""
        for key, node in self._root.values.items():
            if key in ("planned_values", "values"):
                piece = Piece(f"{key}/{self._path}", self._path, _without(node, self._pieces, 0))
                self._found.pieces.append(piece)
                self._found.carried[id(piece)] = "outputs of a configuration"
                for path in _sensitive_outputs(node):
                    self._found.drop(piece, path, HIDDEN)
                continue
            piece = Piece(f"{key}/{self._path}", self._path, node)
            self._found.pieces.append(piece)
            self._found.drop(piece, (), AGAIN if key in _AGAIN else "a fact about the file itself")


_AGAIN = frozenset(
    {
        *("resource_changes", "resource_drift", "prior_state", "configuration", "variables"),
        *("output_changes", "relevant_attributes", "checks", "proposed_unknown"),
    }
)


def _items(node: Node | None) -> list[Node]:
    return node.items if isinstance(node, Sequence) else []


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""


def _masked(node: Node, mask: Node | None) -> Node:
    """The values with the sensitive ones taken out, as far as the mask says so."""
    if isinstance(mask, Scalar) and mask.value is True:
        return Unknown(node.line, node.column, sensitive=True)
    if isinstance(node, MappingNode):
        made = MappingNode(node.line, node.column, keys=dict(node.keys))
        inner = mask.values if isinstance(mask, MappingNode) else {}
        made.values = {key: _masked(item, inner.get(key)) for key, item in node.values.items()}
        return made
    if isinstance(node, Sequence):
        masks = mask.items if isinstance(mask, Sequence) else []
        items = [
            _masked(item, masks[index] if index < len(masks) else None)
            for index, item in enumerate(node.items)
        ]
        return Sequence(node.line, node.column, items)
    return node


def _refer(node: Node, known: Mapping[str, str], own: str, depth: int) -> None:
    """Replace texts that name another resource by what refers to it, in place."""
    if depth > tree.MAX_DEPTH:
        return
    if isinstance(node, MappingNode):
        for key, item in node.values.items():
            node.values[key] = _referring(item, known, own)
            _refer(node.values[key], known, own, depth + 1)
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            node.items[index] = _referring(item, known, own)
            _refer(node.items[index], known, own, depth + 1)


def _referring(node: Node, known: Mapping[str, str], own: str) -> Node:
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return node
    if len(node.value) < _LEAST or len(node.value) > yamltext.MAX_CHARACTERS // 1_000:
        return node
    keys = dict.fromkeys(
        known[token] for token in _tokens(node.value) if known.get(token, own) != own
    )
    if not keys:
        return node
    return Unknown(node.line, node.column, raw=node.value, references=tuple(keys))


def _tokens(text: str) -> Iterator[str]:
    yield text
    for found in _TOKENS.finditer(text):
        yield found[0]
        yield found[0].partition(":")[0] if "://" not in found[0] else found[0]
        inside = _AROUND.match(found[0])
        if inside is not None:
            yield inside[1]


def _without(node: Node, pieces: set[int], depth: int) -> Node:
    """A section without the resources that are pieces of their own."""
    if isinstance(node, MappingNode) and depth < tree.MAX_DEPTH:
        made = MappingNode(node.line, node.column, keys=dict(node.keys))
        for key, item in node.values.items():
            kept = _without(item, pieces, depth + 1)
            emptied = isinstance(item, Sequence) and item.items and not _items(kept)
            if not emptied:
                made.values[key] = kept
        return made
    if isinstance(node, Sequence):
        items = [_without(item, pieces, depth + 1) for item in node.items if id(item) not in pieces]
        return Sequence(node.line, node.column, items)
    return node


def _sensitive_outputs(node: Node) -> Iterator[Path]:
    outputs = tree.at(node, ("outputs",))
    for name, output in (
        outputs[1].values.items() if outputs and isinstance(outputs[1], MappingNode) else ()
    ):
        flag = output.values.get("sensitive") if isinstance(output, MappingNode) else None
        if isinstance(flag, Scalar) and flag.value is True:
            yield "outputs", name, "value"
