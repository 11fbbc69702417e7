"""Waves: the places of a delivery's waves exist, and each comes once."""

from collections.abc import Iterator

from telford.estate.codes import Code, document, documents
from telford.estate.kinds.change import Delivery
from telford.rules.rule import Finding, Rule, Subject

_PLACES = (
    "apiVersion: telford/v1\nkind: Region\nname: eu\n",
    "apiVersion: telford/v1\nkind: Region\nname: us\n",
    "apiVersion: telford/v1\nkind: Environment\nname: prod\nregions: [eu, us]\n",
)


def _example(waves: str) -> str:
    fields = f"steps: [{{weight: 10%}}]\nwaves: {{of: {waves}}}"
    return documents(document("Delivery", "canary", fields), *_PLACES)


def _known(subject: Subject) -> Iterator[Finding]:
    known = {str(place) for place in subject.world.places}
    for number, index, place in _named(subject):
        if place not in known:
            yield Finding(
                ("waves", "of", number, "places", index),
                f"there is no place {place}",
                f"name one of: {', '.join(sorted(known)) or 'none; describe an Environment'}",
            )


def _once(subject: Subject) -> Iterator[Finding]:
    seen: set[str] = set()
    for number, index, place in _named(subject):
        if place in seen:
            yield Finding(
                ("waves", "of", number, "places", index),
                f"{place} is in the waves twice",
                "name it in the wave in which it comes",
            )
        seen.add(place)


def _named(subject: Subject) -> Iterator[tuple[int, int, str]]:
    spec = subject.spec
    assert isinstance(spec, Delivery)
    waves = spec.waves.of if spec.waves is not None else ()
    for number, wave in enumerate(waves):
        for index, place in enumerate(wave.places):
            yield number, index, place


RULES = (
    Rule(
        Code(
            "TEL780",
            "a wave of places that are not there",
            "The rollout could not begin: nobody knows what the service is in that place.",
            _example("[{places: [prod/eu]}, {places: [prod/mars-1]}]"),
            _example("[{places: [prod/eu]}, {places: [prod/us]}]"),
            "Every place of `waves` is an environment's, written as ENVIRONMENT/REGION.",
        ),
        (Delivery,),
        _known,
    ),
    Rule(
        Code(
            "TEL781",
            "a place in two waves",
            "It would have its turn once, and nobody could say when.",
            _example("[{places: [prod/eu]}, {places: [prod/us, prod/eu]}]"),
            _example("[{places: [prod/eu]}, {places: [prod/us]}]"),
            "Each place is in one wave.",
        ),
        (Delivery,),
        _once,
    ),
)
