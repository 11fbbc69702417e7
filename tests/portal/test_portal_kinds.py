"""Every kind shows in the catalogue and has a page, with its references from both ends."""

import pathlib

import portal_client
import portal_scene
import pytest

from telford.app import loading, mentions
from telford.estate.kinds import registry

ESTATE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "organisation" / "estate"
ENTITIES = loading.load_folder(ESTATE).estate.entities


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> portal_client.Client:
    folder = tmp_path_factory.mktemp("kinds")
    return portal_client.client_of(portal_scene.Scene(folder, estate=ESTATE))


@pytest.mark.parametrize("family", registry.FAMILIES)
def test_a_family_is_a_filter_of_the_catalogue(portal: portal_client.Client, family: str):
    page = portal.get(f"/catalogue?kind={family}&limit=200").text
    kinds = {kind.__name__.lower() for kind in registry.FAMILIES[family]}
    for address in ENTITIES:
        assert (f'href="/catalogue/{address}"' in page) >= (address.partition("/")[0] in kinds)


@pytest.mark.parametrize("kind", registry.BY_NAME)
def test_every_kind_has_a_page(portal: portal_client.Client, kind: str):
    address = next(a for a, e in ENTITIES.items() if e.spec.kind == kind)
    answer = portal.get(f"/catalogue/{address}")
    assert answer.status_code == 200
    assert f">{address}<" in answer.text


def test_a_page_shows_what_it_names_and_who_names_it(portal: portal_client.Client):
    answer = portal.get("/api/entities/decision/bookings-are-events", headers={"accept": "application/json"})  # fmt: skip
    found = answer.json()
    assert ("technology/event-sourcing", "decision") in {(m["source"], m["field"]) for m in found["named_by"]}  # fmt: skip
    assert ("person/ada", "deciders") in {(m["target"], m["field"]) for m in found["names"]}
    page = portal.get("/catalogue/decision/bookings-are-events").text
    assert "Events are the record of a booking" in page


def test_a_thing_without_a_description_is_described_by_what_it_says(portal: portal_client.Client):
    assert "Losing sessions signs people out" in portal.get("/catalogue?kind=Waiver").text


def test_mentions_leave_out_what_the_page_shows_elsewhere():
    found = mentions.collect(loading.load_folder(ESTATE).estate)
    fields = {mention.field for several in found.of.values() for mention in several}
    assert not fields & {"owner", "system"}
    assert not any(field.startswith("uses") for field in fields)


def test_conformance_is_json_too(portal: portal_client.Client) -> None:
    headers = {"accept": "application/json"}
    asked = "/api/conformance?in=prod/harbour/quay&address=service/booking.ticket-outbox"
    found = portal.get(asked, headers=headers).json()
    assert found["architecture"] == {"address": "architecture/tideway", "version": "2026.4"}
    (row,) = found["rows"]
    assert (row["place"], row["percent"], row["waived"]) == ("prod/harbour/quay", 100.0, 1)
    assert row["differences"][0]["waiver"]["address"] == "waiver/one-outbox"
    whole = portal.get("/api/conformance?in=prod/harbour/quay", headers=headers).json()
    assert len(whole["rows"]) > 10
    assert portal.get("/api/conformance?address=team/data", headers=headers).status_code == 404
    assert portal.get("/conformance/team/data").status_code == 404
