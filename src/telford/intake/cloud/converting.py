"""Values of providers -> values of fields. Called by `telford.intake.cloud.meaning`; the tables
name these functions.

Each takes what is known and gives the field's value, or None where no field can say it.
"""

from collections.abc import Callable, Mapping
from typing import Any

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
# Units of CPU in one core: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
_CPU_UNITS = 1024


def converted(name: str, value: Any) -> Any:
    """The field's value by the function of a name. Raises KeyError for an unknown name."""
    return FUNCTIONS[name](value)


def _as_is(value: Any) -> Any:
    return value if value not in (None, "", [], {}) else None


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 19:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


def _positive(value: Any) -> int | None:
    number = _whole(value)
    return number if number is not None and number > 0 else None


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or value in (None, ""):
        return None
    return str(value) if isinstance(value, str | int | float) else None


def _flag(value: Any) -> bool | None:
    known = {True: True, False: False, "true": True, "false": False, "ENABLED": True}
    known |= {"DISABLED": False, "Enabled": True, "Disabled": False, "Suspended": False}
    return known.get(value) if isinstance(value, bool | str) else None


def _bytes(unit: str) -> Callable[[Any], str | None]:
    def one(value: Any) -> str | None:
        number = _positive(value)
        return f"{number}{unit}" if number is not None else None

    return one


def _time(seconds: float) -> Callable[[Any], str | None]:
    def one(value: Any) -> str | None:
        number = _positive(value)
        if number is None:
            return None
        if number * seconds < 1 or (number * seconds) % 1:
            return f"{int(number * seconds * 1000)}ms"
        return _span(int(number * seconds))

    return one


def _span(seconds: int) -> str:
    """Seconds in the largest unit, up to days, that divides them."""
    for unit, length in _UNITS:
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _suffixed_time(value: Any) -> str | None:
    """``604800s``, ``7d``: what Google writes."""
    text = value if isinstance(value, str) else ""
    number = text.removesuffix("s")
    if text.endswith("s") and number.isdecimal() and 0 < len(number) < 15:
        return _span(int(number)) if int(number) else None
    return None


def _cpu_units(value: Any) -> str | None:
    number = _positive(value)
    if number is None:
        return None
    cores = number / _CPU_UNITS
    return str(int(cores)) if cores.is_integer() else f"{round(cores * 1000)}m"


def _cpu(value: Any) -> str | None:
    """Cores as Kubernetes writes them: ``1``, ``500m``."""
    text = _text(value) or ""
    number = text.removesuffix("m").replace(".", "", 1)
    return text if number.isdecimal() and len(text) < 12 else None


def _texts(value: Any) -> list[str] | None:
    if isinstance(value, str) and value:
        return [value]
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return list(value)
    return None


def _image_tag(value: Any) -> str | None:
    """The version that an image or a runtime name ends in: ``POSTGRES_15`` -> ``15``."""
    parts = (_text(value) or "").split("_")
    digits = [part for part in parts if part.isdecimal()]
    return ".".join(digits) or None


FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "as-is": _as_is,
    "cpu": _cpu,
    "cpu-units": _cpu_units,
    "days": _time(86_400),
    "flag": _flag,
    "gibibytes": _bytes("Gi"),
    "mebibytes": _bytes("Mi"),
    "milliseconds": _time(0.001),
    "positive": _positive,
    "seconds": _time(1),
    "span": _suffixed_time,
    "text": _text,
    "texts": _texts,
    "underscored": _image_tag,
    "whole": _whole,
}
