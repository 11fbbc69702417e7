"""AsyncAPI 2.x and 3.x: what a new version breaks for those who read or write the old messages.

`backward`: who reads by the new schema takes messages that were written by the old one (a replay).
`forward`: who reads by the old schema takes new messages (consumers that were not told).
Payloads are JSON Schema, also within a multi-format schema; others (Avro, protobuf) are compared as
texts, and a difference is only told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from telford.analysis.contracts.change import Change
from telford.analysis.contracts.schemas import Comparison, Shared
from telford.analysis.contracts.tree import Place, document

Sense = Literal["backward", "forward"]
_JSON_FORMATS = (
    "application/vnd.aai.asyncapi",
    "application/schema+json",
    "application/schema+yaml",
)


def problem(value: Any) -> str:
    """Why a document cannot be read as AsyncAPI 2 or 3; "" where it can."""
    if not isinstance(value, dict):
        return "it is no mapping"
    version = value.get("asyncapi")
    if isinstance(version, str) and version[:2] in {"2.", "3."}:
        return ""
    return "it has no `asyncapi: 2.x` or `3.x`"


@dataclass(frozen=True, slots=True)
class _Channel:
    """A channel: its address, and its messages by name."""

    place: Place
    address: str
    messages: dict[str, Place]


def messages(value: Any) -> frozenset[str]:
    """The names of all messages."""
    return frozenset(name for c in _channels(document(value)).values() for name in c.messages)


def changes(old: Any, new: Any, senses: tuple[Sense, ...]) -> list[Change]:
    """What `new` breaks, or may break, in the given senses."""
    before, after = _channels(document(old)), _channels(document(new))
    by_address = {channel.address: channel for channel in after.values()}
    found: list[Change] = []
    shared = Shared()
    for name, was in before.items():
        now = after.get(name) or by_address.get(was.address)
        if now is None:
            summary = f"the channel {was.address} is gone"
            found.append(
                Change("", "channel-removed", "breaking", summary, was.place.path, newer=False)
            )
            continue
        if now.address != was.address:
            summary = f"the channel {was.address} is {now.address} now"
            found.append(Change("", "channel-moved", "breaking", summary, now.place.path))
        found += _messages(was, now, senses, shared)
    return found


def _messages(
    was: _Channel, now: _Channel, senses: tuple[Sense, ...], shared: Shared
) -> Iterator[Change]:
    for name, message in was.messages.items():
        other = now.messages.get(name)
        if other is None and len(was.messages) == len(now.messages) == 1:
            other = next(iter(now.messages.values()))
        if other is None:
            summary = f"the message is gone from {was.address}"
            yield Change(name, "message-removed", "breaking", summary, message.path, newer=False)
            continue
        for key in ("payload", "headers"):
            yield from _schemas(name, message[key], other[key], senses, shared)


def _schemas(
    name: str, was: Place, now: Place, senses: tuple[Sense, ...], shared: Shared
) -> Iterator[Change]:
    was, now = _json(was), _json(now)
    if was.value is None or now.value is None:
        return
    if not (_is_json(was) and _is_json(now)):
        if was.value != now.value:
            summary = "the schema is different, in a language that is not understood here"
            yield Change(name, "not-compared", "risky", summary, now.path)
        return
    for sense in senses:
        comparison = Comparison("message", name, newer=sense == "backward", shared=shared)
        if sense == "backward":
            comparison.narrowed(was, now)
        else:
            comparison.narrowed(now, was)
        yield from comparison.changes


def _json(place: Place) -> Place:
    """The schema within a multi-format schema (AsyncAPI 3)."""
    text = place.text("schemaFormat")
    return place["schema"] if text is not None and text.startswith(_JSON_FORMATS) else place


def _is_json(place: Place) -> bool:
    return isinstance(place.value, bool) or (
        isinstance(place.value, dict) and "schemaFormat" not in place.value
    )


def _channels(whole: Place) -> dict[str, _Channel]:
    version = whole.text("asyncapi") or ""
    read = _channel_2 if version.startswith("2.") else _channel_3
    return {name: read(name, place) for name, place in whole["channels"].items()}


def _channel_3(name: str, place: Place) -> _Channel:
    return _Channel(place, place.text("address") or name, dict(place["messages"].items()))


def _channel_2(name: str, place: Place) -> _Channel:
    found: dict[str, Place] = {}
    for act in ("publish", "subscribe"):
        message = place[act]["message"]
        several = message["oneOf"]
        for one in several.each() if isinstance(several.value, list) else (message,):
            if isinstance(one.value, dict):
                found[
                    one.text("name")
                    or one.text("messageId")
                    or str(one.path[-1] if one.path else name)
                ] = one
    return _Channel(place, name, found)
