"""Runs the exec plugin that a kubeconfig names, where the caller allows it, and reads what it says.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import base64
import json
import subprocess
from collections.abc import Mapping
from typing import Any

from telford.backends.kubernetes.access import Access, Credentials, Plugin
from telford.basics.errors import PermanentError

# A plugin asks an identity provider once; one that waits for a person is not for us.
LIMIT_SECONDS = 60


def credentials(access: Access, plugin: Plugin, environment: Mapping[str, str]) -> Credentials:
    """What the plugin gives. Raises `PermanentError` where it fails, or says nothing of use."""
    status = _status(_said(access, plugin, environment), plugin)
    made = Credentials(
        token=str(status.get("token") or ""),
        certificate=str(status.get("clientCertificateData") or "").encode(),
        key=str(status.get("clientKeyData") or "").encode(),
    )
    if not made.token and not made.certificate:
        raise PermanentError(
            f"the exec plugin {plugin.command} gave neither a token nor a certificate",
            fix="run it by hand: it may want you to sign in first",
        )
    return made


def _said(access: Access, plugin: Plugin, environment: Mapping[str, str]) -> bytes:
    info = {
        "apiVersion": plugin.api_version,
        "kind": "ExecCredential",
        "spec": {"interactive": False, **_cluster(access, plugin)},
    }
    try:
        done = subprocess.run(
            [plugin.command, *plugin.arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**environment, **plugin.environment, "KUBERNETES_EXEC_INFO": json.dumps(info)},
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except OSError as error:
        raise PermanentError(
            f"the exec plugin {plugin.command} cannot be run: {error.strerror}",
            fix="install it, or use a context with a token or a certificate",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise PermanentError(
            f"the exec plugin {plugin.command} did not end within {LIMIT_SECONDS} s",
            fix="run it by hand: it may wait for you to sign in",
        ) from error
    if done.returncode:
        raise PermanentError(
            f"the exec plugin {plugin.command} ended with {done.returncode}",
            fix="run it by hand to see what it says",
        )
    return done.stdout


def _cluster(access: Access, plugin: Plugin) -> dict[str, Any]:
    if not plugin.wants_cluster:
        return {}
    about: dict[str, Any] = {"server": access.server}
    if access.authority:
        about["certificate-authority-data"] = base64.b64encode(access.authority).decode()
    if access.server_name:
        about["tls-server-name"] = access.server_name
    return {"cluster": about}


def _status(said: bytes, plugin: Plugin) -> Mapping[str, Any]:
    try:
        data = json.loads(said)
    except ValueError:
        data = None
    status = data.get("status") if isinstance(data, dict) else None
    if not isinstance(status, dict):
        raise PermanentError(
            f"the exec plugin {plugin.command} did not say an ExecCredential",
            fix="run it by hand to see what it says",
        )
    return status
