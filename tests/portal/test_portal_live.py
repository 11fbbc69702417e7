"""Server-sent events: a greeting, the topics that changed, nothing else."""

import asyncio
import json

from portal_client import Client
from portal_scene import Scene

from telford.portal import live, topics


def told(text: str) -> tuple[str, object]:
    """The name and the data of one event."""
    block = text.strip().split("\n\n")[-1]
    lines = dict(line.split(": ", 1) for line in block.splitlines())
    return lines["event"], json.loads(lines["data"])


def test_a_stream_greets_and_names_what_changed(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(live, "LOOK_EVERY_SECONDS", 0.01)
    revisions = {"": "1"}
    pulse = live.Pulse({"estate": lambda _: revisions[""], "audit": lambda _: "same"})

    async def listen() -> list[tuple[str, object]]:
        stream = pulse.events(("estate", "audit"))
        heard = [told(await anext(stream))]
        assert pulse.streams == 1
        revisions[""] = "2"
        heard.append(told(await anext(stream)))
        await stream.aclose()
        return heard

    heard = asyncio.run(listen())
    assert heard == [("hello", {"estate": "1", "audit": "same"}), ("change", ["estate"])]
    assert pulse.streams == 0


def test_silence_is_broken_by_a_sign_of_life(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(live, "LOOK_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.02)
    pulse = live.Pulse({"estate": lambda _: "same"})

    async def listen() -> str:
        stream = pulse.events(("estate",))
        await anext(stream)
        name, _ = told(await anext(stream))
        await stream.aclose()
        return name

    assert asyncio.run(listen()) == "beat"


def test_many_streams_share_one_look(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    looks = []
    monkeypatch.setattr(live, "LOOK_EVERY_SECONDS", 60.0)
    pulse = live.Pulse({"estate": lambda _: str(looks.append(1))})

    async def listen() -> None:
        streams = [pulse.events(("estate",)) for _ in range(20)]
        await asyncio.gather(*(anext(stream) for stream in streams))
        for stream in streams:
            await stream.aclose()

    asyncio.run(listen())
    assert len(looks) == 1


def test_what_the_memory_keeps_is_bounded() -> None:
    pulse = live.Pulse({"release": lambda key: key})

    async def ask() -> None:
        for number in range(live.MAX_STREAMS * live.MAX_TOPICS + 50):
            stream = pulse.events((f"release/{number}",))
            await anext(stream)
            await stream.aclose()

    asyncio.run(ask())
    assert len(pulse._seen) <= live.MAX_STREAMS * live.MAX_TOPICS + 1
    assert len(pulse._locks) <= live.MAX_STREAMS * live.MAX_TOPICS + 1


def test_unknown_topics_and_too_many_are_refused(reader: Client) -> None:
    assert reader.get("/events?topic=secrets").status_code == 422
    many = "&".join(f"topic=release/{number}" for number in range(live.MAX_TOPICS + 1))
    assert reader.get(f"/events?{many}").status_code == 422


def test_a_full_house_says_so(reader: Client, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(reader.app.state.pulse, "streams", live.MAX_STREAMS)
    answer = reader.get("/events?topic=estate")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


def test_each_topic_moves_when_what_it_names_moves(scene: Scene) -> None:
    context = scene.context(frozenset())
    looks = topics.looks(context)

    def state() -> dict[str, str]:
        return {
            "estate": looks["estate"](""),
            "releases": looks["releases"](""),
            "release": looks["release"]("storefront-9"),
            "objectives": looks["objectives"](""),
            "audit": looks["audit"](""),
        }

    before = state()
    assert state() == before
    scene.tick()
    after = state()
    assert {name for name in after if after[name] != before[name]} == {"releases", "release"}
    scene.measure(
        "objective/shop.storefront-availability", "service/shop.storefront", "0.995", 1, 1000
    )
    assert state()["objectives"] != after["objectives"]
    scene.acts.command("storefront-9", "pause", "ann", "lunch")
    assert state()["audit"] != after["audit"]
    assert looks["release"]("nothing") == ""
