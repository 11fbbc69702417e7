"""Server-sent events: tell open pages which topics changed, so that they fetch what they show.

An event carries names of topics and never data: what a page shows always comes from the page's own
URL, so there is one way to make a number. A topic is a word (``estate``, ``releases``,
``objectives``, ``audit``) or a word with an id (``release/ID``). Each look at the store is shared by
all streams and made at most every `LOOK_EVERY_SECONDS`, and only while somebody watches.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

LOOK_EVERY_SECONDS = 0.5
"""A change is on every screen within a second; a look costs well under a millisecond."""
BEAT_SECONDS = 10.0
"""A sign of life; a page that has heard nothing for twice as long says the connection is lost."""
MAX_STREAMS = 64
"""More open pages than one person has; each costs one task."""
MAX_TOPICS = 20
RETRY_MILLISECONDS = 1000

# topic -> its revision: any text that changes when what the topic names has changed.
Look = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Seen:
    at: float
    revision: str


class Pulse:
    """The streams of one portal."""

    def __init__(self, looks: Mapping[str, Look]) -> None:
        self._looks = looks
        self._seen: dict[str, _Seen] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self.streams = 0

    @property
    def full(self) -> bool:
        """No room for another stream."""
        return self.streams >= MAX_STREAMS

    def known(self, topic: str) -> bool:
        """Whether there is such a topic."""
        return topic.partition("/")[0] in self._looks

    async def events(self, topics: tuple[str, ...]) -> AsyncIterator[str]:
        """The text of one stream, for ever: a greeting, changes, and signs of life."""
        self.streams += 1
        try:
            known = await self._revisions(topics)
            yield f"retry: {RETRY_MILLISECONDS}\n\n{_event('hello', known)}"
            spoken = time.monotonic()
            while True:
                await asyncio.sleep(LOOK_EVERY_SECONDS)
                now = await self._revisions(topics)
                changed = [topic for topic in topics if now[topic] != known[topic]]
                known = now
                if changed:
                    yield _event("change", changed)
                elif time.monotonic() - spoken > BEAT_SECONDS:
                    yield _event("beat", [])
                else:
                    continue
                spoken = time.monotonic()
        finally:
            self.streams -= 1

    async def _revisions(self, topics: tuple[str, ...]) -> dict[str, str]:
        return {topic: await self._revision(topic) for topic in topics}

    async def _revision(self, topic: str) -> str:
        """The topic's revision, looked at anew where the last look is old."""
        lock = self._locks.setdefault(topic, asyncio.Lock())
        async with lock:
            seen = self._seen.get(topic)
            if seen is None or time.monotonic() - seen.at >= LOOK_EVERY_SECONDS * 0.9:
                word, _, rest = topic.partition("/")
                revision = await run_in_threadpool(self._looks[word], rest)
                self._forget()
                seen = self._seen[topic] = _Seen(time.monotonic(), revision)
            return seen.revision

    def _forget(self) -> None:
        """Drop what nobody asked for lately, so that the memory stays as small as the watchers."""
        if len(self._seen) <= MAX_STREAMS * MAX_TOPICS:
            return
        oldest = sorted(self._seen, key=lambda topic: self._seen[topic].at)
        for topic in oldest[: len(oldest) // 2]:
            del self._seen[topic]
            self._locks.pop(topic, None)


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
