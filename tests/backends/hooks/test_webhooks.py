"""Webhooks against servers that answer, refuse, die, drip, redirect and lie."""

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from telford.backends.hooks import asking, calling, signing
from telford.basics.errors import PermanentError, TemporaryError
from telford.deliver import codec
from telford.deliver.gate_settings import Expected, Webhook
from telford.testing.clock import FakeClock

ABOUT = {"release": "r1", "service": "service/shop.orders", "gate": "qa", "at": "step", "step": "1"}
CLOCK = FakeClock()


class Answers(BaseHTTPRequestHandler):
    """Answers with what the server was told, and remembers what it was asked."""

    server: "Server"
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(self.server.body) + self.server.lies))
        self.end_headers()
        self.wfile.write(self.server.body)
        self.close_connection = True

    do_GET = do_POST = _answer  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    status = 200
    body = b"{}"
    lies = 0

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        super().__init__(("127.0.0.1", 0), Answers)
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@contextmanager
def raw(*parts: bytes) -> Iterator[str]:
    """A server that sends some bytes, one part each 50 ms, and holds on until the end."""
    over = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        peer, _ = listening.accept()
        with peer:
            for part in parts:
                if over.wait(0.05):
                    return
                try:
                    peer.sendall(part)
                except OSError:
                    return
            over.wait(10)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    over.set()
    thread.join()
    listening.close()


def ask(hook: Webhook, environment: dict[str, str] | None = None) -> tuple[bool, str]:
    said = calling.ask(hook, ABOUT, environment or {}, CLOCK)
    return said.open, said.why


def test_a_status_that_is_wanted_is_a_yes_and_the_question_says_what_it_is_about(server):
    assert ask(Webhook(f"{server.url}/ok/{{service}}/{{nothing}}")) == (
        True,
        f"127.0.0.1:{server.server_port} answered 200",
    )
    ((method, path, _, body),) = server.asked
    assert (method, path) == ("POST", "/ok/service%2Fshop.orders/%7Bnothing%7D")
    assert json.loads(body) == ABOUT


@pytest.mark.parametrize("status", [400, 401, 404, 409])
def test_a_status_that_is_not_wanted_is_a_clear_no(server, status):
    server.status = status
    opened, why = ask(Webhook(server.url, status=(200, 204)))
    assert not opened
    assert why.endswith(f"answered {status}, and not 200 or 204")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_servers_own_error_is_no_answer(server, status):
    server.status = status
    with pytest.raises(TemporaryError, match=f"answered {status}"):
        ask(Webhook(server.url))


def test_a_redirect_is_not_followed_and_is_a_no(server):
    server.status, server.headers = 302, {"location": f"{server.url}/elsewhere"}
    opened, why = ask(Webhook(server.url, method="GET"))
    assert not opened
    assert "answered 302" in why
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "opened", "words"),
    [
        (b'{"state": "ok", "left": [1, {"a/b": true}]}', True, '/state is "ok"'),
        (b'{"state": "bad"}', False, '/state, and not "ok"'),
        (b'{"other": 1}', False, "nothing stands at /state"),
        (b"<html>ok</html>", False, "with no JSON"),
        (b"[" * 60_000, False, "with no JSON"),
    ],
)
def test_values_of_a_json_answer_decide(server, body, opened, words):
    server.body = body
    found = ask(Webhook(server.url, expect=(Expected("/state", '"ok"'),)))
    assert found[0] is opened
    assert words in found[1]


def test_a_pointer_walks_lists_and_escapes_and_a_truth_is_no_number(server):
    server.body = b'{"left": [1, {"a/b": true}]}'
    assert ask(Webhook(server.url, expect=(Expected("/left/1/a~1b", "true"),)))[0]
    assert not ask(Webhook(server.url, expect=(Expected("/left/0", "true"),)))[0]
    assert not ask(Webhook(server.url, expect=(Expected("/left/2", "1"),)))[0]


def test_a_dead_server_is_no_answer():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(TemporaryError, match="does not answer"):
        ask(Webhook(url))


def test_a_server_that_says_nothing_is_no_answer():
    with raw() as url, pytest.raises(TemporaryError, match=r"no answer within 0.2 s"):
        ask(Webhook(url, limit=0.2))


@pytest.mark.parametrize(
    "first",
    [b"HTTP/1.1 200 OK\r\nx-a: ", b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"],
    ids=["in its head", "in its body"],
)
def test_a_server_that_drips_is_cut_off_at_the_limit(first):
    with raw(first, *[b"a"] * 100) as url, pytest.raises(TemporaryError, match="no answer within"):
        ask(Webhook(url, limit=0.4))


def test_a_server_that_lies_about_its_length_is_no_answer(server):
    server.lies = 7
    with pytest.raises(TemporaryError, match="does not answer"):
        ask(Webhook(server.url))


def test_a_server_that_speaks_no_http_is_no_answer():
    with raw(b"SSH-2.0-OpenSSH_9.2\r\n") as url, pytest.raises(TemporaryError):
        ask(Webhook(url, limit=0.5))


def test_an_endless_answer_is_no_answer(server):
    server.body = b"x" * (calling.MAX_BYTES + 1)
    with pytest.raises(TemporaryError, match="more than 65536 bytes"):
        ask(Webhook(server.url))


@pytest.mark.parametrize("url", ["ftp://a/b", "nonsense", "http://", "http://[::"])
def test_what_is_no_web_address_is_said_with_what_to_do(url):
    with pytest.raises(PermanentError) as caught:
        ask(Webhook(url))
    assert caught.value.fix


def test_what_is_signed_is_proved_by_the_key_and_the_key_is_nowhere(server):
    hook = Webhook(server.url, key="HOOK_KEY", token="HOOK_TOKEN")
    assert ask(hook, {"HOOK_KEY": "a secret", "HOOK_TOKEN": "t0ken"})[0]
    ((_, _, headers, body),) = server.asked
    low = {name.lower(): value for name, value in headers.items()}
    assert low["webhook-id"] == "r1:qa:step:1"
    signed = f"{low['webhook-id']}.{low['webhook-timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.new(b"a secret", signed, hashlib.sha256).digest()).decode()
    assert low["webhook-signature"] == f"v1,{mac}"
    assert low["authorization"] == "Bearer t0ken"
    assert b"a secret" not in body


def test_a_key_that_is_not_there_is_said_by_its_name(server):
    with pytest.raises(PermanentError, match="has no HOOK_KEY"):
        ask(Webhook(server.url, key="HOOK_KEY"))
    assert server.asked == []


def test_the_standards_own_example_has_the_standards_own_signature():
    """From the specification's reference libraries: the key is base64 after its prefix."""
    body = b'{"test": 2432232314}'
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    found = signing.headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_port_reads_a_frozen_webhook_and_refuses_a_command_without_a_folder(server):
    hooks = asking.Hooks(None, {}, CLOCK)
    frozen: dict[str, Any] = {"kind": "webhook", **codec.encode(Webhook(server.url))}
    assert hooks.ask(json.loads(json.dumps(frozen)), ABOUT).open
    with pytest.raises(PermanentError, match="runs no commands"):
        hooks.ask({"kind": "command", "run": ["true"]}, ABOUT)
