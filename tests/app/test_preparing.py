"""From an estate to workloads, promises and a release's policy."""

import dataclasses
from decimal import Decimal

import pytest
from app_estates import LOCAL, a_binding, an_estate

from telford.app import objectives, places, release, release_policy, up, workloads
from telford.basics.errors import RefusedError, UsageError
from telford.deliver.policy import problems
from telford.estate.kinds.change import Delivery
from telford.estate.model import Bound, Entity
from telford.estate.workload import Ingress


def test_what_is_needed_starts_before_who_needs_it_and_only_what_has_run_local() -> None:
    names = [bound.spec.name for bound in workloads.runnable(a_binding())]
    assert names == ["mailer", "stock", "orders"]


def test_two_services_of_one_name_cannot_share_a_machine() -> None:
    binding = a_binding()
    twin = binding.entities["service/shop.stock"]
    address = dataclasses.replace(twin.entity.address, system="other")
    one = twin.entity
    entity = Entity(address, one.spec, one.file, one.node, one.digest, one.overlays)
    entities = {**binding.entities, str(address): Bound(entity, twin.spec, twin.layers)}
    with pytest.raises(RefusedError, match="same name"):
        workloads.runnable(dataclasses.replace(binding, entities=entities))


def test_a_workload_is_the_service_at_a_version() -> None:
    bound = workloads.one(a_binding(), "orders")
    found = workloads.workload(bound, "1.1.0", 7, LOCAL)
    assert found.command[0] == "/usr/bin/python3"
    assert found.command[-1] == "orders-1.1.0"
    assert found.cwd == "/estates/shop"
    assert (found.version, found.generation, found.replicas) == ("1.1.0", 7, 2)
    assert found.upstreams == ("stock",)
    assert found.listens


def test_a_worker_does_not_listen_and_has_no_route() -> None:
    binding = a_binding()
    bound = workloads.one(binding, "service/mailer")
    assert not workloads.workload(bound, "1", 1, LOCAL).listens
    assert workloads.ingress(workloads.runnable(binding)) == (Ingress("/", "orders"),)


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("shop/orders:1.0.0", "1.0.0"),
        ("registry:5000/shop/orders", "latest"),
        ("registry:5000/shop/orders:2.1", "2.1"),
        ("shop/mailer@sha256:0123456789abcdef", "0123456789ab"),
        ("shop/mailer:1@sha256:0123456789abcdef", "0123456789ab"),
        ("", "latest"),
    ],
)
def test_the_version_is_the_images_tag(image: str, tag: str) -> None:
    assert workloads.tag(image) == tag


@pytest.mark.parametrize("text", ["orders", "shop.orders", "service/orders", "service/shop.orders"])
def test_a_service_is_named_in_any_of_its_ways(text: str) -> None:
    assert str(workloads.one(a_binding(), text).entity.address) == "service/shop.orders"


def test_what_is_not_there_is_said_with_what_is() -> None:
    with pytest.raises(UsageError) as caught:
        workloads.one(a_binding(), "oders")
    assert "orders" in caught.value.fix
    with pytest.raises(RefusedError, match="no `run"):
        workloads.one(a_binding(), "remote")


def test_objectives_become_promises() -> None:
    found = {one.objective.rpartition(".")[2]: one for one in objectives.promises(a_binding())}
    assert found["orders-availability"].sli == "errors"
    assert found["orders-latency"].sli == "slowness:250"
    assert found["orders-probe"].sli == ""
    assert found["orders-availability-strict"].calendar == "month"
    assert {one.service for one in found.values()} == {"service/shop.orders"}


def test_a_release_is_judged_by_the_strictest_objective_of_each_kind() -> None:
    promises = objectives.promises(a_binding())
    errors, slowness = release.indicators("service/shop.orders", promises)
    assert (errors.name, errors.objective_target) == ("errors", Decimal("0.98"))
    assert (slowness.name, slowness.threshold_ms) == ("slowness", 250.0)
    with pytest.raises(RefusedError, match="no objective"):
        release.indicators("service/shop.stock", promises)


def test_a_delivery_becomes_a_sound_policy() -> None:
    binding = a_binding()
    delivery = binding.entities["delivery/shop.canary"].spec
    assert isinstance(delivery, Delivery)
    judged_by = release.indicators("service/shop.orders", objectives.promises(binding))
    policy = release_policy.policy(delivery, judged_by, 2)
    assert problems(policy) == ()
    assert policy.weights == (2000, 5000, 7500)
    assert policy.beta_shares == pytest.approx((0.6, 0.2, 0.2))
    assert (policy.alpha, policy.beta, policy.fuse_factor, policy.fuse_alpha) == (
        0.02,
        0.04,
        10.0,
        0.002,
    )
    assert (policy.deadline_seconds, policy.stale_seconds, policy.warmup_seconds) == (300, 20, 1)
    without = delivery.model_copy(
        update={"verdict": delivery.verdict.model_copy(update={"fuse": None})}
    )
    assert release_policy.policy(without, judged_by, 2).fuse_alpha == 0.0


def test_the_digest_is_of_base_fields_version_and_image_alone() -> None:
    bound = workloads.one(a_binding(), "orders")
    first = release.digest(bound, "1.1.0")
    assert first == release.digest(bound, "1.1.0")
    assert len({first, release.digest(bound, "1.2.0"), release.digest(bound, "1.1.0", "x:1")}) == 3


def test_every_threshold_gets_a_bound_of_the_histogram() -> None:
    assert 250 in up.bounds(objectives.promises(a_binding()))
    odd = dataclasses.replace(objectives.promises(a_binding())[0], sli="slowness:333")
    assert 333 in up.bounds([odd])


def test_a_place_is_chosen_or_the_first_one() -> None:
    binding = a_binding()
    assert str(binding.place) == "dev"
    with pytest.raises(UsageError, match="no place"):
        places.choose(an_estate(), "moon")
