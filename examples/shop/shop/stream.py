"""stream: the shop's broker. Durable topics to append to, to read with a long poll, and to keep
the place of each consumer in; it stands for a Kafka or a NATS and fits on a laptop.
"""

import asyncio
import json
import pathlib
import re

from shop import journal, settings, web

NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
MAX_TOPICS = 16
MAX_CONSUMERS = 64
MAX_WAIT_SECONDS = 5.0
MAX_RECORDS = 500  # in one append or one read


class Topic:
    """A journal, those who wait for it to grow, and how far each consumer is."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.journal = journal.Journal(folder)
        self.grown = asyncio.Event()
        self._places = folder / "consumers.json"
        self.consumers: dict[str, int] = (
            json.loads(self._places.read_text()) if self._places.exists() else {}
        )

    def append(self, lines: list[bytes]) -> int:
        """Append records and wake whoever waits; the offset of the first."""
        first = self.journal.append(lines)
        self.grown.set()
        self.grown = asyncio.Event()
        return first

    def commit(self, consumer: str, offset: int) -> None:
        """Remember that `consumer` is done with everything before `offset`."""
        self.consumers[consumer] = offset
        temporary = self._places.with_suffix(".new")
        temporary.write_text(json.dumps(self.consumers))
        temporary.replace(self._places)


class Stream:
    """The topics of one broker, over HTTP."""

    def __init__(self, folder: pathlib.Path, app: web.App) -> None:
        self._folder = folder
        self._app = app
        self._topics = {path.name: Topic(path) for path in folder.iterdir() if path.is_dir()}

    async def append(self, call: web.Call) -> web.Reply:
        """POST /topics/{topic} {"records": [...]}: {"first": offset, "next": offset}."""
        records = call.json().get("records")
        if not isinstance(records, list) or not 1 <= len(records) <= MAX_RECORDS:
            raise web.RefusedError(400, f"records is a list of 1 to {MAX_RECORDS}")
        topic = self._topic(call, create=True)
        first = topic.append([json.dumps(record).encode() for record in records])
        return web.reply({"first": first, "next": topic.journal.next}, 201)

    async def read(self, call: web.Call) -> web.Reply:
        """GET /topics/{topic}/records?consumer=NAME | from=OFFSET [&limit=N] [&wait=SECONDS]:
        {"first": offset, "next": offset, "records": [...]}, empty when the wait is over.
        """
        topic = self._topic(call, create=True)
        start = _number(call, "from", topic.consumers.get(call.query.get("consumer", ""), 0))
        wait = min(_number(call, "wait", 0), MAX_WAIT_SECONDS)
        if topic.journal.next <= start and wait > 0:
            await self._growth(topic, wait)
        limit = max(1, min(_number(call, "limit", 100), MAX_RECORDS))
        first, lines = topic.journal.read(start, limit)
        head = f'{{"first": {first}, "next": {first + len(lines)}, "records": ['.encode()
        return web.Reply(200, head + b", ".join(lines) + b"]}")

    async def commit(self, call: web.Call) -> web.Reply:
        """PUT /topics/{topic}/consumers/{consumer} {"next": offset}."""
        topic, name = self._topic(call, create=False), call.parameters["consumer"]
        offset = call.json().get("next")
        if not isinstance(offset, int) or not 0 <= offset <= topic.journal.next:
            raise web.RefusedError(400, f"next is an offset from 0 to {topic.journal.next}")
        if not NAME.fullmatch(name):
            raise web.RefusedError(400, f"{name!r} is no name for a consumer")
        if name not in topic.consumers and len(topic.consumers) >= MAX_CONSUMERS:
            raise web.RefusedError(409, f"there are {MAX_CONSUMERS} consumers already")
        topic.commit(name, offset)
        return web.reply({"next": offset})

    async def about(self, call: web.Call) -> web.Reply:
        """GET /topics/{topic}: the offsets it holds, its consumers and how far each is behind."""
        topic = self._topic(call, create=False)
        end = topic.journal.next
        consumers = {
            name: {"next": offset, "lag": end - offset} for name, offset in topic.consumers.items()
        }
        return web.reply({"oldest": topic.journal.oldest, "next": end, "consumers": consumers})

    async def _growth(self, topic: Topic, wait_seconds: float) -> None:
        """Return when the topic grows, the time is over, or the broker stops."""
        ends = (topic.grown.wait(), self._app.stopping.wait())
        waits = [asyncio.ensure_future(end) for end in ends]
        await asyncio.wait(waits, timeout=wait_seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    def _topic(self, call: web.Call, *, create: bool) -> Topic:
        name = call.parameters["topic"]
        if name not in self._topics:
            if not create:
                raise web.RefusedError(404, f"no topic {name!r}")
            if not NAME.fullmatch(name):
                raise web.RefusedError(400, f"{name!r} is no name for a topic")
            if len(self._topics) >= MAX_TOPICS:
                raise web.RefusedError(409, f"there are {MAX_TOPICS} topics already")
            self._topics[name] = Topic(self._folder / name)
        return self._topics[name]


def _number(call: web.Call, name: str, default: int) -> int:
    value = call.query.get(name)
    if value is None:
        return default
    if not value.isdigit():
        raise web.RefusedError(400, f"{name} is a whole number")
    return int(value)


async def main() -> None:
    """Serve until SIGTERM."""
    given = settings.Settings("stream")
    app = web.App(given.service, given.version, given.log())
    stream = Stream(given.state_folder, app)
    app.route("POST", "/topics/{topic}", stream.append)
    app.route("GET", "/topics/{topic}", stream.about)
    app.route("GET", "/topics/{topic}/records", stream.read)
    app.route("PUT", "/topics/{topic}/consumers/{consumer}", stream.commit)
    await web.run(app, given.host, given.port)


if __name__ == "__main__":
    asyncio.run(main())
