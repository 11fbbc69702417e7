"""Listeners: whoever is told what happens to releases."""

from typing import Protocol

from telford.deliver.events import Event


class Listener(Protocol):
    """One subscription's other end."""

    def tell(self, event: Event) -> None:
        """Tell one event, within a time limit; telling it again is harmless, its id is the same.

        Raises `TemporaryError` where it may be taken later (dead, slow, an error of its own),
        `PermanentError` where it will not be (refused, a variable that is not set).
        """
        ...
