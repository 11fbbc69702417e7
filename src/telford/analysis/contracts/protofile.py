"""A reader of protobuf files (proto2, proto3 and editions): what a contract needs, and no more.

Options, comments and imports are read over; types keep the names that the file gives them. The
grammar is that of https://protobuf.dev/reference/protobuf/proto3-spec/ and its proto2 sister.
A small reader of our own: the Python package that reads this grammar needs a parser generator's
runtime and takes a hundred times as long.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# protoc refuses deeper nesting as well (its limit for messages is 100).
_MAX_DEPTH = 64
# Tokens of a file: the largest public ones (googleapis) have about 50,000.
_MAX_TOKENS = 1_000_000
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<name>\.?[A-Za-z_][\w.]*)
    |(?P<number>-?(?:0[xX][0-9a-fA-F]+|\d[\w.+-]*|\.\d[\w.+-]*))
    |(?P<sign>[{}()\[\]<>;=,:+\-/])""",
    re.VERBOSE | re.DOTALL,
)
_LABELS = frozenset({"optional", "required", "repeated"})
# The largest field number; `max` in a range means it.
_MAX_NUMBER = 536_870_911


class ProtoError(ValueError):
    """A text that is no protobuf file; says the line."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number, text or sign, and its line."""

    kind: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message. `label` is optional, required, repeated, or "" where nothing is said;
    `type` is as written, ``map<K, V>`` for a map; `oneof` the name of the one it is in, or "".
    """

    name: str
    number: int
    type: str
    label: str
    oneof: str
    json: str
    line: int


@dataclass(slots=True)
class Reserved:
    """Numbers (as ranges, both ends included) and names that were given up."""

    ranges: list[tuple[int, int]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def has(self, number: int) -> bool:
        """Whether a number was given up."""
        return any(low <= number <= high for low, high in self.ranges)


@dataclass(slots=True)
class Message:
    """A message type, by its full name."""

    name: str
    line: int
    fields: list[Field] = field(default_factory=list)
    reserved: Reserved = field(default_factory=Reserved)


@dataclass(slots=True)
class Enum:
    """An enum, by its full name: names to numbers, and where each stands."""

    name: str
    line: int
    values: dict[str, int] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    reserved: Reserved = field(default_factory=Reserved)


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a service: what it takes and gives, and which of the two are streams."""

    name: str
    takes: str
    gives: str
    takes_stream: bool
    gives_stream: bool
    line: int


