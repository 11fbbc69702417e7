"""The three estates of the examples as the watching targets render them, and servers to load them."""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import oryaml

import optional
from telford.app import loading, rendering
from telford.backends import files as source
from telford.basics.diagnostics import Severity
from telford.estate import overlays
from telford.estate.model import Estate
from telford.render import artifacts, registry
from telford.render.artifacts import Rendering

NAMES = ("shop", "boutique", "organisation")
MAIL = (
    "kind: Environment\nannotations: {telford.dev/mail-server: 'mail.example.com:587',"
    " telford.dev/mail-from: alerts@example.com}\n"
)
# A server answers within a second; nothing is asserted about how fast.
PATIENCE_SECONDS = 30


def documents(name: str) -> list[dict[str, Any]]:
    """The documents of an estate as they are written, overlays and all."""
    folder = optional.REPOSITORY / "examples" / name / "estate"
    found = [
        one
        for path in sorted(folder.rglob("*.yaml"))
        for one in _read(path.read_text(encoding="utf-8"))
    ]
    return [one for one in found if str(one.get("apiVersion", "")).startswith("telford/")]


def _read(text: str) -> list[dict[str, Any]]:
    """YAML 1.2, as estates are written."""
    parts = re.split(r"^---$", text, flags=re.MULTILINE)
    return [told for told in map(oryaml.loads, parts) if isinstance(told, dict)]


def _with_mail(text: str) -> str:
    return text.replace("kind: Environment\n", MAIL)


@cache
def estate(name: str, *, mail: bool = True) -> Estate:
    """An estate of the examples; with `mail` its environments say who takes their mail."""
    found = source.read([optional.REPOSITORY / "examples" / name / "estate"])
    texts = {path: _with_mail(text) if mail else text for path, text in found.texts.items()}
    loaded = loading.of_texts(replace(found, texts=texts))
    errors = [d for d in loaded.diagnostics if d.severity is Severity.ERROR]
    assert errors == []
    return loaded.estate


@cache
def made(target: str, name: str, *, mail: bool = True) -> Rendering:
    """Everything that a target, built alone, makes of an estate."""
    known = estate(name, mail=mail)
    one = registry.BY_NAME[target]
    world = rendering.world(known, overlays.places(known), [one])
    return artifacts.joined([one.everywhere(world), *map(one.in_place, world.scenes)])


@cache
def files(target: str, name: str, *, mail: bool = True) -> dict[str, str]:
    """Path without the target's name -> text."""
    units = made(target, name, mail=mail).units
    return {unit.path.removeprefix(f"{target}/"): unit.make() for unit in units}


def places(name: str) -> list[str]:
    """The places of an estate."""
    return [str(place) for place in overlays.places(estate(name))]


def write(target: str, name: str, folder: pathlib.Path, *, mail: bool = True) -> pathlib.Path:
    """The files of a target in a folder."""
    for path, text in files(target, name, mail=mail).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def free_port() -> int:
    """A port of the loopback interface that nobody has."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def ask(url: str, body: object = None) -> Any:
    """The JSON that a server answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text.strip() else None


@contextlib.contextmanager
def served(command: list[str], url: str, log: pathlib.Path) -> Iterator[None]:
    """A server that is ready at `url`; it is ended whatever happens."""
    environment = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    with log.open("w") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while not _ready(url):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE_SECONDS)


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False
