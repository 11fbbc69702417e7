"""ServiceAccount and Namespace. Called by `target`."""

from typing import Any

from telford.estate.model import Binding
from telford.render.kubernetes.subject import Subject
from telford.road import conventions


def accounts(subject: Subject) -> list[dict[str, Any]]:
    """An account of its own, without a token; none where the estate names another one."""
    if subject.account != subject.name:
        return []
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": subject.metadata(),
            "automountServiceAccountToken": False,
        }
    ]


def namespace(binding: Binding, *, enforced: bool) -> dict[str, Any]:
    """The namespace of a place. Restricted Pod Security is enforced where everything in it is on
    the road; beside something that was found it only warns, so nothing is refused that ran before.
    """
    modes = ("enforce", "audit", "warn") if enforced else ("audit", "warn")
    labels = {
        conventions.LABEL_MANAGED_BY: conventions.MANAGER,
        conventions.LABEL_ENVIRONMENT: binding.place.environment,
    }
    labels |= {f"{conventions.POD_SECURITY}/{mode}": "restricted" for mode in modes}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": binding.namespace, "labels": labels},
    }
