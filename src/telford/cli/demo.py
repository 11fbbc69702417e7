"""`telford demo`: watch the example shop get a good version and a bad one."""

import contextlib
import dataclasses
import importlib.metadata
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import rich.console
import rich.text
import typer

from telford.app import demo, demo_customers, demo_folder, demo_story, serving, up, wiring
from telford.app.demo_customers import Customers, Seen
from telford.backends import process
from telford.basics.clock import Clock, SystemClock
from telford.cli import options, output, running
from telford.flows.controller import Pace
from telford.portal import serve, wired

Once = Annotated[bool, typer.Option("--once", help="end after the two releases; nothing stays up")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="the shop's port (0: a free one)")]
PortalPort = Annotated[
    int, typer.Option("--portal-port", min=0, max=65535, help="the portal's port (0: a free one)")
]
Rate = Annotated[float, typer.Option(min=20, max=1000, help="the customers' requests a second")]
Seed = Annotated[int, typer.Option(help="decides what the customers ask for, and when")]

# Where nothing moves (a file, a pipe), how it stands is said this often.
PLAIN_SECONDS = 5.0
_INDENT = " " * 10
_STYLES = {demo_story.GOOD: "green", demo_story.BAD: "red", "title": "bold"}
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def command(
    once: Once = False,
    port: Port = 0,
    portal_port: PortalPort = 0,
    rate: Rate = 200.0,
    seed: Seed = 1,
    as_json: options.Json = False,
) -> None:
    """Run the example shop behind a real Envoy, release a good version and a bad one, tell it all.

    It runs the processes of examples/shop in a state folder of its own, .telford/demo. Afterwards
    shop and portal stay up until Ctrl-C; with --once everything is stopped. Exit code 0: the good
    version was promoted by its evidence, the bad one rolled back, and nothing failed but by the bad
    one's own fault; 1: not so, and it says what.

    Example: telford demo
    Example: telford demo --once --rate 100
    """
    here, clock = Path.cwd(), SystemClock()
    example = demo_folder.example(here)
    kept = wiring.files(demo_folder.settings(options.settings(), here), example.estate)
    screen = Screen(output.errors_console() if as_json else output.console(), clock)
    stage = demo.Stage(example, kept, clock, screen, running.who())
    ports = _Ports(port, portal_port)
    with _signals() as interrupted, demo_folder.taken(kept, clock) as left:
        if left:
            screen.say("an earlier demo had left its services running: they are stopped")
        with contextlib.ExitStack() as ends:
            show = _open(stage, ports, demo_customers.Crowd(rate, seed), ends)
            troubles = _perform(show, once=once, as_json=as_json)
            if not once:
                _stay(show, interrupted)
    if troubles:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Ports:
    shop: int
    portal: int


@dataclass(frozen=True, slots=True)
class _Show:
    """A demo that runs: what it is played on, what runs, who came, where the portal is."""

    stage: demo.Stage
    running: up.Running
    customers: Customers
    portal: str


def _open(
    stage: demo.Stage, ports: _Ports, crowd: demo_customers.Crowd, ends: contextlib.ExitStack
) -> _Show:
    """Everything that has to run before there is something to see; `ends` stops it, last first."""
    screen = stage.voice
    screen.say(
        "Telford's demo: a shop of six services on this machine, two releases of one of them"
    )
    screen.say("Check the estate", "title")
    estate = demo.check(stage)
    screen.say("Build it", "title")
    demo.build(stage, stage.kept.state / "build")
    screen.say("Start it", "title")
    listening = serve.listen(ports.portal)
    ends.callback(listening.close)
    pace = Pace(tick=options.settings().tick_seconds)
    started = demo.start(stage, estate, ports.shop, pace)
    ends.callback(started.stop_all)
    portal = _portal(stage, started, listening, ends)
    ends.callback(screen.say, "stopping the customers, the portal, the services and Envoy ...")
    screen.say(f"watch it in the portal: {portal}")
    screen.say("Let customers come", "title")
    customers = demo.invite(stage, started, crowd)
    ends.callback(customers.leave, stage.clock)
    ends.callback(screen.say, "Stop everything", "title")
    demo.settle(stage, customers)
    return _Show(stage, started, customers, portal)


