"""Tools that listen: signed webhooks and CDEvents, over HTTP.

CDEvents travel as CloudEvents in structured mode (https://cloudevents.io, HTTP binding 1.0), so a
receiver needs no header of ours. Made by `making`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from telford.backends.hooks import signing
from telford.backends.telling import posting
from telford.basics import clock as clocks
from telford.deliver import cdevents
from telford.deliver.events import Event

CLOUD_EVENT = "application/cloudevents+json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts our own event; `key` signs it where there is one."""

    url: str = field(repr=False)
    key: str = field(repr=False)
    clock: clocks.Clock

    def tell(self, event: Event) -> None:
        """See `Listener.tell`."""
        body = posting.plain(event.to_json())
        headers = {"content-type": "application/json", "user-agent": "telford"}
        if self.key:
            headers |= signing.headers(self.key, event.id, self.clock.now(), body)
        posting.post(self.url, body, headers)


@dataclass(frozen=True, slots=True)
class CDEvents:
    """Posts the CDEvents of an event, one after another; `source` names this installation."""

    url: str = field(repr=False)
    token: str = field(repr=False)
    source: str

    def tell(self, event: Event) -> None:
        """See `Listener.tell`. All of them again where the second was not taken: ids are the same."""
        headers: Mapping[str, str] = {"content-type": CLOUD_EVENT, "user-agent": "telford"}
        if self.token:
            headers = {**headers, "authorization": f"Bearer {self.token}"}
        for message in cdevents.messages(event, self.source):
            posting.post(self.url, posting.plain(cdevents.cloud_event(message)), headers)