@dataclass(slots=True)
class File:
    """What a file declares. Names are full, without a leading dot."""

    syntax: str = "proto2"
    package: str = ""
    messages: dict[str, Message] = field(default_factory=dict)
    enums: dict[str, Enum] = field(default_factory=dict)
    services: dict[str, dict[str, Method]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


def read(text: str) -> File:
    """What a file declares. Raises `ProtoError`."""
    return _Reader(list(_tokens(text))).file()


def _tokens(text: str) -> Iterator[Token]:
    position, line, count = 0, 1, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ProtoError(f"line {line}: {text[position]!r} means nothing here")
        kind = match.lastgroup or ""
        if kind != "space":
            count += 1
            if count > _MAX_TOKENS:
                raise ProtoError(f"line {line}: the file is too long to be read")
            yield Token(kind, match[0], line)
        line += match[0].count("\n")
        position = match.end()


class _Reader:
    """Walks the tokens once."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._file = File()

    def file(self) -> File:
        """The whole file."""
        while self._at < len(self._tokens):
            token = self._next()
            match token.text:
                case "syntax" | "edition":
                    self._sign("=")
                    said = self._next().text.strip("\"'")
                    self._file.syntax = said if token.text == "syntax" else f"edition {said}"
                    self._sign(";")
                case "package":
                    self._file.package = self._name()
                    self._sign(";")
                case ";":
                    pass
                case _:
                    self._declaration(token, self._file.package, 0)
        return self._file

    def _declaration(self, token: Token, scope: str, depth: int) -> None:
        match token.text:
            case "message":
                self._message(scope, depth)
            case "enum":
                self._enum(scope)
            case "service":
                self._service(scope)
            case "extend":
                self._name()
                self._body(Message("", token.line), scope, depth + 1)
            case "import" | "option":
                self._over(";")
            case _:
                raise ProtoError(f"line {token.line}: `{token.text}` is not expected here")

    def _message(self, scope: str, depth: int) -> None:
        start = self._peek()
        name = _full(scope, self._name())
        message = self._file.messages[name] = Message(name, start.line)
        self._body(message, name, depth + 1)

    def _body(self, message: Message, scope: str, depth: int) -> None:
        """What stands between the braces of a message."""
        if depth > _MAX_DEPTH:
            raise ProtoError(f"line {self._peek().line}: nested too deep to be read")
        self._sign("{")
        while (token := self._next()).text != "}":
            follows = self._peek().kind
            match token.text:
                case ";":
                    continue
                case "oneof" if follows == "name":
                    self._oneof(message, scope, depth)
                case "reserved" if follows in {"number", "text", "name"} and not self._is_field():
                    self._reserved(message.reserved)
                case "extensions" if follows == "number":
                    self._over(";")
                case "message" | "enum" | "extend" if follows == "name" and self._then(1) == "{":
                    self._declaration(token, scope, depth)
                case "option":
                    self._over(";")
                case _:
                    self._field(token, message, "", scope, depth)

    def _is_field(self) -> bool:
        """Whether a word that may begin a statement is the type of a field instead."""
        return self._peek().kind == "name" and self._then(1) == "="

    def _oneof(self, message: Message, scope: str, depth: int) -> None:
        name = self._name()
        self._sign("{")
        while (token := self._next()).text != "}":
            if token.text == "option":
                self._over(";")
            elif token.text != ";":
                self._field(token, message, name, scope, depth)

    def _field(self, first: Token, message: Message, oneof: str, scope: str, depth: int) -> None:
        label, kind = "", first
        if first.text in _LABELS and self._peek().kind == "name":
            label, kind = first.text, self._next()
        if kind.kind != "name":
            raise ProtoError(f"line {kind.line}: `{kind.text}` is not expected in a message")
        type_ = self._map() if kind.text == "map" and self._peek().text == "<" else kind.text
        name = self._name()
        self._sign("=")
        number = self._number()
        json = self._options().get("json_name", _camel(name))
        message.fields.append(Field(name, number, type_, label, oneof, json, kind.line))
        if kind.text == "group":
            inner = _full(scope, name)
            group = self._file.messages[inner] = Message(inner, kind.line)
            self._body(group, inner, depth + 1)
        else:
            self._sign(";")

    def _map(self) -> str:
        self._sign("<")
        key = self._name()
        self._sign(",")
        value = self._name()
        self._sign(">")
        return f"map<{key}, {value}>"

    def _options(self) -> dict[str, str]:
        """The options in brackets behind a field or a value, those that are plain texts."""
        found: dict[str, str] = {}
        if self._peek().text != "[":
            return found
        depth = 0
        while True:
            token = self._next()
            depth += token.text in {"[", "{"}
            depth -= token.text in {"]", "}"}
            if depth == 0:
                return found
            if token.text == "json_name" and self._peek().text == "=":
                self._next()
                found["json_name"] = self._next().text.strip("\"'")

    def _reserved(self, reserved: Reserved) -> None:
        while True:
            token = self._next()
            if token.kind == "text":
                reserved.names.add(token.text.strip("\"'"))
            elif token.kind == "name":
                reserved.names.add(token.text)
            else:
                low = high = _integer(token)
                if self._peek().text == "to":
                    self._next()
                    end = self._next()
                    high = _MAX_NUMBER if end.text == "max" else _integer(end)
                reserved.ranges.append((low, high))
            sign = self._next()
            if sign.text == ";":
                return
            if sign.text != ",":
                raise ProtoError(f"line {sign.line}: `,` or `;` is expected, not `{sign.text}`")

    def _enum(self, scope: str) -> None:
        start = self._peek()
        name = _full(scope, self._name())
        enum = self._file.enums[name] = Enum(name, start.line)
        self._sign("{")
        while (token := self._next()).text != "}":
            if token.text == ";":
                continue
            if token.text == "option" and self._peek().text != "=":
                self._over(";")
            elif token.text == "reserved" and self._peek().text != "=":
                self._reserved(enum.reserved)
            else:
                self._sign("=")
                enum.values[token.text] = self._number()
                enum.lines[token.text] = token.line
                self._options()
                self._sign(";")

    def _service(self, scope: str) -> None:
        start = self._peek()
        name = _full(scope, self._name())
        methods = self._file.services[name] = {}
        self._file.lines[name] = start.line
        self._sign("{")
        while (token := self._next()).text != "}":
            if token.text == "rpc":
                method = self._method(token)
                methods[method.name] = method
            elif token.text == "option":
                self._over(";")
            elif token.text != ";":
                raise ProtoError(f"line {token.line}: `{token.text}` is not expected in a service")

    def _method(self, first: Token) -> Method:
        name = self._name()
        takes_stream, takes = self._argument()
        if self._next().text != "returns":
            raise ProtoError(f"line {first.line}: the method {name} does not say what it returns")
        gives_stream, gives = self._argument()
        if self._next().text == "{":
            self._over("}")
        return Method(name, takes, gives, takes_stream, gives_stream, first.line)

    def _argument(self) -> tuple[bool, str]:
        self._sign("(")
        name = self._name()
        stream = name == "stream" and self._peek().kind == "name"
        if stream:
            name = self._name()
        self._sign(")")
        return stream, name

    def _over(self, end: str) -> None:
        """Read on until a sign, over anything in braces or brackets."""
        depth = 0
        while True:
            token = self._next()
            if token.text == end and depth == 0:
                return
            if token.kind == "sign":
                depth += token.text in "{[("
                depth -= token.text in "}])"

    def _next(self) -> Token:
        if self._at >= len(self._tokens):
            line = self._tokens[-1].line if self._tokens else 1
            raise ProtoError(f"line {line}: the file ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek(self) -> Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else Token("end", "", 0)

    def _then(self, ahead: int) -> str:
        at = self._at + ahead
        return self._tokens[at].text if at < len(self._tokens) else ""

    def _name(self) -> str:
        token = self._next()
        if token.kind != "name":
            raise ProtoError(f"line {token.line}: a name is expected, not `{token.text}`")
        return token.text

    def _number(self) -> int:
        token = self._next()
        if token.text == "-":
            return -_integer(self._next())
        return _integer(token)

    def _sign(self, text: str) -> None:
        token = self._next()
        if token.text != text:
            raise ProtoError(f"line {token.line}: `{text}` is expected, not `{token.text}`")


def _integer(token: Token) -> int:
    try:
        if token.text.lower().startswith("0") and token.text.isdigit():
            return int(token.text, 8)
        return int(token.text, 0)
    except ValueError as error:
        raise ProtoError(f"line {token.line}: a number is expected, not `{token.text}`") from error


def _full(scope: str, name: str) -> str:
    return f"{scope}.{name}" if scope else name


def _camel(name: str) -> str:
    """The name in JSON (lowerCamelCase, as protoc makes it)."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
