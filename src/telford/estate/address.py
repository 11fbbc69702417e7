"""Addresses: ``kind/[system.]name``, the short form where it is unique.

The canonical text always carries the system where there is one (``service/shop.orders``). People
may write the short form (``service/orders``) wherever it names one thing.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A name for one thing of an estate. `kind` is lower case."""

    kind: str
    system: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.system}.{self.name}" if self.system else self.short

    @property
    def short(self) -> str:
        """Without the system: ``service/orders``."""
        return f"{self.kind}/{self.name}"


def parse(text: str) -> Address:
    """An address from its text. Raises ValueError with a sentence where it is not one."""
    kind, slash, rest = text.partition("/")
    system, _, name = rest.rpartition(".")
    if not slash or not kind or not name:
        raise ValueError(f"not an address: {text!r}; write kind/name, such as service/checkout")
    return Address(kind.lower(), system, name)
