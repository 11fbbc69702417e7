"""How a release names what it makes in a cluster. Pure.

Names follow RFC 1123 labels (63 characters, lower case), because the Services made of them do:
https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
"""

import hashlib
import re

from telford.estate.workload import BASELINE_SUFFIX

_LONGEST = 63
_DIGEST = 8
_LABEL = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
STABLE, CANARY, BASELINE = "stable", "canary", "baseline"


def guest(service: str, version: str) -> str:
    """``orders-1-8-0``; with a digest where the version's own letters could not all be kept."""
    return _fitting(f"{service}-{version}")


def record(service: str) -> str:
    """The ConfigMap that remembers what is wanted of a service."""
    return _fitting(f"telford-{service}")


def label(text: str) -> str:
    """A version or a service as the value of a label; as it is, where Kubernetes takes that."""
    return text if _LABEL.fullmatch(text) else _fitting(text)


def track(version: str) -> str:
    """Which of the arms a guest is, as its pods are labelled."""
    return BASELINE if version.endswith(BASELINE_SUFFIX) else CANARY


def _fitting(text: str) -> str:
    plain = re.sub(r"[^a-z0-9-]+", "-", text.lower().replace(".", "-")).strip("-")
    faithful = plain == text.replace(".", "-")
    if faithful and len(plain) <= _LONGEST:
        return plain
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
    return f"{plain[: _LONGEST - _DIGEST - 1].rstrip('-')}-{digest}"
