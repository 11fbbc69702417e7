"""Who hears when a delivery fails: the chat of the team that owns it. Called by `target`."""

from collections.abc import Iterator
from typing import Any

from telford.render.artifacts import Object
from telford.render.delivering import Bundle

API = "notification.toolkit.fluxcd.io/v1beta3"


def notices(team: str, chat: str, owned: list[Bundle], policy: dict[str, Any]) -> Iterator[Object]:
    """A provider and an alert for the bundles of one team in one place."""
    name = f"{team}-{owned[0].name.removeprefix(f'{owned[0].group}-')}"
    known = policy["chat"]
    yield {
        "apiVersion": API,
        "kind": "Provider",
        "metadata": {"name": name, "namespace": policy["namespace"]},
        "spec": {
            "type": known["type"],
            "address": known["address"],
            "channel": chat.removeprefix("#"),
            "secretRef": {"name": known["secret"]},
        },
    }
    yield {
        "apiVersion": API,
        "kind": "Alert",
        "metadata": {"name": name, "namespace": policy["namespace"]},
        "spec": {
            "providerRef": {"name": name},
            "eventSeverity": known["severity"],
            "eventSources": [{"kind": "Kustomization", "name": one.name} for one in owned],
            "eventMetadata": {"place": owned[0].scene.place},
        },
    }
