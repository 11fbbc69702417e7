"""Operators and numbers of expressions. Called by `telford.intake.terraform.expressions`."""

import math

from telford.intake.terraform import functions
from telford.intake.terraform.functions import NotKnownError


def number(text: str) -> int | float:
    """A number as it is written. Raises `NotKnownError` where it is beyond all measure."""
    value = float(text) if len(text) < 300 else math.inf
    if not math.isfinite(value):
        raise NotKnownError("too large")
    return int(text) if text.isdecimal() else (int(value) if value.is_integer() else value)


def computed(operator: str, values: list[str | float | bool | None]) -> str | float | bool | None:
    """What an operator gives for one value or two. Raises `NotKnownError`."""
    if len(values) == 1:
        (value,) = values
        if operator == "!" and isinstance(value, bool):
            return not value
        if operator == "-":
            return -functions.number(value)
        raise NotKnownError(operator)
    left, right = values
    if operator in ("==", "!="):
        same = left == right and isinstance(left, bool) == isinstance(right, bool)
        return same if operator == "==" else not same
    if operator in ("&&", "||"):
        if not isinstance(left, bool) or not isinstance(right, bool):
            raise NotKnownError(operator)
        return (left and right) if operator == "&&" else (left or right)
    return _arithmetic(operator, functions.number(left), functions.number(right))


def _arithmetic(operator: str, left: float, right: float) -> float | bool:
    compare: dict[str, bool] = {
        "<": left < right,
        ">": left > right,
        "<=": left <= right,
        ">=": left >= right,
    }
    if operator in compare:
        return compare[operator]
    try:
        value = {
            "+": lambda: left + right,
            "-": lambda: left - right,
            "*": lambda: left * right,
            "/": lambda: left / right,
            "%": lambda: math.fmod(left, right),
        }[operator]()
    except (KeyError, ArithmeticError, ValueError) as error:
        raise NotKnownError(operator) from error
    return functions.number(value)
