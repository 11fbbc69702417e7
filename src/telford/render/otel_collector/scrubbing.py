"""What is taken out of telemetry before it leaves a machine, by class of data: statements of the
transform processor (OTTL). Called by `collectors`.

What comes of no workload that the estate knows is treated as the strictest class. A statement that
fails stops the data (`error_mode: propagate`): it is lost rather than leaked.
https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/transformprocessor
"""

from collections.abc import Iterator, Mapping
from typing import Any

from telford.render.otel_collector import settings
from telford.road import conventions

_CLASS = conventions.ATTRIBUTE_DATA_CLASS
# Signal -> the contexts that carry attributes of their own.
_CONTEXTS = {
    "trace": ("span", "spanevent"),
    "metric": ("datapoint",),
    "log": ("log",),
}


def classified(classes: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Says of each resource which class its data has."""
    strictest = settings.order()[-1]
    statements = [f'set(attributes["{_CLASS}"], "{strictest}")']
    for name, addresses in classes.items():
        if name != strictest:
            pattern = "|".join(_literal(address) for address in addresses)
            mine = f'IsMatch(attributes["{conventions.ATTRIBUTE_ADDRESS}"], "^({pattern})$")'
            statements.append(f'set(attributes["{_CLASS}"], "{name}") where {mine}')
    return _everywhere([{"context": "resource", "statements": statements}])


def scrubbed() -> dict[str, Any]:
    """Takes out what a class may not show: attributes by name, parts of values, the words of logs."""
    made: dict[str, Any] = {"error_mode": "propagate"}
    for signal, contexts in _CONTEXTS.items():
        made[f"{signal}_statements"] = [
            group for context in contexts for group in _groups(signal, context)
        ]
    return made


def _everywhere(groups: list[dict[str, Any]]) -> dict[str, Any]:
    return {"error_mode": "propagate"} | {f"{signal}_statements": groups for signal in _CONTEXTS}


def _groups(signal: str, context: str) -> Iterator[dict[str, Any]]:
    for name in settings.order():
        statements = list(_statements(signal, settings.table()["data"][name]))
        condition = _condition(name)
        told = {"conditions": [condition]} if condition else {}
        yield {"context": context, **told, "statements": statements}


def _condition(name: str) -> str:
    """Of this class or a stricter one; "" where that is everything."""
    if name == settings.order()[0]:
        return ""
    every = (f'resource.attributes["{_CLASS}"] == "{one}"' for one in settings.from_on(name))
    return " or ".join(every)


def _statements(signal: str, row: Mapping[str, Any]) -> Iterator[str]:
    names = "|".join(row["attributes"])
    yield f"delete_matching_keys(attributes, {_quoted(f'^({names})$')})"
    for pattern, instead in row.get("values", {}).items():
        replaced = f"{_quoted(pattern)}, {_quoted(instead)}"
        yield f'replace_all_patterns(attributes, "value", {replaced})'
        if signal == "log":
            yield f"replace_pattern(body, {replaced}) where IsString(body)"
            yield f'replace_all_patterns(body, "value", {replaced}) where IsMap(body)'
    if signal == "log" and "body" in row:
        yield f"set(body, {_quoted(row['body'])})"


def _quoted(text: str) -> str:
    """A text of OTTL; a backslash of a regular expression is written twice in it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _literal(text: str) -> str:
    """An address in a regular expression, inside of a text."""
    return text.replace(".", "\\\\.")
