"""Whom a kubeconfig says to ask and as whom, and what is refused rather than ignored."""

import base64
import pathlib
import ssl
import subprocess
from typing import Any

import pytest
import yaml

import optional
from backends.kubernetes.api_server import ApiServer
from telford.backends.kubernetes import connecting, kubeconfig, plugins
from telford.backends.kubernetes.access import Access, Plugin
from telford.backends.kubernetes.client import ApiServer as Client
from telford.backends.kubernetes.connecting import Choice
from telford.backends.kubernetes.wire import Limits
from telford.basics.errors import PermanentError, UsageError

LIMITS = Limits(answer_seconds=2, attempts=1)


def config(name: str = "a", user: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    return {
        "current-context": name,
        "clusters": [
            {"name": f"{name}-cluster", "cluster": {"server": "https://x:6443/", **cluster}}
        ],
        "users": [{"name": f"{name}-user", "user": user or {}}],
        "contexts": [
            {"name": name, "context": {"cluster": f"{name}-cluster", "user": f"{name}-user"}}
        ],
    }


def write(path: pathlib.Path, data: object) -> str:
    path.write_text(yaml.safe_dump(data))
    return str(path)


def access(path: str, context: str = "") -> Access:
    return kubeconfig.access(context, {"KUBECONFIG": path}, pathlib.Path("/nowhere"))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_current_context_its_server_and_its_user(tmp_path: pathlib.Path):
    data = config(user={"token": "hush"}, **{"certificate-authority-data": encoded("PEM")})
    data["contexts"][0]["context"]["namespace"] = "shop"
    found = access(write(tmp_path / "c", data))
    assert (found.name, found.server, found.namespace) == ("a", "https://x:6443", "shop")
    assert (found.credentials.token, found.authority) == ("hush", b"PEM")
    assert "hush" not in repr(found)


def test_files_merge_and_the_first_wins(tmp_path: pathlib.Path):
    first, second = config("a"), config("b", user={"tokenFile": "token"})
    second["clusters"].append({"name": "a-cluster", "cluster": {"server": "https://evil"}})
    beside = tmp_path / "beside"
    beside.mkdir()
    both = f"{write(tmp_path / 'one', first)}:{tmp_path / 'absent'}:{write(beside / 'two', second)}"
    assert access(both).server == "https://x:6443"
    assert access(both, "b").credentials.token_file == beside / "token"
    with pytest.raises(UsageError, match="no context 'c'") as caught:
        access(both, "c")
    assert caught.value.fix == "it has: a, b"


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({"auth-provider": {"name": "gcp"}}, "auth-provider"),
        ({"as-user-extra": {"a": ["b"]}, "as": "x"}, "as-user-extra"),
        ({"exec": {"apiVersion": "v0", "command": "x"}}, "speaks v0"),
        ({"client-key-data": "no base64!"}, "no base64"),
        ({"client-key-data": "ü"}, "no base64"),
        ({"client-certificate": "absent.pem"}, "cannot be read"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: pathlib.Path, user: dict, said: str):
    with pytest.raises(PermanentError, match=said):
        access(write(tmp_path / "c", config(user=user)))


@pytest.mark.parametrize("text", ["a: [", "- list", "\x00"])
def test_a_file_that_is_no_kubeconfig_is_told_and_never_quoted(tmp_path: pathlib.Path, text: str):
    (tmp_path / "c").write_text(f"# token: hush\n{text}")
    with pytest.raises(PermanentError) as caught:
        access(str(tmp_path / "c"))
    assert "hush" not in caught.value.message


def test_without_any_context_it_is_said_where_was_looked(tmp_path: pathlib.Path):
    with pytest.raises(UsageError, match=r"no context is chosen in .*nothing"):
        access(str(tmp_path / "nothing"))


def test_impersonation_goes_along(tmp_path: pathlib.Path):
    user = {"as": "ann", "as-groups": ["one", "two"]}
    with ApiServer() as server:
        path = write(tmp_path / "c", config(user=user, server=server.url))
        client = Client(access(path), LIMITS)
        client.served()
        client.close()
        assert server.asked[0].headers["Impersonate-User"] == "ann"
    assert [v for k, v in access(path).headers if k == "Impersonate-Group"] == ["one", "two"]


def test_a_pod_asks_its_own_cluster(tmp_path: pathlib.Path):
    for name, text in (("token", "hush"), ("ca.crt", "PEM"), ("namespace", "shop\n")):
        (tmp_path / name).write_text(text)
    found = kubeconfig.in_cluster(
        {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}, tmp_path
    )
    assert (found.server, found.namespace) == ("https://[fd00::1]:443", "shop")
    assert found.credentials.token_file == tmp_path / "token"


def test_a_plugin_is_run_only_where_that_is_allowed(tmp_path: pathlib.Path):
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch"}}
    choice = Choice(environment={"KUBECONFIG": write(tmp_path / "c", config(user=user))})
    with pytest.raises(UsageError, match="by running touch"):
        connecting.connect(choice, print)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 3", "ended with 3"),
        ("echo no", "did not say an ExecCredential"),
        ("echo '{\"status\": {}}'", "neither a token nor a certificate"),
    ],
)
def test_a_plugin_that_fails_is_told(script: str, said: str):
    plugin = Plugin("sh", ("-c", f"echo hush >&2; {script}"), {}, "client.authentication.k8s.io/v1")
    with pytest.raises(PermanentError, match=said) as caught:
        plugins.credentials(Access("a", "https://x"), plugin, {"PATH": "/usr/bin:/bin"})
    assert "hush" not in caught.value.message


