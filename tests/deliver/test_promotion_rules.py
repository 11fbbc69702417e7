"""May a release go on, and what is kept out: decided from values alone."""

from dataclasses import replace

import pytest

from telford.basics.errors import RefusedError
from telford.deliver import promotion, quarantine
from telford.deliver.contents import Contents, Settings
from telford.deliver.promotion import Standing, Way
from telford.deliver.quarantine import Quarantine

DAY = 86_400.0
STAGING = Standing("staging", "staging", "1.1.0", "d1", "shop/orders@sha256:b", since=1000.0)
PROD = Standing("prod", "prod", "1.0.0", "d0", "shop/orders@sha256:a", since=10.0)
WAY = Way("prod", "staging", after_seconds=DAY)
BAD = Quarantine("q", "prod", "service/orders", "1.1.0", "d1", "", "worse", "controller", 5.0)


def _verdict(
    offered: Standing = STAGING,
    here: Standing | None = PROD,
    way: Way = WAY,
    quarantined: tuple[Quarantine, ...] = (),
    now: float = 1000.0 + DAY,
) -> promotion.Verdict:
    return promotion.verdict(offered, here, [STAGING], way, quarantined, now)


def test_a_release_that_stayed_long_enough_may_go_on() -> None:
    assert _verdict().open
    assert _verdict(here=None).open


def test_until_then_it_waits_and_says_until_when() -> None:
    found = _verdict(now=1000.0 + DAY - 60)
    assert not found.open
    assert found.waits == ("it stays in staging for 1m more before it goes on",)
    assert found.opens_at == 1000.0 + DAY


def test_an_environment_is_not_skipped() -> None:
    dev = replace(STAGING, place="dev", environment="dev")
    [refusal] = _verdict(dev).refusals
    assert refusal == "prod comes after staging, and this release comes from dev"


def test_it_must_be_stable_wherever_the_environment_before_has_the_service() -> None:
    other = replace(STAGING, place="staging/b", version="1.0.9", digest="dx")
    found = promotion.verdict(STAGING, PROD, [STAGING, other], WAY, (), 1e9)
    assert found.refusals == ("staging/b has 1.0.9, not 1.1.0",)


def test_a_quarantined_release_is_refused_and_a_lifted_quarantine_is_none() -> None:
    assert "quarantined in prod: worse" in _verdict(quarantined=(BAD,)).refusals[0]
    assert _verdict(quarantined=(replace(BAD, lifted_at=9.0),)).open


def test_what_is_there_already_is_refused_and_what_is_underway_is_waited_for() -> None:
    assert _verdict(here=replace(PROD, digest="d1")).refusals
    found = _verdict(here=replace(PROD, underway="orders-1.0.5"))
    assert found.waits == ("orders-1.0.5 is on its way there",)
    assert found.opens_at is None


def test_environments_before_one_nearest_first() -> None:
    assert promotion.order(["dev", "staging", "prod"], "prod") == ("staging", "dev")


@pytest.mark.parametrize(
    ("asked", "met"),
    [
        ({"digest": "d1"}, True),
        ({"digest": "d2", "version": "1.1.0"}, True),
        ({"digest": "d2", "version": "1.1.1"}, False),
        ({}, False),
    ],
)
def test_a_quarantine_is_met_by_digest_or_name(asked: dict[str, str], *, met: bool) -> None:
    assert (quarantine.standing([BAD], **asked) is not None) is met


def test_images_decide_where_both_are_known() -> None:
    known = [replace(BAD, image="orders@sha256:b")]
    assert quarantine.standing(known, digest="d2", version="1.1.0", image="orders@sha256:b")
    assert not quarantine.standing(known, digest="d2", version="1.1.0", image="orders@sha256:c")


def test_a_quarantined_version_is_refused_with_how_to_lift_it() -> None:
    with pytest.raises(RefusedError) as caught:
        quarantine.refuse([BAD], digest="d1", version="1.1.0")
    assert "telford quarantine lift q" in caught.value.fix


def test_what_keeps_coming_back_is_taken_out_a_bounded_number_of_times() -> None:
    assert quarantine.returned(replace(BAD, returns=quarantine.MAX_RETURNS - 1))
    assert not quarantine.returned(replace(BAD, returns=quarantine.MAX_RETURNS))


def test_the_digest_of_a_release_is_that_of_its_contents_alone() -> None:
    one = Contents("service/orders", "1.1.0", "orders@sha256:b", "base", {"contract/a": "1"})
    assert one.digest == replace(one).digest
    for other in (
        replace(one, image="orders@sha256:c"),
        replace(one, base="other"),
        replace(one, contracts={"contract/a": "2"}),
    ):
        assert other.digest != one.digest
    assert Settings({"config/a": "1"}).digest != Settings({"config/a": "2"}).digest
