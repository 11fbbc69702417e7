"""Workers on the local place: how they say what they did."""

from collections.abc import Iterator

from telford.estate.codes import Code, service
from telford.estate.kinds.structure import Service
from telford.rules.rule import Finding, Rule, Subject
from telford.rules.strategies import WORKERS

PAGE = "{metrics_port}"
"""Stands for the port on which a worker says what it did; see docs/guides/local-workers.md."""

_LOCAL = "run: {{image: x:1, local: {{command: [python, -m, w], env: {{PAGE: '{port}'}}}}}}"
_JOB = "type: job\n" + _LOCAL.format(port=PAGE)


def _page(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Service)
    local = spec.run.local
    if local is None or subject.lost("type"):
        return
    for name, text in local.env.items():
        if PAGE in text and spec.type not in WORKERS:
            yield _finding(("run", "local", "env", name), spec)
    for index, word in enumerate(local.command):
        if PAGE in word and spec.type not in WORKERS:
            yield _finding(("run", "local", "command", index), spec)


def _finding(path: tuple[str | int, ...], spec: Service) -> Finding:
    return Finding(
        path,
        f"`{spec.name}` answers requests, so nobody gives it {PAGE}",
        "its requests are counted in front of it: use {port}, or remove it",
    )


RULES: tuple[Rule, ...] = (
    Rule(
        Code(
            "TEL770",
            "a worker's port at a service with requests",
            "The place gives a port for counting only to workers, which have no other: it would"
            " refuse to start the service.",
            service("type: http\n" + _LOCAL.format(port=PAGE)),
            service(_JOB),
            "`{metrics_port}` in `run.local` belongs to workers, jobs and crons.",
        ),
        (Service,),
        _page,
    ),
)
