"""What is wrong with a custom resource, by the types of its own project: Gateway API, Istio, KEDA,
Argo, Flux, prometheus-operator and cert-manager from npm packages (`make test-tools`), Linkerd by
hand (`linkerd_schemas`).

Two judges, because each is blind where the other sees: a strict JSON schema made of the package's
types knows every field and refuses all others; the package's own validator knows patterns,
lengths and alternatives. Called by the tests of every target that makes custom resources.
"""

import atexit
import functools
import json
import pathlib
import subprocess
from typing import Any

import jsonschema_rs
import linkerd_schemas

from optional import REPOSITORY, require_tool

# Asks the packages' validators; the schemas that were made of their types lie beside it.
_JUDGE = "check-custom-resources"
# So many of one resource's errors are enough to see what is wrong.
_SHOWN = 20


def groups() -> frozenset[str]:
    """The API groups whose resources are known here."""
    known = json.loads((REPOSITORY / "tools" / "schemas" / "kinds.json").read_text())
    packaged = (version for versions in known.values() for version in versions)
    return frozenset(version.partition("/")[0] for version in (*packaged, *linkerd_schemas.SCHEMAS))


def errors(item: dict[str, Any]) -> list[str]:
    """What is wrong with one resource; a kind that nobody here knows is an error too."""
    name = f"{item.get('apiVersion')}/{item.get('kind')}"
    schema = _schema(name)
    if schema is None:
        return [f"{name} is not a resource that is known here"]
    found = [
        f"{name} {'/'.join(map(str, error.instance_path))}: {error.message}"
        for error in schema.iter_errors(item)
    ]
    return (found + [f"{name} {said}" for said in _said(name, item)])[:_SHOWN]


@functools.cache
def _schema(name: str) -> Any:
    """A validator that collects every error; None for an unknown kind."""
    if name in linkerd_schemas.SCHEMAS:
        return jsonschema_rs.validator_for(linkerd_schemas.SCHEMAS[name])
    path = pathlib.Path(require_tool(_JUDGE)).resolve().parent / "made" / f"{name}.json"
    return jsonschema_rs.validator_for(json.loads(path.read_text())) if path.is_file() else None


def _said(name: str, item: dict[str, Any]) -> list[str]:
    if name in linkerd_schemas.SCHEMAS:
        return []
    process = _judge()
    assert process.stdin is not None, "it was started with pipes"
    assert process.stdout is not None, "it was started with pipes"
    process.stdin.write(json.dumps(item) + "\n")
    process.stdin.flush()
    answer: list[str] = json.loads(process.stdout.readline())
    return answer


@functools.cache
def _judge() -> subprocess.Popen[str]:
    """One process for the whole run of tests: it asks the packages' validators."""
    process = subprocess.Popen(
        [require_tool(_JUDGE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    atexit.register(_ended, process)
    return process


def _ended(process: subprocess.Popen[str]) -> None:
    process.communicate()
