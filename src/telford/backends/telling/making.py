"""From a `Subscription` of the estate to a listener: the one place that knows all six ways.

Variables are read here, when the controller starts, and never kept anywhere else. Called by the
app floor, which hands in the process's environment.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from telford.backends.telling import over_nats, people, posting, tools, wording
from telford.basics import clock as clocks
from telford.basics.errors import PermanentError
from telford.deliver.events import Event
from telford.estate.kinds import telling
from telford.ports.listeners import Listener


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What listeners are made from, beside their subscription: the process's environment, the
    clock, the URI reference that names this installation, and the portal's address ("": unknown).
    """

    environment: Mapping[str, str]
    clock: clocks.Clock
    source: str
    portal: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A listener that cannot be made: every event is refused, with the reason."""

    why: PermanentError

    def tell(self, event: Event) -> None:
        """See `Listener.tell`."""
        raise self.why


def listener(subscription: telling.Subscription, around: Surroundings) -> Listener:
    """The subscription's other end; one that cannot be made says why whenever it is told."""
    try:
        return _MAKERS[subscription.to.way](subscription, around)
    except PermanentError as error:
        return Broken(error)


def _webhook(subscription: telling.Subscription, around: Surroundings) -> Listener:
    to = subscription.to.webhook
    assert to is not None
    return tools.Webhook(_url(to, around), _secret(to.key_from, around), around.clock)


def _cdevents(subscription: telling.Subscription, around: Surroundings) -> Listener:
    to = subscription.to.cdevents
    assert to is not None
    return tools.CDEvents(_url(to, around), _secret(to.token_from, around), around.source)


def _nats(subscription: telling.Subscription, around: Surroundings) -> Listener:
    to = subscription.to.nats
    assert to is not None
    token = _secret(to.token_from, around)
    return over_nats.Nats(to.server, to.subject, to.stream, token, around.source)


def _slack(subscription: telling.Subscription, around: Surroundings) -> Listener:
    to = subscription.to.slack
    assert to is not None
    return people.Slack(_secret(to.url_from, around), _words(subscription, around))


def _teams(subscription: telling.Subscription, around: Surroundings) -> Listener:
    to = subscription.to.teams
    assert to is not None
    return people.Teams(_secret(to.url_from, around), _words(subscription, around))


def _email(subscription: telling.Subscription, around: Surroundings) -> Listener:
    to = subscription.to.email
    assert to is not None
    return people.Email(
        to=to.to,
        sender=to.from_,
        server=to.server,
        user=_secret(to.user_from, around),
        password=_secret(to.password_from, around),
        words=_words(subscription, around),
    )


def _words(subscription: telling.Subscription, around: Surroundings) -> wording.Words:
    return wording.Words(subscription.template or "", around.portal)


def _url(to: telling.Address, around: Surroundings) -> str:
    return to.url if to.url is not None else _secret(to.url_from, around)


def _secret(name: str | None, around: Surroundings) -> str:
    return posting.variable(name, around.environment) if name else ""


_MAKERS: dict[str, Callable[[telling.Subscription, Surroundings], Listener]] = {
    "webhook": _webhook,
    "cdevents": _cdevents,
    "nats": _nats,
    "slack": _slack,
    "teams": _teams,
    "email": _email,
}
