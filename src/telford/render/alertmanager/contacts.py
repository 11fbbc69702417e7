"""How people are reached: the contacts of teams, persons and rotas, as receivers' configurations.

A rota names who is on call when; an Alertmanager knows no turns, so everybody on the rota is
mailed, and `problems` says so. A secret is a file's name, never a value. Called by `routes`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from telford.estate.kinds import people
from telford.render.alertmanager import levels
from telford.render.scene import Scene


@dataclass(frozen=True, slots=True)
class Contacts:
    """Addresses and channels, without repetition, in the order in which they were named."""

    mail: tuple[str, ...] = ()
    chat: tuple[str, ...] = ()

    def __or__(self, other: "Contacts") -> "Contacts":
        return Contacts(_joined(self.mail, other.mail), _joined(self.chat, other.chat))

    def reachable(self, *, by_mail: bool) -> bool:
        """Whether a message to them arrives anywhere."""
        return bool(self.chat) or (by_mail and bool(self.mail))


def _joined(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _together(found: Iterable[Contacts]) -> Contacts:
    whole = Contacts()
    for one in found:
        whole |= one
    return whole


class Book:
    """Who is reached how in a place. `by_mail` says whether mail leaves it at all."""

    def __init__(self, scene: Scene, *, by_mail: bool) -> None:
        self._scene = scene
        self.by_mail = by_mail

    def ticket(self, address: str) -> Contacts:
        """Where a ticket for a team or person goes: the channel, else the mail; where there is
        neither, what the team above has.
        """
        for own in map(self._own, self._upwards(address)):
            if own.chat:
                return Contacts(chat=own.chat)
            if own.reachable(by_mail=self.by_mail):
                return own
        return Contacts()

    def page(self, address: str) -> Contacts:
        """Who is woken for a team or person: the people of the team's rota and its channel; the
        team's mail where it has no rota.
        """
        for one in self._upwards(address):
            found = self._called(one)
            if found.reachable(by_mail=self.by_mail):
                return found
        return Contacts()

    def to(self, address: str) -> Contacts:
        """Those whom an escalation names: a rota, a team or a person."""
        if address.startswith("rota/"):
            return self._rota(address)
        return self._own(address)

    def _called(self, address: str) -> Contacts:
        own, rota = self._own(address), self.rota(address)
        return self._rota(rota) | Contacts(chat=own.chat) if rota else own

    def rota(self, address: str) -> str:
        """The address of a team's rota; "" where it has none."""
        spec = self._spec(address)
        if not isinstance(spec, people.Team) or spec.rota is None:
            return ""
        return self._scene.find("rota", spec.rota, spec.system) or ""

    def _rota(self, address: str) -> Contacts:
        spec = self._spec(address)
        if not isinstance(spec, people.Rota):
            return Contacts()
        members = (self._scene.find("person", name, spec.system) for name in spec.members)
        return _together(self._own(member) for member in members if member is not None)

    def _own(self, address: str) -> Contacts:
        spec = self._spec(address)
        mail = getattr(spec, "email", None)
        chat = getattr(spec, "chat", None)
        return Contacts((mail,) if mail else (), (chat,) if chat else ())

    def _upwards(self, address: str) -> list[str]:
        """A team and those above it; a person and the team they are in. A circle ends."""
        found: list[str] = []
        here: str | None = address
        while here is not None and here not in found:
            found.append(here)
            spec = self._spec(here)
            above = getattr(spec, "parent", None) or getattr(spec, "team", None)
            here = self._scene.find("team", above, spec.system) if spec and above else None
        return found

    def _spec(self, address: str) -> people.Team | people.Person | people.Rota | None:
        if self._scene.find(*_parts(address), None) is None:
            return None
        spec = self._scene.bound(address).spec
        return spec if isinstance(spec, people.Team | people.Person | people.Rota) else None


def _parts(address: str) -> tuple[str, str]:
    kind, _, name = address.partition("/")
    return kind, name


def receiver(name: str, contacts: Contacts, *, by_mail: bool) -> dict[str, Any]:
    """A receiver of an Alertmanager."""
    made: dict[str, Any] = {"name": name}
    if by_mail and contacts.mail:
        made["email_configs"] = [_mail(contacts)]
    if contacts.chat:
        made["slack_configs"] = [_chat(channel) for channel in contacts.chat]
    return made


def _mail(contacts: Contacts) -> dict[str, Any]:
    return {
        "to": ", ".join(contacts.mail),
        "send_resolved": True,
        "headers": {"Subject": '{{ template "telford.title" . }}'},
        "html": "",
        "text": '{{ template "telford.text" . }}',
    }


def _chat(channel: str) -> dict[str, Any]:
    return {
        "channel": channel,
        "api_url_file": levels.table()["files"]["chat"],
        "send_resolved": True,
        "title": '{{ template "telford.title" . }}',
        "text": '{{ template "telford.text" . }}',
    }
