"""Whether a text is an expression of CEL (Common Expression Language).

Only its form is judged here, so that a check tells of a slip without the engine that evaluates
policies, whose import alone takes longer than checking a small estate. The grammar is that of
https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax. Called by
`telford.rules.governance`.
"""

import re

# Brackets and conditions within one another; the language asks for at least 12.
MAX_DEPTH = 60
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<text>[bB]?[rR]?(?:'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")
      |[rR][bB]?(?:'[^'\n]*'|"[^"\n]*"))
    |(?P<number>0[xX][0-9a-fA-F]+[uU]?|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?|\d+[uU]?)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>\|\||&&|<=|>=|==|!=|[-+*/%!<>?:.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)
_RELATIONS = frozenset({"<", "<=", ">", ">=", "==", "!=", "in"})
_CONSTANTS = frozenset({"true", "false", "null"})
_RESERVED = _CONSTANTS | {
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "in", "let", "loop",
    "package", "namespace", "return", "var", "void", "while",
}  # fmt: skip


class _NoExpressionError(Exception):
    """What is wrong, and at which column."""

    def __init__(self, what: str, column: int) -> None:
        super().__init__(what)
        self.what, self.column = what, column


def problem(text: str) -> str:
    """What is wrong with an expression, as part of a sentence; "" where nothing is."""
    try:
        parser = _Parser(text)
        parser.expression()
        parser.expect("")
    except _NoExpressionError as error:
        return f"{error.what} (column {error.column})"
    return ""


class _Parser:
    """Walks the tokens once."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise _NoExpressionError(f"`{text[at]}` means nothing here", at + 1)
            if match.lastgroup != "space":
                self._tokens.append((match.lastgroup or "", match[0], at + 1))
            at = match.end()
        self._tokens.append(("end", "", len(text) + 1))
        self._at = 0
        self._depth = 0

    @property
    def _text(self) -> str:
        kind, text, _ = self._tokens[self._at]
        return text if kind != "text" else "'"

    def expect(self, sign: str) -> None:
        """Read a sign, or the end."""
        if self._text != sign:
            shown = f"`{sign}`" if sign else "the end"
            raise self._wrong(f"{shown} is expected")
        self._at += bool(sign)

    def expression(self) -> None:
        """A condition, or what stands without one."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._wrong("it is nested too deep")
        self._binary()
        if self._took("?"):
            self._binary()
            self.expect(":")
            self.expression()
        self._depth -= 1

    def _binary(self) -> None:
        """Operands with operators between them; which binds first is no question of form."""
        self._unary()
        while self._text in {"||", "&&", "+", "-", "*", "/", "%"} or self._text in _RELATIONS:
            self._at += 1
            self._unary()

    def _unary(self) -> None:
        for sign in ("!", "-"):
            if self._text == sign:
                while self._took(sign):
                    pass
                break
        self._primary()
        while True:
            if self._took("."):
                self._name(reserved=True)
                if self._took("("):
                    self._list(")")
            elif self._took("["):
                self.expression()
                self.expect("]")
            elif self._text == "{" and self._is_message():
                self._at += 1
                self._pairs(named=True)
            else:
                return

    def _is_message(self) -> bool:
        kind, text, _ = self._tokens[self._at - 1]
        return kind == "name" and text not in _RESERVED

    def _primary(self) -> None:
        kind, text, _ = self._tokens[self._at]
        if kind in {"text", "number"} or text in _CONSTANTS:
            self._at += 1
        elif kind == "name" or text == ".":
            self._took(".")
            self._name(reserved=False)
            if self._took("("):
                self._list(")")
        elif self._took("("):
            self.expression()
            self.expect(")")
        elif self._took("["):
            self._list("]")
        elif self._took("{"):
            self._pairs(named=False)
        else:
            raise self._wrong("a value is expected")

    def _list(self, end: str) -> None:
        while self._text != end:
            self.expression()
            if not self._took(","):
                break
            if end == ")" and self._text == end:
                raise self._wrong("a value is expected")
        self.expect(end)

    def _pairs(self, *, named: bool) -> None:
        while self._text != "}":
            if named:
                self._name(reserved=True)
            else:
                self.expression()
            self.expect(":")
            self.expression()
            if not self._took(","):
                break
        self.expect("}")

    def _name(self, *, reserved: bool) -> None:
        kind, text, _ = self._tokens[self._at]
        if kind != "name" or text == "in" or (text in _RESERVED and not reserved):
            raise self._wrong("a name is expected")
        self._at += 1

    def _took(self, sign: str) -> bool:
        kind, text, _ = self._tokens[self._at]
        if kind == "sign" and text == sign:
            self._at += 1
            return True
        return False

    def _wrong(self, what: str) -> _NoExpressionError:
        kind, text, column = self._tokens[self._at]
        found = "the expression ends" if kind == "end" else f"`{text}` stands there"
        return _NoExpressionError(f"{what}, and {found}", column)
