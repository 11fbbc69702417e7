"""One subscription is tried without the others: what is wrong with theirs is no matter."""

import pytest

from telford.app import loading, telling
from telford.backends import files
from telford.backends.telling import making
from telford.basics.errors import UsageError
from telford.estate import codes, overlays
from telford.estate.codes import document, documents
from telford.testing.clock import FakeClock

ESTATE = documents(
    codes.PRELUDE.removesuffix("---\n"),
    "apiVersion: telford/v1\nkind: Environment\nname: prod\n",
    document("Subscription", "chat", "to: {slack: {urlFrom: CHAT_URL}}"),
    document("Subscription", "tool", "to: {webhook: {url: 'http://127.0.0.1:1/hook'}}"),
)
AROUND = telling.Surroundings("shop")


def binding():
    estate = loading.of_texts(files.Texts(texts={"e.yaml": ESTATE})).estate
    return overlays.bind(estate, overlays.places(estate)[0])


@pytest.mark.parametrize("text", ["tool", "subscription/tool"])
def test_only_the_listener_that_is_asked_for_is_made(text: str, monkeypatch: pytest.MonkeyPatch):
    made = []
    real = making.listener
    monkeypatch.setattr(making, "listener", lambda one, _: made.append(one.name) or real(one, _))
    assert telling.subscription(binding(), text, AROUND, FakeClock()).address == "subscription/tool"
    assert made == ["tool"]


def test_all_of_them_are_made_in_the_order_of_their_addresses():
    told = telling.subscriptions(binding(), AROUND, FakeClock())
    assert [one.address for one in told] == ["subscription/chat", "subscription/tool"]


def test_one_that_is_not_there_is_said_with_those_that_are():
    with pytest.raises(UsageError, match="there is no subscription 'mail' here") as refused:
        telling.subscription(binding(), "mail", AROUND, FakeClock())
    assert refused.value.fix == "there are: subscription/chat, subscription/tool"
