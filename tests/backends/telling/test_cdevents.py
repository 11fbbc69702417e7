"""CDEvents: every event that is sent keeps to the specification, in an envelope of CloudEvents."""

import copy
import dataclasses
import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import cdevents_schema
import pytest
from told_events import EVENT

import optional
from telford.deliver import cdevents
from telford.deliver.events import NAMES, Event

SOURCE = cdevents.installation("shop")
DETAIL = {"gate": "two-eyes", "kind": "approval", "why": "nobody yet", "opens": "one says yes"}
FULL = dataclasses.replace(EVENT, detail=DETAIL, weight_bp=2_500)
# Nobody gave a reason, nothing is known of the evidence, and it rests on no detail.
BARE = dataclasses.replace(EVENT, evidence="", reason="", who="", strategy="")
AWKWARD = dataclasses.replace(
    EVENT,
    at=0.0,
    service="service/réseau.a b",
    from_version="1.0.0+build:7@x y",
    to_version="sha256:0b31",
    reason="line\nbreak %% \N{SNOWMAN} <x>",
)
VARIANTS = {"full": FULL, "bare": BARE, "awkward": AWKWARD}
# One event of each published schema: promoted tells two.
KINDS = ("upgraded", "rolledback", "custom")
WRONG: tuple[Any, ...] = ("", " ", 7, None, True, [], {}, "%%", "a b", "http://[", "yesterday")


def sent(kind: str, event: Event = FULL) -> dict[str, Any]:
    name = "release.rolled-back" if kind == "rolledback" else "release.promoted"
    standard, own = cdevents.messages(dataclasses.replace(event, name=name), SOURCE)
    return own if kind == "custom" else standard


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", NAMES)
def test_every_event_is_a_valid_cdevent(name: str, variant: str):
    for message in cdevents.messages(dataclasses.replace(VARIANTS[variant], name=name), SOURCE):
        assert cdevents_schema.errors(message) == []
        assert message["context"]["version"] == "0.4.1"


def test_what_the_specification_has_words_for_is_told_in_them_and_in_ours():
    told = {
        name: [one["context"]["type"] for one in messages]
        for name in NAMES
        if len(messages := cdevents.messages(dataclasses.replace(EVENT, name=name), SOURCE)) > 1
    }
    assert told == {
        "release.promoted": [
            "dev.cdevents.service.upgraded.0.2.0",
            "dev.cdeventsx.telford-release.promoted.0.1.0",
        ],
        "release.rolled-back": [
            "dev.cdevents.service.rolledback.0.2.0",
            "dev.cdeventsx.telford-release.rolledback.0.1.0",
        ],
    }


def test_the_artifact_is_a_package_url_of_what_runs_now():
    def artifact(kind: str) -> str:
        return str(sent(kind, AWKWARD)["subject"]["content"]["artifactId"])

    assert artifact("upgraded") == "pkg:generic/r%C3%A9seau.a%20b@sha256%3A0b31"
    assert artifact("rolledback") == "pkg:generic/r%C3%A9seau.a%20b@1.0.0%2Bbuild%3A7%40x%20y"


def test_an_installation_of_any_name_is_a_uri_reference():
    named = cdevents.installation("my estate/50% é")
    assert named == "/telford/my%20estate%2F50%25%20%C3%A9"
    for message in cdevents.messages(FULL, named):
        assert cdevents_schema.errors(message) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_cdevent_is_refused(kind: str):
    for spoil in (
        lambda one: one["context"].pop("timestamp"),
        lambda one: one["subject"].update(type="deployment"),
        lambda one: one["subject"].pop("content"),
        lambda one: one["context"].update(extra="1"),
        lambda one: one["context"].update(timestamp="yesterday"),
        lambda one: one["context"].update(source="%%"),
        lambda one: one["context"].update(type=one["context"]["type"] + "0.1"),
        lambda one: one.update(extra={}),
    ):
        broken = copy.deepcopy(sent(kind))
        spoil(broken)
        assert cdevents_schema.errors(broken), spoil


def test_the_envelope_is_a_cloud_event_that_says_the_same():
    for name in NAMES:
        for message in cdevents.messages(dataclasses.replace(FULL, name=name), SOURCE):
            envelope = cdevents.cloud_event(message)
            context = message["context"]
            assert envelope["specversion"] == "1.0"
            # Small letters and digits, so that every protocol can carry them (CloudEvents, 3.1).
            assert all(re.fullmatch("[a-z0-9]{1,20}", one) for one in envelope)
            assert [envelope[one] for one in ("id", "source", "type", "time", "subject")] == [
                *(context[one] for one in ("id", "source", "type", "timestamp")),
                message["subject"]["id"],
            ]
            assert envelope["data"] == message


# --- the published schemas ----------------------------------------------------------------------


def test_the_published_schemas_say_what_is_stated_here():
    """About every event and every spoiled one, both give the same answer; and the examples that the
    specification gives for conformance are taken by both.
    """
    folder = cdevents_schema.checkout()
    if not folder:
        optional.absent("TELFORD_CDEVENTS (a checkout of cdevents/spec 0.4.1)", "cdevents")
    for message in _examples(pathlib.Path(folder)):
        assert cdevents_schema.errors(message) == []
    for message in (spoiled for kind in KINDS for spoiled in _spoiled(_whole(kind))):
        ours = cdevents_schema.stated(message).is_valid(message)
        assert cdevents_schema.published(message).is_valid(message) == ours, message


def _examples(root: pathlib.Path) -> Iterator[dict[str, Any]]:
    names = ("conformance/service_upgraded", "conformance/service_rolledback", "custom/conformance")
    for name in names:
        yield json.loads((root / f"{name}.json").read_text())


def _whole(kind: str) -> dict[str, Any]:
    """An event with everything that the specification allows."""
    message = copy.deepcopy(sent(kind))
    message["context"] |= {"chainId": "c", "schemaUri": "https://example.com/schema"}
    return message


def _spoiled(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The message, and it with one thing less, one thing more, or one thing else, everywhere."""
    yield message
    for path in _paths(message):
        for value in WRONG:
            yield _changed(message, path, value)
        yield _changed(message, path)
        yield _changed(message, (*path[:-1], "another"), "1")


def _paths(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield (*path, key)
            yield from _paths(value, (*path, key))


def _changed(message: dict[str, Any], path: tuple[str, ...], *value: Any) -> dict[str, Any]:
    """A copy with this value at the path; without a value the key is gone."""
    copied = copy.deepcopy(message)
    node = copied
    for key in path[:-1]:
        node = node[key]
    if value:
        node[path[-1]] = value[0]
    else:
        del node[path[-1]]
    return copied
