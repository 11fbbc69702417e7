"""ServiceAccount and Namespace. Called by `target`."""

from collections.abc import Iterator
from typing import Any

from telford.estate.kinds import surroundings
from telford.estate.model import Binding
from telford.road import conventions, found_access
from telford.road.subject import Subject


def accounts(subject: Subject) -> list[dict[str, Any]]:
    """An account of its own, without a token unless it is written; none where the estate names
    another one and does not describe it.
    """
    given = subject.run.account
    if given is None and subject.account != subject.name:
        return []
    told = given or surroundings.Account()
    metadata = subject.metadata(subject.account)
    metadata["annotations"] = {**told.annotations, **subject.annotations}
    pull = [{"name": name} for name in told.pull_secrets]
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata,
            "automountServiceAccountToken": told.mount_token is True,
        }
        | ({"imagePullSecrets": pull} if pull else {})
    ]


def grants(subject: Subject) -> Iterator[dict[str, Any]]:
    """The roles that it brings along, and what grants them to its account."""
    for (_, name), item in found_access.granted(
        subject.spec, subject.run, subject.account, subject.namespace
    ):
        metadata = subject.metadata(name)
        if item["kind"].startswith("Cluster"):
            del metadata["namespace"]
        yield {**item, "metadata": metadata}


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
