"""A real Envoy that runs a generated configuration on loopback, and what stands behind it.

Everything that names another machine is turned to this one: clusters to small servers, listeners to
ports that the kernel chooses, certificates to a folder of the test. The rest is as it was made.
"""

import contextlib
import http.client
import http.server
import json
import pathlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import quick_yaml as yaml
from optional import require_tool

# Envoy is up within a tenth of a second; a machine that is busy may take its time.
_PATIENCE_SECONDS = 30.0


def certificates(folder: pathlib.Path, names: list[str]) -> None:
    """A self-signed certificate for each Secret, where Envoy looks for it."""
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [require_tool("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
             "-keyout", str(folder / name / "tls.key"), "-out", str(folder / name / "tls.crt")],
            check=True,
            capture_output=True,
        )  # fmt: skip


def secrets(text: str) -> list[str]:
    """The Secrets whose certificates a configuration names."""
    found = set()
    for line in text.splitlines():
        if "filename: /etc/envoy/certificates/" in line:
            found.add(pathlib.PurePath(line.rpartition(" ")[2]).parent.name)
    return sorted(found)


def validated(text: str, folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """What Envoy says of a configuration that it reads without running it."""
    kept = folder / "certificates"
    certificates(kept, secrets(text))
    path = folder / "envoy.yaml"
    path.write_text(text.replace("/etc/envoy/certificates", str(kept)), encoding="utf-8")
    return subprocess.run(
        [require_tool("envoy"), "--mode", "validate", "-c", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


class _Named(http.server.BaseHTTPRequestHandler):
    """Answers with the name of its server, the path it was asked for and the host."""

    def do_GET(self) -> None:
        body = f"{self.server.said} {self.path}".encode()  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextlib.contextmanager
def servers(names: list[str]) -> Iterator[dict[str, int]]:
    """A small HTTP server for each name; gives their ports."""
    started = []
    for name in names:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Named)
        server.said = name  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        started.append((server, thread))
    try:
        ports = {
            name: server.server_address[1] for name, (server, _) in zip(names, started, strict=True)
        }
        yield ports
    finally:
        for server, thread in started:
            server.shutdown()
            server.server_close()
            thread.join()


def turned(text: str, ports: dict[str, int], folder: pathlib.Path) -> dict[str, Any]:
    """The configuration with every other machine's address turned to this one's."""
    kept = folder / "certificates"
    certificates(kept, secrets(text))
    config: dict[str, Any] = yaml.safe_load(text.replace("/etc/envoy/certificates", str(kept)))
    config["admin"]["address"]["pipe"]["path"] = str(folder / "admin.sock")
    for listener in config["static_resources"]["listeners"]:
        listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": 0}
    for cluster in config["static_resources"]["clusters"]:
        (group,) = cluster["load_assignment"]["endpoints"]
        (endpoint,) = group["lb_endpoints"]
        address = {"address": "127.0.0.1", "port_value": ports[cluster["name"]]}
        endpoint["endpoint"]["address"]["socket_address"] = address
    return config


@contextlib.contextmanager
def running(config: dict[str, Any], folder: pathlib.Path) -> Iterator[dict[str, int]]:
    """Envoy with a configuration, all clusters healthy; gives the ports of its listeners."""
    path = folder / "running.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [require_tool("envoy"), "-c", str(path), "--use-dynamic-base-id", "-l", "error"]
    with (folder / "envoy.log").open("wb") as log:
        process = subprocess.Popen([*command, "--concurrency", "1"], stdout=log, stderr=log)
        try:
            yield _ports(folder, process, len(config["static_resources"]["clusters"]))
        finally:
            process.terminate()
            process.wait(timeout=_PATIENCE_SECONDS)


def _ports(folder: pathlib.Path, process: subprocess.Popen[bytes], clusters: int) -> dict[str, int]:
    """The ports of the listeners, once every cluster was found healthy."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, (folder / "envoy.log").read_text()
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            stats = _admin(folder, "/stats?filter=membership_healthy")
            healthy = [line for line in stats.splitlines() if line.endswith(": 1")]
            found = json.loads(_admin(folder, "/listeners?format=json"))["listener_statuses"]
            if len(healthy) == clusters and found:
                return {
                    one["name"]: one["local_address"]["socket_address"]["port_value"]
                    for one in found
                }
        time.sleep(0.02)
    raise AssertionError((folder / "envoy.log").read_text())


def _admin(folder: pathlib.Path, path: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.connect(str(folder / "admin.sock"))
        connection = http.client.HTTPConnection("localhost")
        connection.sock = channel
        connection.request("GET", path)
        return connection.getresponse().read().decode()
