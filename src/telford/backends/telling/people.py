"""People who listen: a channel of Slack or of Teams, or a mailbox.

Each gets the sentence of `wording`, with a link to the release's page where the portal's address is
known. Made by `making`.
"""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate

from telford.backends.telling import posting, wording
from telford.basics.errors import PermanentError, TemporaryError
from telford.deliver.events import Event

LIMIT_SECONDS = 10.0
_JSON = {"content-type": "application/json", "user-agent": "telford"}
_FOR_GOOD = 500


@dataclass(frozen=True, slots=True)
class Slack:
    """An incoming webhook (https://api.slack.com/messaging/webhooks)."""

    url: str = field(repr=False)
    words: wording.Words

    def tell(self, event: Event) -> None:
        """See `Listener.tell`."""
        said = self.words.of(event)
        text = f"{said.mark} *{wording.slack(said.title)}*\n{wording.slack(said.text)}"
        posting.post(self.url, posting.plain({"text": text}), _JSON)


@dataclass(frozen=True, slots=True)
class Teams:
    """A workflow that takes an adaptive card (https://adaptivecards.io, schema 1.4)."""

    url: str = field(repr=False)
    words: wording.Words

    def tell(self, event: Event) -> None:
        """See `Listener.tell`."""
        said = self.words.of(event)
        card = {
            "type": "AdaptiveCard",
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "version": "1.4",
            "body": [
                {"type": "TextBlock", "text": said.title, "weight": "Bolder", "wrap": True},
                {"type": "TextBlock", "text": said.text, "wrap": True},
            ],
        }
        kind = "application/vnd.microsoft.card.adaptive"
        attachment = {"contentType": kind, "content": card}
        posting.post(
            self.url, posting.plain({"type": "message", "attachments": [attachment]}), _JSON
        )


@dataclass(frozen=True, slots=True)
class Email:
    """Plain text by SMTP; STARTTLS where the server offers it, and always before a password."""

    to: Sequence[str]
    sender: str
    server: str
    user: str
    password: str = field(repr=False)
    words: wording.Words

    def tell(self, event: Event) -> None:
        """See `Listener.tell`."""
        host, _, port = self.server.partition(":")
        try:
            with smtplib.SMTP(host, int(port or 25), timeout=LIMIT_SECONDS) as server:
                self._sign_in(server)
                server.send_message(self._message(event))
        except smtplib.SMTPRecipientsRefused as error:
            raise PermanentError("every recipient was refused", fix="mend its `to`") from error
        except smtplib.SMTPResponseException as error:
            kind = PermanentError if error.smtp_code >= _FOR_GOOD else TemporaryError
            raise kind(f"{host} answered {error.smtp_code}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise TemporaryError(f"{host} does not take mail: {type(error).__name__}") from error

    def _sign_in(self, server: smtplib.SMTP) -> None:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        elif self.user:
            raise PermanentError(
                "the mail server offers no STARTTLS, and a password is not sent in the clear",
                fix="use a server that does, or one that needs no password",
            )
        if self.user:
            server.login(self.user, self.password)

    def _message(self, event: Event) -> EmailMessage:
        said = self.words.of(event)
        message = EmailMessage()
        message["Subject"] = said.title
        message["From"] = self.sender
        message["To"] = ", ".join(self.to)
        message["Date"] = formatdate(event.at)
        # The same event has the same id: a mailbox shows it once.
        message["Message-ID"] = f"<{event.id}@telford>"
        message.set_content(said.text + "\n")
        return message
