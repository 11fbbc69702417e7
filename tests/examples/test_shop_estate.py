"""The shop's estate says what is true of its processes."""

import os
import pathlib
import re

import pytest
from shop import settings, versions
from shop_processes import SHOP, Process, ask, opened

from telford.app import check
from telford.basics import units
from telford.estate import loading, model, overlays, place
from telford.estate.kinds.change import Delivery
from telford.estate.kinds.structure import Service, Stream

PLACES = ("dev", "staging/eu-west-1", "prod/eu-west-1", "prod/eu-central-1")
UPSTREAM = re.compile(r"\{upstream:([a-z-]+)\}")


@pytest.fixture(scope="module")
def loaded() -> model.Loaded:
    """The estate as it is read from its folder."""
    texts = {file.name: file.read_text() for file in sorted((SHOP / "estate").glob("*.yaml"))}
    return loading.load(texts)


def bound(loaded: model.Loaded, where: str) -> model.Binding:
    return overlays.bind(loaded.estate, place.parse(where))


def services(binding: model.Binding) -> dict[str, Service]:
    return {one.spec.name: one.spec for one in binding.of_kind("Service")}


def called_by(binding: model.Binding, service: Service) -> dict[str, str | None]:
    """The services that a service declares to call, brokers of its streams included: timeouts."""
    brokers = {one.spec.name: one.spec.broker for one in binding.of_kind("Stream")}
    calls = {}
    for use in service.uses:
        kind, name = use.target
        if kind == "service":
            calls[name] = use.timeout
        elif kind == "stream":
            calls[brokers[name]] = use.timeout
    return calls


def test_telford_check_finds_nothing_in_the_estate_not_even_a_hint() -> None:
    assert check.check([SHOP / "estate"]).diagnostics == ()


def test_the_estate_binds_in_every_place(loaded: model.Loaded) -> None:
    assert loaded.diagnostics == ()
    assert tuple(str(one) for one in overlays.places(loaded.estate)) == PLACES
    for where in PLACES:
        assert len(services(bound(loaded, where))) == 6


def test_a_service_is_given_the_addresses_of_what_it_declares_to_use(loaded: model.Loaded) -> None:
    binding = bound(loaded, "dev")
    for service in services(binding).values():
        assert service.run.local is not None
        values = "".join(service.run.local.env.values())
        assert set(UPSTREAM.findall(values)) == set(called_by(binding, service))


def test_the_declared_timeouts_are_those_that_the_processes_keep(loaded: model.Loaded) -> None:
    binding = bound(loaded, "dev")
    for service in services(binding).values():
        assert service.run.local is not None
        for name, declared in called_by(binding, service).items():
            key = f"{name.upper()}_TIMEOUT_SECONDS"
            for environment in (service.run.local.env, service.run.env):
                kept = float(environment.get(key, settings.DEFAULT_TIMEOUT_SECONDS))
                assert declared is None or float(units.seconds(declared)) == kept


def test_the_image_of_the_storefront_names_a_version_that_there_is(loaded: model.Loaded) -> None:
    image = services(bound(loaded, "dev"))["storefront"].run.image
    assert image is not None
    assert image.rpartition(":")[2] in versions.VERSIONS


def test_streams_name_their_broker_and_both_ends_are_there(loaded: model.Loaded) -> None:
    binding = bound(loaded, "prod/eu-west-1")
    roles = {
        (use.stream, use.role)
        for service in services(binding).values()
        for use in service.uses
        if use.stream
    }
    streams = [one.spec for one in binding.of_kind("Stream")]
    assert all(isinstance(one, Stream) and one.broker == "stream" for one in streams)
    assert roles == {("order-placed", "publish"), ("order-placed", "consume")}


def test_prod_is_bigger_near_most_customers_and_releases_more_slowly_than_dev(
    loaded: model.Loaded,
) -> None:
    dublin, frankfurt, dev = (
        services(bound(loaded, where))["storefront"].run.replicas
        for where in ("prod/eu-west-1", "prod/eu-central-1", "dev")
    )
    assert dublin.min > frankfurt.min > dev
    ticks = []
    for where in ("dev", "prod/eu-west-1"):
        (delivery,) = (one.spec for one in bound(loaded, where).of_kind("Delivery"))
        assert isinstance(delivery, Delivery)
        ticks.append(units.seconds(delivery.tick))
    assert ticks[0] < ticks[1]


def test_the_local_commands_start_a_shop_that_takes_orders(
    loaded: model.Loaded, tmp_path: pathlib.Path
) -> None:
    """Nothing but what `run.local` says is given to the processes."""
    waiting = services(bound(loaded, "dev"))
    with opened(tmp_path) as shop:
        for _ in range(len(waiting)):  # each round starts one whose upstreams run already
            name, local = next(
                (name, one.run.local)
                for name, one in waiting.items()
                if set(UPSTREAM.findall("".join(one.run.local.env.values()))) <= shop.urls.keys()
            )
            assert local.command == ("python", "-m", f"shop.{name}")
            assert (SHOP / "estate" / local.directory).resolve() == SHOP
            given = {key: _filled(value, shop.urls, tmp_path) for key, value in local.env.items()}
            process = Process(name, given, inherited={"PATH": os.environ["PATH"]})
            shop.adopt(name, process)
            del waiting[name]
        status, order, _ = ask(
            f"{shop.urls['storefront']}/orders", "POST", {"product": "p01", "quantity": 1}
        )
    assert (status, order["state"]) == (201, "placed")


def _filled(value: str, urls: dict[str, str], state: pathlib.Path) -> str:
    plain = value.replace("{port}", "0").replace("{version}", "1.0.0")
    plain = plain.replace("{state}", str(state))
    return UPSTREAM.sub(lambda match: urls[match[1]], plain)