def _portal(
    stage: demo.Stage, started: up.Running, listening: socket.socket, ends: contextlib.ExitStack
) -> str:
    """The portal as `telford up` has it; its start link."""
    token = serve.new_token()
    place = str(started.binding.place)
    local = demo.local_of(stage.example)
    out = stage.kept.state / "build"
    held = wired.Held(
        stage.example.estate, local, started.store, stage.clock, place, stage.who, out
    )
    context = wired.context(
        held,
        hosts=serve.hosts(listening),
        token=token,
        version=importlib.metadata.version("telford"),
    )
    ends.callback(serve.start(context, listening).stop)
    link = serve.link(listening, token)
    found = serving.Serving(process.identity(), place, started.place.ingress_url, link)
    serving.write(stage.kept, found)
    ends.callback(serving.forget, stage.kept)
    return link


def _perform(show: _Show, *, once: bool, as_json: bool) -> tuple[str, ...]:
    """The acts, and what did not go as promised."""
    screen = show.stage.voice
    played = []
    for act in demo.ACTS:
        screen.say(f"Release {demo.SERVICE} {act.version}, {act.about}", "title")
        played.append(demo.play(show.stage, show.running, act))
    seen = show.customers.leave(show.stage.clock) if once else show.customers.seen()
    troubles = demo.shortcomings(played, seen)
    screen.say("What happened", "title")
    for line in demo.summary(played, seen):
        screen.say(line.text, line.tone)
    for trouble in troubles:
        screen.say(f"not as promised: {trouble}", demo_story.BAD)
    if as_json:
        output.json(_json(show, played, seen, troubles))
    return troubles


def _json(
    show: _Show, played: list[demo.Played], seen: Seen, troubles: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "releases": [one.as_json() for one in played],
        "customers": dataclasses.asdict(seen),
        "portal": show.portal,
        "as_promised": not troubles,
        "troubles": list(troubles),
    }


def _stay(show: _Show, interrupted: Callable[[], bool]) -> None:
    """Until somebody ends it; whatever is released meanwhile is told as well."""
    screen = show.stage.voice
    screen.say("Now you", "title")
    screen.say(f"portal: {show.portal}")
    for line in _advice(show.stage):
        screen.say(line)
    screen.say("Ctrl-C stops everything")
    try:
        demo.tell_others(show.stage, show.running)
    except KeyboardInterrupt:
        if not interrupted():
            raise


def _advice(stage: demo.Stage) -> Iterator[str]:
    estate, state = demo.near(stage.example.estate), demo.near(stage.kept.state)
    telford = _myself()
    yield "in another terminal, in this folder:"
    yield f"  export TELFORD_ESTATE={shlex.quote(estate)} TELFORD_STATE={shlex.quote(state)}"
    yield f"  {telford} status"
    yield f"  {telford} release {demo.SERVICE} --version 1.3.0 --watch   # slow in its tail"


def _myself() -> str:
    """How this command is called from here."""
    name = sys.argv[0]
    return "telford" if shutil.which("telford") == name else demo.near(Path(name).absolute())


class Screen:
    """The story: plain lines in a file, colours and one moving line on a terminal."""

    def __init__(self, console: rich.console.Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._moving: tuple[str, ...] = ()
        self._said_at = clock.monotonic()

    def say(self, text: str, tone: str = "") -> None:
        """See `demo.Voice`."""
        self._clear()
        if tone == "title":
            self._console.print()
        indent = "" if tone == "title" else "  "
        styled = rich.text.Text(f"{indent}{text}", style=_STYLES.get(tone, ""))
        self._console.print(styled, soft_wrap=True)
        self._console.file.flush()
        self._said_at = self._clock.monotonic()

    def live(self, lines: Sequence[str]) -> None:
        """See `demo.Voice`."""
        if not self._console.is_terminal:
            if self._clock.monotonic() - self._said_at >= PLAIN_SECONDS:
                self.say(f"{_INDENT}{'; '.join(lines)}")
            return
        # A line that wrapped could not be taken back.
        shown = tuple(f"  {line}"[: self._console.width - 1] for line in lines)
        if shown != self._moving:
            self._clear()
            self._console.file.write("\n".join(shown))
            self._console.file.flush()
            self._moving = shown

    def _clear(self) -> None:
        if self._moving:
            up = "\x1b[1A\r\x1b[2K" * (len(self._moving) - 1)
            self._console.file.write(f"\r\x1b[2K{up}")
            self._moving = ()


@contextlib.contextmanager
def _signals() -> Iterator[Callable[[], bool]]:
    """Ctrl-C, SIGTERM and a closed terminal end the demo in order, once: those that come while it
    stops are too late to matter. Yields whether there was one.
    """
    came: list[int] = []

    def asked(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        if len(came) == 1:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, asked) for number in _SIGNALS}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
