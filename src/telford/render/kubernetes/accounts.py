"""ServiceAccount, and the roles that are granted to it. Called by `target`."""

from collections.abc import Iterator
from typing import Any

from telford.estate.kinds import surroundings
from telford.road import found_access
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
