"""CDEvents over NATS: one connection an event, published and flushed within a time limit.

Events are rare (a release tells a dozen), so no connection is kept. With a stream, JetStream's own
acknowledgement says that the event is kept, and its id keeps it from being kept twice. The client
is asynchronous; a loop of its own runs for the call. Made by `making`.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError

from telford.backends.telling import posting
from telford.basics.errors import TemporaryError
from telford.deliver import cdevents
from telford.deliver.events import Event

LIMIT_SECONDS = 10.0
CONNECT_SECONDS = 5
# JetStream drops a message whose id it has seen lately.
ID_HEADER = "Nats-Msg-Id"
TYPE_HEADER = "content-type"


@dataclass(frozen=True, slots=True)
class Nats:
    """Publishes at ``SUBJECT.<event name>``; `stream` waits for JetStream's acknowledgement."""

    server: str
    subject: str
    stream: bool
    token: str = field(repr=False)
    source: str

    def tell(self, event: Event) -> None:
        """See `Listener.tell`."""
        try:
            asyncio.run(asyncio.wait_for(self._tell(event), LIMIT_SECONDS))
        except TimeoutError as error:
            raise TemporaryError(f"NATS took more than {LIMIT_SECONDS:g} s") from error
        except (NatsError, OSError) as error:
            why = str(error) or type(error).__name__
            raise TemporaryError(f"NATS did not take it: {why}") from error

    async def _tell(self, event: Event) -> None:
        options: dict[str, Any] = {"token": self.token} if self.token else {}
        client = Client()
        try:
            # Within the `try`: a server that refuses the token leaves the client its socket.
            await client.connect(
                self.server,
                connect_timeout=CONNECT_SECONDS,
                allow_reconnect=False,
                error_cb=_told_by_the_call,
                **options,
            )
            for message in cdevents.messages(event, self.source):
                await self._publish(client, event.name, message)
            await client.flush(timeout=CONNECT_SECONDS)
        finally:
            await client.close()

    async def _publish(self, client: Client, name: str, message: dict[str, Any]) -> None:
        body = posting.plain(cdevents.cloud_event(message))
        headers = {ID_HEADER: message["context"]["id"], TYPE_HEADER: "application/cloudevents+json"}
        subject = f"{self.subject}.{name}"
        if self.stream:
            await client.jetstream().publish(subject, body, headers=headers)
        else:
            await client.publish(subject, body, headers=headers)


async def _told_by_the_call(error: Exception) -> None:
    """The client's own callback prints a traceback; what fails is raised by the call as well."""
