"""Protobuf: what a new version of a file breaks on the wire, in JSON and for generated code."""

from collections.abc import Iterator

from telford.analysis.contracts import protofile
from telford.analysis.contracts.change import Change, Level
from telford.analysis.contracts.protofile import Enum, Field, File, Message, Method

# Types that are read as one another on the wire (https://protobuf.dev/programming-guides/proto3/
# #updating); those of one set in `_JSON` also look alike in JSON.
_WIRE = (
    frozenset({"int32", "uint32", "int64", "uint64", "bool"}),
    frozenset({"sint32", "sint64"}),
    frozenset({"fixed32", "sfixed32"}),
    frozenset({"fixed64", "sfixed64"}),
    frozenset({"string", "bytes"}),
)
_JSON = (
    frozenset({"int32", "uint32"}),
    frozenset({"int64", "uint64"}),
    frozenset({"fixed32", "sfixed32"}),
    frozenset({"fixed64", "sfixed64"}),
)
_VARINT = _WIRE[0] - {"bool"}


def problem(text: object) -> str:
    """Why a text cannot be read as protobuf; "" where it can."""
    if not isinstance(text, str):
        return "it is no text"
    try:
        protofile.read(text)
    except protofile.ProtoError as error:
        return str(error)
    return ""


def operations(text: str) -> frozenset[str]:
    """The methods (``shop.v1.Orders/Create``), and the messages."""
    file = protofile.read(text)
    methods = {f"{service}/{name}" for service, found in file.services.items() for name in found}
    return frozenset(methods | file.messages.keys())


def changes(old: str, new: str) -> list[Change]:
    """What `new` breaks, or may break, for those who were written for `old`."""
    before, after = protofile.read(old), protofile.read(new)
    return list(_File(before, after).changes())


