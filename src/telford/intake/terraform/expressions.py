"""Expressions -> values, as far as no plan is needed. Called by
`telford.intake.terraform.configuration`.

What cannot be evaluated stays as it was written, with the resources that it names. Nothing here
raises for what a text says; nesting beyond `MAX_DEPTH` gives an unknown value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import tree_sitter

from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Scalar, Sequence
from telford.intake.cloud import tree
from telford.intake.cloud.tree import Unknown
from telford.intake.terraform import functions, operators, syntax, templates
from telford.intake.terraform.functions import NotKnownError
from telford.intake.terraform.scopes import MAX_DEPTH, MAX_STEPS, Limits, Scope

# What a `for` may make; configurations range over dozens.
MAX_ITEMS = 1_000

_POSTFIX = frozenset({"get_attr", "index", "splat"})


@dataclass(slots=True)
class Evaluator:
    """Evaluates the expressions of one module. `bound` holds ``each``, ``count`` and the names of
    ``for``; with `literal` only literals are values, and everything else is as it was written.
    """

    scope: Scope
    bound: Mapping[str, Node] = field(default_factory=dict)
    literal: bool = False
    # Shared by the evaluators of one configuration, which call one another through its scopes.
    limits: Limits = field(default_factory=Limits)

    def value(self, expression: syntax.Expression) -> Node:
        """The value of an attribute."""
        if expression.literal is not None:
            return self._json(expression.literal)
        assert expression.syntax is not None
        if not self.limits.depth:
            self.limits.steps = 0
        return self.of(expression.syntax)

    def _json(self, node: Node) -> Node:
        """A value that JSON gave, whose texts are templates."""
        if isinstance(node, MappingNode):
            made = MappingNode(node.line, node.column, keys=dict(node.keys))
            made.values = {key: self._json(item) for key, item in node.values.items()}
            return made
        if isinstance(node, Sequence):
            return Sequence(node.line, node.column, [self._json(item) for item in node.items])
        if isinstance(node, Scalar) and isinstance(node.value, str) and _templated(node.value):
            return self._template_text(node, node.value)
        return node

    def _template_text(self, node: Node, text: str) -> Node:
        found = syntax.template(text)
        if found is None or self.literal:
            return Unknown(node.line, node.column, raw=text)
        value = self.of(found)
        if isinstance(value, Unknown):
            return Unknown(
                node.line,
                node.column,
                raw=text,
                references=value.references,
                sensitive=value.sensitive,
            )
        if isinstance(value, Scalar) and isinstance(value.value, str):
            return tree.scalar(value.value.removesuffix("\n"), node)
        return value

    def of(self, node: tree_sitter.Node) -> Node:
        """The value of one `expression`, at its place."""
        self.limits.step()
        self.limits.depth += 1
        line, column = syntax.place(node)
        try:
            if self.limits.over():
                return _unknown(node, line, column, ())
            value = self._operand([item for item in node.named_children if not _comment(item)])
        except NotKnownError:
            value = _unknown(node, line, column, self._named(node))
        finally:
            self.limits.depth -= 1
        if isinstance(value, Unknown):
            return Unknown(
                line,
                column,
                raw=templates.written(node),
                references=value.references,
                sensitive=value.sensitive,
            )
        return (
            tree.scalar(value.value, Scalar(line, column, None, ""))
            if isinstance(value, Scalar)
            else value
        )

    def _operand(self, parts: list[tree_sitter.Node]) -> Node:
        """The value of a primary with what is behind it: ``var.a``, ``f(x)[0]``."""
        if not parts:
            raise NotKnownError("nothing")
        first, rest = parts[0], parts[1:]
        if self.literal:
            return self._literal(first, rest)
        if first.type == "variable_expr":
            return self._traversal(syntax.text_of(first), rest, first)
        value = self._primary(first)
        return self._walk(value, list(self._steps_of(rest)))

    def _literal(self, first: tree_sitter.Node, rest: list[tree_sitter.Node]) -> Node:
        """Only what stands there as it is; `jsonencode` is seen through."""
        if rest or first.type not in _LITERALS:
            if not rest and first.type == "function_call" and _called(first) == "jsonencode":
                return self._function(first)
            raise NotKnownError("no literal")
        return self._primary(first)

    def _primary(self, node: tree_sitter.Node) -> Node:
        self.limits.step()
        readers = {
            "literal_value": self._literal_value,
            "template_expr": self._template,
            "collection_value": self._collection,
            "function_call": self._function,
            "conditional": self._conditional,
            "operation": self._operation,
            "for_expr": self._for,
            "expression": self.of,
        }
        if node.type not in readers:
            raise NotKnownError(node.type)
        return readers[node.type](node)

    # What stands at the beginning of an expression.

    def _literal_value(self, node: tree_sitter.Node) -> Node:
        inner = node.named_children[0] if node.named_children else node
        text = syntax.text_of(inner)
        line, column = syntax.place(inner)
        near = Scalar(line, column, None, text)
        if inner.type == "numeric_lit":
            return tree.scalar(operators.number(text), near)
        if inner.type == "bool_lit":
            return tree.scalar(text == "true", near)
        if inner.type == "string_lit":
            return tree.scalar(templates.unescaped(text[1:-1]), near)
        return tree.scalar(None, near)

    def _template(self, node: tree_sitter.Node) -> Node:
        holder = node.named_children[0]
        heredoc = holder.type == "heredoc_template"
        if self.literal and any(item.type in _DYNAMIC for item in holder.named_children):
            raise NotKnownError("a template")
        parts: list[Node] = []
        texts: list[str] = []
        # "${var.a}" alone is the value itself, not a text of it.
        segments = list(templates.segments(holder, heredoc))
        if len(segments) == 1 and not heredoc and not isinstance(segments[0], str):
            return self.inner(segments[0])
        for segment in segments:
            if isinstance(segment, str):
                texts.append(segment if heredoc else templates.unescaped(segment))
                continue
            value = self.inner(segment)
            parts.append(value)
            if isinstance(value, Scalar) and value.value is not None:
                texts.append(functions.text(value.value))
            elif not isinstance(value, Unknown):
                raise NotKnownError("no text")
        return self._joined(node, parts, texts, heredoc)

    def _joined(
        self, node: tree_sitter.Node, parts: list[Node], texts: list[str], heredoc: bool
    ) -> Node:
        line, column = syntax.place(node)
        unknown = [part for part in parts if isinstance(part, Unknown)]
        if unknown:
            references = tuple(dict.fromkeys(r for part in unknown for r in part.references))
            secret = any(part.sensitive for part in unknown)
            return Unknown(line, column, references=references, sensitive=secret)
        text = "".join(texts)
        return tree.scalar(
            templates.undented(text, node) if heredoc else text, Scalar(line, column, "", "")
        )

    def inner(self, node: tree_sitter.Node) -> Node:
        """The value of the expression that a piece of syntax holds."""
        for item in node.named_children:
            if item.type == "expression":
                return self.of(item)
        raise NotKnownError("empty")

    def _collection(self, node: tree_sitter.Node) -> Node:
        holder = node.named_children[0]
        line, column = syntax.place(holder)
        if holder.type == "tuple":
            items = [item for item in holder.named_children if item.type == "expression"]
            return Sequence(line, column, [self.of(item) for item in items])
        made = MappingNode(line, column)
        for item in holder.named_children:
            if item.type == "object_elem":
                pair = [part for part in item.named_children if part.type == "expression"]
                if len(pair) == 2:
                    key = self._key(pair[0])
                    near = Scalar(*syntax.place(pair[0]), None, "")
                    tree.put(made, key, self.of(pair[1]), near)
        return made

    def _key(self, node: tree_sitter.Node) -> str:
        """The key of an object's entry: a bare word is itself."""
        parts = node.named_children
        if len(parts) == 1 and parts[0].type == "variable_expr":
            return syntax.text_of(parts[0])
        value = self.of(node)
        if isinstance(value, Scalar) and value.value is not None:
            return functions.text(value.value)
        return templates.written(node) if isinstance(value, Unknown) else "?"

    def _function(self, node: tree_sitter.Node) -> Node:
        name = _called(node)
        arguments = [
            self.of(item)
            for holder in node.named_children
            if holder.type == "function_arguments"
            for item in holder.named_children
            if item.type == "expression"
        ]
        line, column = syntax.place(node)
        near = Scalar(line, column, None, "")
        if any(item.type == "ellipsis" for h in node.named_children for item in h.children):
            raise NotKnownError("...")
        if name == "jsonencode" and len(arguments) == 1:
            inner = arguments[0]
            return tree.Encoded(line, column, inner, raw=f"${{{syntax.text_of(node)}}}")
        if any(tree.sensitive(item) for item in arguments) and name != "nonsensitive":
            return Unknown(line, column, references=self._named(node), sensitive=True)
        return functions.call(name, arguments, near)

    def _conditional(self, node: tree_sitter.Node) -> Node:
        parts = [item for item in node.named_children if item.type == "expression"]
        if len(parts) != 3:
            raise NotKnownError("?")
        test = self.of(parts[0])
        if not isinstance(test, Scalar) or not isinstance(test.value, bool):
            raise NotKnownError("?")
        return self.of(parts[1] if test.value else parts[2])

    def _operation(self, node: tree_sitter.Node) -> Node:
        inner = node.named_children[0]
        sides: list[list[tree_sitter.Node]] = [[]]
        operator = ""
        for item in inner.children:
            if item.is_named and not _comment(item):
                sides[-1].append(item)
            elif item.type not in ("(", ")"):
                operator = syntax.text_of(item)
                if inner.type == "binary_operation":
                    sides.append([])
        self.limits.depth += 1
        try:
            if self.limits.depth > MAX_DEPTH:
                raise NotKnownError("too deep")
            values = [self._side(side) for side in sides]
        finally:
            self.limits.depth -= 1
        line, column = syntax.place(node)
        return tree.scalar(operators.computed(operator, values), Scalar(line, column, None, ""))

    def _side(self, side: list[tree_sitter.Node]) -> str | float | bool | None:
        if len(side) == 1 and side[0].type == "expression":
            value = self.of(side[0])
        else:
            value = self._operand(side)
        if not isinstance(value, Scalar):
            raise NotKnownError("an operand")
        return value.value

    def _for(self, node: tree_sitter.Node) -> Node:
        inner = node.named_children[0]
        intro = next(item for item in inner.named_children if item.type == "for_intro")
        names = [syntax.text_of(item) for item in intro.named_children if item.type == "identifier"]
        source = self.inner(intro)
        results = [item for item in inner.named_children if item.type == "expression"]
        tests = [item for item in inner.named_children if item.type == "for_cond"]
        grouped = any(item.type == "ellipsis" for item in inner.children)
        if grouped or not results or len(names) not in (1, 2):
            raise NotKnownError("for")
        line, column = syntax.place(node)
        rounds = self._rounds(names, source, tests)
        if inner.type == "for_tuple_expr":
            return Sequence(line, column, [one.of(results[0]) for one in rounds])
        made = MappingNode(line, column)
        for one in rounds:
            key = one.of(results[0])
            if not isinstance(key, Scalar) or len(results) != 2:
                raise NotKnownError("for")
            tree.put(made, functions.text(key.value), one.of(results[1]), key)
        return made

    def _rounds(
        self, names: list[str], source: Node, tests: list[tree_sitter.Node]
    ) -> Iterator["Evaluator"]:
        """An evaluator for each item that passes the test."""
        pairs = list(_pairs(source))
        if len(pairs) > MAX_ITEMS:
            raise NotKnownError("too many")
        for key, item in pairs:
            bound = {names[-1]: item} | ({names[0]: key} if len(names) == 2 else {})
            one = Evaluator(self.scope, {**self.bound, **bound}, limits=self.limits)
            passed = one.inner(tests[0]) if tests else tree.scalar(True, item)
            if not isinstance(passed, Scalar) or not isinstance(passed.value, bool):
                raise NotKnownError("if")
            if passed.value:
                yield one

    # Names.

    def _traversal(self, root: str, rest: list[tree_sitter.Node], node: tree_sitter.Node) -> Node:
        steps = list(self._steps_of(rest))
        if root in self.bound:
            return self._walk(self.bound[root], steps)
        if root in ("var", "local") and steps and isinstance(steps[0], str):
            read = self.scope.variable if root == "var" else self.scope.local
            return self._walk(read(steps[0]), steps[1:])
        if root == "module" and len(steps) > 1:
            position = 1 if isinstance(steps[1], str) else 2
            name = steps[position] if position < len(steps) else None
            if isinstance(steps[0], str) and isinstance(name, str):
                return self._walk(self.scope.output(steps[0], name), steps[position + 1 :])
        references = self._reference(root, steps)
        return Unknown(*syntax.place(node), references=references)

    def _reference(self, root: str, steps: list[str | int | None]) -> tuple[str, ...]:
        kind, names = (f"data.{steps[0]}", steps[1:]) if root == "data" and steps else (root, steps)
        if not names or not isinstance(names[0], str):
            return ()
        key = self.scope.reference(kind, names[0])
        return (key,) if key is not None else ()

    def _walk(self, value: Node | None, steps: list[str | int | None]) -> Node:
        """The value behind some steps. Raises `NotKnownError` where there is none."""
        for step in steps:
            if isinstance(value, Unknown):
                return value
            if isinstance(value, tree.Encoded):
                raise NotKnownError("a text has no parts")
            if isinstance(value, MappingNode) and step is not None:
                value = value.values.get(str(step))
            elif isinstance(value, Sequence) and isinstance(step, int):
                value = value.items[step] if 0 <= step < len(value.items) else None
            else:
                value = None
        if value is None:
            raise NotKnownError("it is not there")
        return value

    def _steps_of(self, parts: list[tree_sitter.Node]) -> Iterator[str | int | None]:
        """The steps behind a name: attributes and indices; None for what cannot be said."""
        for part in parts:
            if part.type == "get_attr":
                yield syntax.text_of(part.named_children[0])
            elif part.type == "index" and part.named_children[0].type == "new_index":
                index = self.inner(part.named_children[0])
                value = index.value if isinstance(index, Scalar) else None
                yield value if isinstance(value, str | int) else None
            else:
                yield None

    def _named(self, node: tree_sitter.Node) -> tuple[str, ...]:
        """The resources that an expression names, wherever it does."""
        found: dict[str, None] = {}
        for root, steps in _names(node):
            if root in ("var", "local") and steps:
                value = (self.scope.variable if root == "var" else self.scope.local)(steps[0])
            elif root == "module" and len(steps) > 1:
                value = self.scope.output(steps[0], steps[1])
            elif root in self.bound:
                value = self.bound[root]
            else:
                value = None
                found |= dict.fromkeys(self._reference(root, list(steps)))
            if value is not None:
                found |= dict.fromkeys(reference for _, reference in tree.references(value))
        return tuple(found)


