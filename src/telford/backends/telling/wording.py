"""What people read of an event: a headline and some lines, from templates.

The templates that come with Telford are in ``words.toml`` beside this file, one a name of an event;
a subscription may have one of its own for the text. They are Jinja2 in the sandbox of
`telford.estate.templates`: they see the event's fields and nothing else. Text of an event (a reason
somebody typed) is never a template and never markup. Called by `people`.
"""

import functools
from dataclasses import dataclass

from jinja2 import TemplateError

from telford.basics import resources
from telford.basics.errors import PermanentError
from telford.deliver.events import Event
from telford.estate import templates

MAX_CHARS = 3_000
"""Slack takes 3,000 characters in a block; nobody reads more."""
_MARKS = {"bad": "🔴", "asks": "🟡", "news": "🟢"}


@dataclass(frozen=True, slots=True)
class Said:
    """A headline without a line break, the text below it, and a mark for its gravity."""

    title: str
    text: str
    mark: str


@dataclass(frozen=True, slots=True)
class Words:
    """How one subscription says things. `template` replaces the text that comes with Telford;
    `portal` is the portal's address, "" where it is not known.
    """

    template: str = ""
    portal: str = ""

    def of(self, event: Event) -> Said:
        """Raises `PermanentError` where the subscription's template is wrong."""
        ours = built_in()[event.name]
        title = _filled(ours["title"], event).replace("\n", " ")
        text = _filled(self.template or ours["text"], event)
        link = f"\n{self.portal}/releases/{event.release}" if self.portal else ""
        return Said(title, text[: MAX_CHARS - len(link)] + link, _MARKS[event.gravity])


def slack(text: str) -> str:
    """Slack's three characters escaped, so that a reason cannot mention a whole channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@functools.cache
def built_in() -> dict[str, dict[str, str]]:
    """Event name -> its title and text."""
    return resources.toml("telford.backends.telling", "words.toml")


def _filled(template: str, event: Event) -> str:
    fields = event.for_template()
    try:
        return templates.environment().from_string(template).render(fields).strip()
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise PermanentError(
            f"the subscription's template cannot be filled in: {error}",
            fix="use the event's fields: " + ", ".join(sorted(fields)),
        ) from error