class _File:
    """A file in two versions. Names are compared without the package, which is told once."""

    def __init__(self, old: File, new: File) -> None:
        self._old, self._new = old, new
        self._used = _used_by(old)

    def changes(self) -> Iterator[Change]:
        """Everything that is not as it was."""
        old, new = self._old, self._new
        if old.package != new.package:
            text = f"the package {old.package or '(none)'} is {new.package or '(none)'} now"
            yield Change("", "package-changed", "breaking", text, line=1)
        if old.syntax != new.syntax:
            text = f"{old.syntax} is {new.syntax} now"
            yield Change("", "syntax-changed", "risky", text, line=1)
        for name, message in old.messages.items():
            now = new.messages.get(self._renamed(name))
            if now is None:
                yield self._change(
                    name, "message-type-removed", f"{name} is gone", message.line, newer=False
                )
            else:
                yield from self._message(message, now)
        for name, enum in old.enums.items():
            other = new.enums.get(self._renamed(name))
            if other is None:
                yield self._change(name, "enum-removed", f"{name} is gone", enum.line, newer=False)
            else:
                yield from self._enum(enum, other)
        yield from self._services()

    def _renamed(self, name: str) -> str:
        """A full name of the old package in the new one."""
        if self._old.package == self._new.package:
            return name
        rest = name.removeprefix(f"{self._old.package}.") if self._old.package else name
        return f"{self._new.package}.{rest}" if self._new.package else rest

    def _change(
        self,
        about: str,
        code: str,
        text: str,
        line: int,
        *,
        newer: bool = True,
        level: Level = "breaking",
    ) -> Change:
        operation = self._used.get(about, about)
        return Change(operation, code, level, text, newer=newer, line=line)

    def _message(self, old: Message, new: Message) -> Iterator[Change]:
        by_number = {item.number: item for item in new.fields}
        by_name = {item.name: item for item in new.fields}
        for item in old.fields:
            now = by_number.get(item.number)
            if now is not None and (now.name == item.name or item.name not in by_name):
                yield from self._field(old, new, item, now)
            elif item.name in by_name:
                moved = by_name[item.name]
                text = (
                    f"{old.name}.{item.name} has the number {moved.number}, no more {item.number}"
                )
                yield self._change(old.name, "field-renumbered", text, moved.line)
            elif new.reserved.has(item.number):
                level: Level = "risky" if item.label != "required" else "breaking"
                text = f"{old.name}.{item.name} is gone (its number {item.number} is reserved)"
                yield self._change(
                    old.name, "field-removed", text, item.line, newer=False, level=level
                )
            else:
                text = (
                    f"{old.name}.{item.name} is gone and its number {item.number} is not reserved"
                )
                yield self._change(old.name, "field-removed", text, item.line, newer=False)
        yield from self._added(old, new)
        yield from self._given_up(old, new)

    def _added(self, old: Message, new: Message) -> Iterator[Change]:
        known = {item.number for item in old.fields} | {item.name for item in old.fields}
        for item in new.fields:
            if item.number in known or item.name in known:
                continue
            if old.reserved.has(item.number):
                text = f"{new.name}.{item.name} has the number {item.number}, which was given up"
                yield self._change(old.name, "field-number-reused", text, item.line)
            if item.label == "required":
                text = f"{new.name}.{item.name} is required, and old messages do not have it"
                yield self._change(old.name, "field-cardinality-changed", text, item.line)

    def _given_up(self, old: Message | Enum, new: Message | Enum) -> Iterator[Change]:
        lost = [
            str(low)
            for low, high in old.reserved.ranges
            if not (new.reserved.has(low) and new.reserved.has(high))
        ]
        lost += sorted(old.reserved.names - new.reserved.names)
        if lost:
            text = f"{old.name} no longer reserves {', '.join(lost)}"
            yield self._change(old.name, "reserved-removed", text, new.line, level="risky")

    def _field(self, old: Message, new: Message, was: Field, now: Field) -> Iterator[Change]:
        name = f"{old.name}.{was.name}"
        if now.name != was.name or now.json != was.json:
            shown = now.name if now.name != was.name else now.json
            text = f"{name} is called {shown} now"
            yield self._change(old.name, "field-renamed", text, now.line, level="risky")
        yield from self._type(old, was, now)
        if (was.label == "repeated") != (now.label == "repeated"):
            text = f"{name} is {now.label or 'single'} now, and was {was.label or 'single'}"
            yield self._change(old.name, "field-cardinality-changed", text, now.line)
        elif (was.label == "required") != (now.label == "required"):
            text = f"{name} is {'' if now.label == 'required' else 'no longer '}required"
            yield self._change(old.name, "field-cardinality-changed", text, now.line)
        if was.oneof != now.oneof:
            alone = not was.oneof and sum(item.oneof == now.oneof for item in new.fields) == 1
            text = f"{name} is in the oneof {now.oneof}" if now.oneof else f"{name} is in no oneof"
            level: Level = "risky" if alone else "breaking"
            yield self._change(
                old.name, "field-oneof-changed", f"{text} now", now.line, level=level
            )

    def _type(self, old: Message, was: Field, now: Field) -> Iterator[Change]:
        one, other = (
            self._kind(self._old, old.name, was.type),
            self._kind(self._new, old.name, now.type),
        )
        one = self._renamed(one) if one in self._old.messages or one in self._old.enums else one
        # A type that is gone altogether is told as that.
        if one == other or was.type == now.type or _same_group(one, other, _JSON):
            return
        enums = self._enums
        varint = (one in enums and other in _VARINT) or (other in enums and one in _VARINT)
        wire = _same_group(one, other, _WIRE) or varint
        text = f"{old.name}.{was.name} is {now.type} now, and was {was.type}"
        if wire:
            text += " (alike on the wire, not in JSON)"
        level: Level = "risky" if wire else "breaking"
        yield self._change(old.name, "field-type-changed", text, now.line, level=level)

    @property
    def _enums(self) -> set[str]:
        return {self._renamed(name) for name in self._old.enums} | self._new.enums.keys()

    def _kind(self, file: File, scope: str, written: str) -> str:
        """The full name of a type as it is written within a scope, or the written one."""
        if written.startswith("."):
            return written[1:]
        if file is self._new:
            scope = self._renamed(scope)
        parts = scope.split(".")
        while True:
            full = ".".join([*parts, written])
            if full in file.messages or full in file.enums:
                return full
            if not parts:
                return written
            parts.pop()

    def _enum(self, old: Enum, new: Enum) -> Iterator[Change]:
        numbers = {number: name for name, number in reversed(new.values.items())}
        for name, number in old.values.items():
            line = old.lines[name]
            if new.values.get(name) == number:
                continue
            if name in new.values:
                text = f"{old.name}.{name} is {new.values[name]} now, and was {number}"
                yield self._change(old.name, "enum-value-removed", text, new.lines[name])
            elif number in numbers:
                text = f"{old.name}.{name} is called {numbers[number]} now"
                yield self._change(
                    old.name, "enum-value-renamed", text, new.lines[numbers[number]], level="risky"
                )
            else:
                kept = new.reserved.has(number)
                left = "" if kept and name in new.reserved.names else " and not wholly reserved"
                level: Level = "risky" if kept else "breaking"
                if left:
                    text = f"{old.name}.{name} ({number}) is gone{left}"
                    yield self._change(
                        old.name, "enum-value-removed", text, line, newer=False, level=level
                    )
        yield from self._given_up(old, new)

    def _services(self) -> Iterator[Change]:
        for service, methods in self._old.services.items():
            now = self._new.services.get(self._renamed(service))
            if now is None:
                line = self._old.lines[service]
                for name in list(methods) or [""]:
                    operation = f"{service}/{name}" if name else service
                    yield Change(
                        operation,
                        "service-removed",
                        "breaking",
                        f"{service} is gone",
                        newer=False,
                        line=line,
                    )
                continue
            for name, method in methods.items():
                yield from self._method(f"{service}/{name}", method, now.get(name))

    def _method(self, operation: str, was: Method, now: Method | None) -> Iterator[Change]:
        if now is None:
            yield Change(
                operation, "method-removed", "breaking", "is gone", newer=False, line=was.line
            )
            return
        for one, other, act in ((was.takes, now.takes, "takes"), (was.gives, now.gives, "gives")):
            old_kind = self._renamed(self._kind(self._old, self._old.package, one))
            if old_kind != self._kind(self._new, self._new.package, other) and one != other:
                text = f"it {act} {other} now, and not {one}"
                yield Change(operation, "method-type-changed", "breaking", text, line=now.line)
        if (was.takes_stream, was.gives_stream) != (now.takes_stream, now.gives_stream):
            text = "one message is a stream now, or the other way round"
            yield Change(operation, "method-streaming-changed", "breaking", text, line=now.line)


def _same_group(one: str, other: str, groups: tuple[frozenset[str], ...]) -> bool:
    return any(one in group and other in group for group in groups)


def _used_by(file: File) -> dict[str, str]:
    """Message -> the one method that takes or gives it; those of several stay themselves."""
    found: dict[str, set[str]] = {}
    for service, methods in file.services.items():
        for method in methods.values():
            for name in (method.takes, method.gives):
                full = f"{file.package}.{name}" if file.package and "." not in name else name
                found.setdefault(full, set()).add(f"{service}/{method.name}")
    return {name: next(iter(users)) for name, users in found.items() if len(users) == 1}
