"""Events as CDEvents, so that other tools understand them: the specification 0.4.1.

What the specification knows is told in its words: a service was upgraded, or rolled back. A
release's own steps have no words there; they are custom events (``dev.cdeventsx.telford-release.*``)
as its annex describes them. Those two are told both ways. Source: https://cdevents.dev/docs (spec,
continuous deployment; custom events). Called by the senders of `telford.backends.telling`.
"""

import datetime as dt
import string
from typing import Any

from telford.deliver.events import Event

SPECIFICATION = "0.4.1"
CUSTOM_VERSION = "0.1.0"
_STANDARD = {
    "release.promoted": "dev.cdevents.service.upgraded.0.2.0",
    "release.rolled-back": "dev.cdevents.service.rolledback.0.2.0",
}
_PREDICATES = {
    "release.rolling-back": "rollingback",
    "release.rolled-back": "rolledback",
}

# What a URI has as it is (RFC 3986, 2.3); every other byte is written as %XX.
_UNRESERVED = frozenset((string.ascii_letters + string.digits + "-._~").encode())

Json = dict[str, Any]


def installation(name: str) -> str:
    """The URI reference that names an installation, as `source`: ``/telford/shop``."""
    return f"/telford/{_encoded(name)}"


def messages(event: Event, source: str) -> tuple[Json, ...]:
    """The CDEvents of one event: our own, and the specification's where it has one.

    `source` names this installation; see `installation`.
    """
    own = _custom(event, source)
    return (_service(event, source), own) if event.name in _STANDARD else (own,)


def _custom(event: Event, source: str) -> Json:
    predicate = _PREDICATES.get(event.name, event.name.partition(".")[2])
    kind = f"dev.cdeventsx.telford-release.{predicate}.{CUSTOM_VERSION}"
    content = {
        "service": event.service,
        "environment": {"id": event.place},
        "fromVersion": event.from_version,
        "toVersion": event.to_version,
        "strategy": event.strategy,
        "weight": event.weight_bp / 10_000,
        "who": event.who,
        "reason": event.reason,
        "evidence": event.evidence,
        "detail": dict(event.detail),
    }
    return _message(event, source, kind, event.id, "telford-release", event.release, content)


def _service(event: Event, source: str) -> Json:
    """Rolled back: what runs again; upgraded: what runs now."""
    back = event.name == "release.rolled-back"
    version = event.from_version if back else event.to_version
    name = event.service.rpartition("/")[2]
    content = {
        "environment": {"id": event.place, "source": source},
        "artifactId": f"pkg:generic/{_encoded(name)}@{_encoded(version)}",
    }
    kind = _STANDARD[event.name]
    return _message(event, source, kind, f"{event.id}.service", "service", event.service, content)


def _message(
    event: Event, source: str, kind: str, key: str, subject: str, subject_id: str, content: Json
) -> Json:
    return {
        "context": {
            "version": SPECIFICATION,
            "id": key,
            "source": source,
            "type": kind,
            "timestamp": moment(event.at),
        },
        "subject": {"id": subject_id, "source": source, "type": subject, "content": content},
        "customData": {"release": event.release},
        "customDataContentType": "application/json",
    }


def cloud_event(message: Json) -> Json:
    """The message in a CloudEvents 1.0 envelope (structured JSON mode)."""
    context = message["context"]
    return {
        "specversion": "1.0",
        "id": context["id"],
        "source": context["source"],
        "type": context["type"],
        "subject": message["subject"]["id"],
        "time": context["timestamp"],
        "datacontenttype": "application/json",
        "data": message,
    }


def _encoded(text: str) -> str:
    """Percent-encoded, as in a URI and in a package URL (https://github.com/package-url)."""
    return "".join(chr(one) if one in _UNRESERVED else f"%{one:02X}" for one in text.encode())


def moment(at: float) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    text = dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