def test_a_plugin_is_told_of_the_cluster_and_its_token_is_taken():
    script = 'case "$KUBERNETES_EXEC_INFO" in *https://x*) t=$WORD;; esac; echo "{\\"status\\": {\\"token\\": \\"$t\\"}}"'
    plugin = Plugin(
        "sh",
        ("-c", script),
        {"WORD": "right"},
        "client.authentication.k8s.io/v1",
        wants_cluster=True,
    )
    made = plugins.credentials(Access("a", "https://x"), plugin, {"PATH": "/usr/bin:/bin"})
    assert made.token == "right"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A key and a certificate of 127.0.0.1, its own authority."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [optional.require_tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:inside",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


def secured(server: ApiServer, folder: pathlib.Path, *, clients: bool = False) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "cert.pem")
    server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
    return server.url.replace("http://", "https://")


def asked(path: str) -> int:
    client = Client(access(path), LIMITS)
    try:
        return len(client.served().resources)
    finally:
        client.close()


def test_a_certificate_is_verified_against_the_authority_that_is_named(
    tmp_path: pathlib.Path, certificate: pathlib.Path
):
    server = ApiServer()
    url = secured(server, certificate)
    with server:
        trusted = {"certificate-authority": str(certificate / "cert.pem")}
        assert asked(write(tmp_path / "a", config(server=url, **trusted))) > 10
        with pytest.raises(PermanentError, match="is not trusted"):
            asked(write(tmp_path / "b", config(server=url)))
        other = {**trusted, "tls-server-name": "inside"}
        assert asked(write(tmp_path / "c", config(server=url, **other))) > 10
        wrong = {**trusted, "tls-server-name": "outside"}
        with pytest.raises(PermanentError, match="is not trusted"):
            asked(write(tmp_path / "d", config(server=url, **wrong)))
        assert (
            asked(write(tmp_path / "e", config(server=url, **{"insecure-skip-tls-verify": True})))
            > 10
        )


def test_a_client_certificate_is_shown(tmp_path: pathlib.Path, certificate: pathlib.Path):
    server = ApiServer()
    url = secured(server, certificate, clients=True)
    user = {
        "client-certificate-data": encoded((certificate / "cert.pem").read_text()),
        "client-key-data": encoded((certificate / "key.pem").read_text()),
    }
    trusted = {"certificate-authority": str(certificate / "cert.pem")}
    with server:
        assert asked(write(tmp_path / "a", config(user=user, server=url, **trusted))) > 10
    bad = {**user, "client-key-data": encoded("no key")}
    with pytest.raises(PermanentError, match="cannot be used"):
        asked(write(tmp_path / "b", config(user=bad, server=url)))
