"""Subscription: who is told what happens to releases, and how."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from telford.estate.kinds import base

# A variable of the environment of the process that runs the controller, never its value.
Variable = Annotated[str, Field(pattern=base.VARIABLE_PATTERN)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/@]+(/\S*)?$")]
Mail = Annotated[str, Field(pattern=r"^[^\s@<>,;]+@[^\s@<>,;]+$")]
WAYS = ("webhook", "cdevents", "nats", "slack", "teams", "email")
EventName = Literal[
    "release.started",
    "release.advanced",
    "release.waiting",
    "release.held",
    "release.paused",
    "release.resumed",
    "release.suspected",
    "release.promoting",
    "release.rolling-back",
    "release.promoted",
    "release.rolled-back",
    "release.aborted",
    "release.failed",
]
# What a template may name: an event's fields, with the weight in percent, and in `detail` what
# belongs to some of the events (see `telford.deliver.events`).
EVENT_FIELDS = frozenset(
    {
        "at", "detail", "environment", "evidence", "from_version", "id", "name", "place", "reason",
        "release", "service", "strategy", "to_version", "weight", "weight_bp", "who",
    }
)  # fmt: skip
EVENT_DETAILS = frozenset({"analysis", "cause", "gate", "kind", "opens", "replica", "step", "why"})
# Ways that say a sentence; the others send the event itself.
WORDED = frozenset({"slack", "teams", "email"})


class Address(base.Model):
    """A URL, written here or, where it is a secret itself, named by its variable."""

    url: Url | None = None
    url_from: Variable | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [one for one in (self.url, self.url_from) if one is not None]
        base.exactly_one(len(given), "give exactly one of `url` and `urlFrom`")
        return self


class WebhookListener(Address):
    """Our own event as JSON, signed after Standard Webhooks with the key of a variable."""

    key_from: Variable | None = None


class CDEventsListener(Address):
    """CDEvents 0.4.1 as CloudEvents over HTTP; a bearer token where the receiver wants one."""

    token_from: Variable | None = None


class NatsListener(base.Model):
    """CDEvents as CloudEvents over NATS, at SUBJECT.NAME; JetStream confirms where it is asked to."""

    server: Annotated[str, Field(pattern=r"^(nats|tls)://[^\s@]+$")]
    subject: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")] = "telford"
    # A stream has to take it: lost is what nobody has taken.
    stream: bool = False
    token_from: Variable | None = None


class ChatListener(base.Model):
    """An incoming webhook of Slack or of Teams; its URL is a secret, so it is a variable."""

    url_from: Variable


class EmailListener(base.Model):
    """Plain text by SMTP, with STARTTLS where the server offers it."""

    to: Annotated[tuple[Mail, ...], Field(min_length=1)]
    from_: Mail = Field(alias="from")
    server: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?$")]
    user_from: Variable | None = None
    password_from: Variable | None = None


class Listener(base.Model):
    """Who is told: exactly one of the six ways."""

    webhook: WebhookListener | None = None
    cdevents: CDEventsListener | None = None
    nats: NatsListener | None = None
    slack: ChatListener | None = None
    teams: ChatListener | None = None
    email: EmailListener | None = None

    @property
    def way(self) -> str:
        """How it tells: the one of the six that is there."""
        return next(name for name in WAYS if getattr(self, name) is not None)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [way for way in WAYS if getattr(self, way) is not None]
        base.exactly_one(len(given), f"give exactly one of {', '.join(f'`{way}`' for way in WAYS)}")
        return self


class Subscription(base.Kind):
    """Tells somebody what happens to releases: a tool as CDEvents or a signed webhook, people in a
    chat or by e-mail. Each event is told at least once and in order; the same id is the same event.
    """

    stand_ins: ClassVar[dict[str, object]] = {
        "to": {"webhook": {"url": "https://example.com/hook"}}
    }

    kind: Literal["Subscription"]
    to: Listener
    # All of them where it is empty.
    events: tuple[EventName, ...] = ()
    # Whose releases: services, their systems or the teams that own them; everything where empty.
    of: tuple[base.AddressText, ...] = ()
    environments: tuple[str, ...] = ()
    # What people read instead of the sentence that comes with Telford: a Jinja2 template, with the
    # event's fields by their names.
    template: str | None = None

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        yield from base.addressed(("of",), self.of)
        for index, environment in enumerate(self.environments):
            yield base.Reference(("environments", index), "Environment", environment)