_LITERALS = frozenset({"literal_value", "template_expr", "collection_value"})
_DYNAMIC = frozenset({"template_interpolation", "template_directive"})


def _comment(node: tree_sitter.Node) -> bool:
    return node.type == "comment"


def _called(node: tree_sitter.Node) -> str:
    return syntax.text_of(node.named_children[0])


def _templated(text: str) -> bool:
    return "${" in text or "%{" in text


def _unknown(
    node: tree_sitter.Node, line: int, column: int, references: tuple[str, ...]
) -> Unknown:
    return Unknown(line, column, raw=templates.written(node), references=references)


def _pairs(source: Node) -> Iterator[tuple[Node, Node]]:
    """Keys and values of what a `for` ranges over."""
    if isinstance(source, MappingNode):
        for key in sorted(source.values):
            yield source.keys[key], source.values[key]
    elif isinstance(source, Sequence):
        for index, item in enumerate(source.items):
            yield tree.scalar(index, item), item
    else:
        raise NotKnownError("for")


def _names(node: tree_sitter.Node) -> Iterator[tuple[str, list[str]]]:
    """Every name with its attributes anywhere in a piece of syntax."""
    waiting = [node]
    for _ in range(MAX_STEPS):
        if not waiting:
            return
        here = waiting.pop()
        parts = here.children
        for index, part in enumerate(parts):
            if part.type == "variable_expr":
                steps = []
                for behind in parts[index + 1 :]:
                    if behind.type != "get_attr":
                        if behind.type == "index":
                            continue
                        break
                    steps.append(syntax.text_of(behind.named_children[0]))
                yield syntax.text_of(part), steps
            else:
                waiting.append(part)
