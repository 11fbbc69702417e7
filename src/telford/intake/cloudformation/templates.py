"""Templates -> resources, and the pieces to account for. Called by
`telford.intake.cloudformation.reading`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Scalar
from telford.intake.cloud import tree
from telford.intake.cloud.resources import Found, Piece, Resource
from telford.intake.cloud.tree import Unknown
from telford.intake.cloudformation import intrinsics
from telford.intake.cloudformation.intrinsics import Evaluator, Names

MAX_RESOURCES = 20_000
FALSE = "its condition is false: nothing is made of it"
_SETTINGS = "settings of a template: no field of the model says them"
_NO_MEANING = "no kind of the estate says it"


@dataclass(slots=True)
class Template:
    """One template: its file, its sections, and what names mean in it."""

    file: str
    root: MappingNode
    names: Names

    def section(self, name: str) -> Mapping[str, Node]:
        """The entries of a section; empty where it has none."""
        found = self.root.values.get(name)
        return found.values if isinstance(found, MappingNode) else {}


def read(texts: Mapping[str, str], found: Found) -> None:
    """Fill `found` from all templates of the input; exports of one are known to the others."""
    templates = [template for file in sorted(texts) for template in _parsed(file, texts, found)]
    exports: dict[str, Node] = {}
    for template in templates:
        _names(template)
        _exports(template, exports)
    for template in templates:
        template.names.exports = exports
        _sections(template, found)
        for name, node in template.section("Resources").items():
            _resource(template, name, node, found)


def _parsed(file: str, texts: Mapping[str, str], found: Found) -> Iterator[Template]:
    """The templates of one file: one, or none."""
    text = texts[file]
    # JSON may indent with tabs, which YAML may not.
    text = text.replace("\t", " ") if _json(file, text) else text
    # The short forms of functions are tags.
    nodes, problems = yamltext.read(text, file, tags=intrinsics.TAGS)
    found.diagnostics += problems
    for node in nodes:
        if isinstance(node, MappingNode) and isinstance(node.values.get("Resources"), MappingNode):
            yield Template(file, node, Names())
            continue
        found.diagnostics.append(
            Diagnostic(
                "TEL650",
                Severity.WARNING,
                "this is no CloudFormation template: it has no `Resources`; it is left out",
                position=Position(file, node.line, node.column),
                fix="give it `Resources`, or leave the file out",
            )
        )
        piece = Piece(f"template/{file}", file, intrinsics.written(node))
        found.pieces.append(piece)
        found.drop(piece, (), "it is no template")


def _json(file: str, text: str) -> bool:
    return file.endswith(".json") or text.lstrip()[:1] == "{"


def _names(template: Template) -> None:
    names = template.names
    names.mappings = template.root.values.get("Mappings")
    names.conditions = template.section("Conditions")
    for name, node in template.section("Parameters").items():
        names.parameters[name] = _parameter(name, node)
    for name in template.section("Resources"):
        names.resources[name] = f"{template.file}:{name}"


def _parameter(name: str, node: Node) -> Node:
    """The value of a parameter: its default, unless it is a secret or kept elsewhere."""
    entries = node.values if isinstance(node, MappingNode) else {}
    hidden = entries.get("NoEcho")
    if isinstance(hidden, Scalar) and hidden.text.lower() == "true":
        return Unknown(node.line, node.column, sensitive=True)
    kind, default = entries.get("Type"), entries.get("Default")
    stored = isinstance(kind, Scalar) and kind.text.startswith("AWS::SSM::Parameter")
    if default is None or stored:
        return Unknown(node.line, node.column, raw={"Ref": name})
    if isinstance(kind, Scalar) and (
        kind.text == "CommaDelimitedList" or kind.text.startswith("List<")
    ):
        text = default.text if isinstance(default, Scalar) else ""
        return tree.built([part.strip() for part in text.split(",")], default)
    return default


def _exports(template: Template, exports: dict[str, Node]) -> None:
    """What the template exports under a name that is known."""
    evaluator = Evaluator(template.names)
    for output in template.section("Outputs").values():
        name = tree.at(output, ("Export", "Name"))
        value = output.values.get("Value") if isinstance(output, MappingNode) else None
        if name is None or value is None:
            continue
        known = evaluator.value(name[1])
        if isinstance(known, Scalar) and known.text:
            exports.setdefault(known.text, evaluator.value(value))


def _sections(template: Template, found: Found) -> None:
    """Every section but the resources, as pieces."""
    for name, node in template.root.values.items():
        if name == "Resources":
            continue
        piece = Piece(name, template.file, intrinsics.written(node))
        found.pieces.append(piece)
        found.carried[id(piece)] = _SETTINGS
        if name == "Parameters":
            for parameter, value in template.names.parameters.items():
                if isinstance(value, Unknown) and value.sensitive:
                    found.drop(piece, (parameter, "Default"), "it is a secret (`NoEcho`)")


def _resource(template: Template, name: str, node: Node, found: Found) -> None:
    kind = node.values.get("Type") if isinstance(node, MappingNode) else None
    piece_kind = kind.text if isinstance(kind, Scalar) and kind.text else "?"
    piece = Piece(f"{piece_kind}/{name}", template.file, intrinsics.written(node))
    found.pieces.append(piece)
    found.carried[id(piece)] = _NO_MEANING
    if not isinstance(node, MappingNode) or not isinstance(kind, Scalar):
        found.diagnostics.append(
            Diagnostic(
                "TEL650",
                Severity.WARNING,
                f"the resource {name} has no `Type`; it is carried as it was found",
                position=piece.position,
                fix="give it a `Type`, such as AWS::SQS::Queue",
            )
        )
        return
    evaluator = Evaluator(template.names)
    condition = node.values.get("Condition")
    if isinstance(condition, Scalar) and evaluator.truth(condition.text) is False:
        found.drop(piece, (), FALSE)
        return
    if len(found.resources) >= MAX_RESOURCES:
        return
    body = evaluator.value(MappingNode(node.line, node.column, keys=node.keys, values=node.values))
    assert isinstance(body, MappingNode)
    _globals(template, kind.text, body, evaluator)
    found.resources.append(
        Resource(
            key=f"{template.file}:{name}",
            kind=kind.text,
            label=name,
            name=name,
            folder=template.file.rpartition("/")[0],
            body=body,
            piece=piece,
        )
    )


_GLOBALS = {
    "AWS::Serverless::Function": "Function",
    "AWS::Serverless::SimpleTable": "SimpleTable",
}


def _globals(template: Template, kind: str, body: MappingNode, evaluator: Evaluator) -> None:
    """Properties that a SAM template gives to all resources of a type, and this one does not."""
    given = template.section("Globals").get(_GLOBALS.get(kind, ""))
    properties = body.values.get("Properties")
    if not isinstance(given, MappingNode):
        return
    if not isinstance(properties, MappingNode):
        properties = MappingNode(body.line, body.column)
        tree.put(body, "Properties", properties, body)
    for key, node in given.values.items():
        if key not in properties.values:
            tree.put(properties, key, evaluator.value(node), node)
