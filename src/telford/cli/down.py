"""`telford down`: stop what `telford up` started."""

import contextlib
from pathlib import Path

from telford.app import loading, places, serving, wiring
from telford.backends.local.place import LocalPlace
from telford.basics.clock import SystemClock
from telford.basics.errors import TemporaryError
from telford.cli import options, output

STOP_SECONDS = 30.0


def command(
    place: options.In = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Drain and stop the services, Envoy, the controller and the portal.

    Records stay. A release on its way goes on where it was at the next `telford up`.

    Example: telford down
    """
    folder = options.folder(estate)
    kept = wiring.files(options.settings(), folder)
    clock = SystemClock()
    served = serving.read(kept)
    name = served.place if served and not place else _name(folder, place)
    stopped = serving.stop(kept, clock, STOP_SECONDS) if served and served.place == name else False
    with contextlib.suppress(TemporaryError):  # nothing answers: it is down
        LocalPlace.connect(kept.place(name), clock).stop()
        stopped = True
    if as_json:
        output.json({"place": name, "stopped": stopped})
    else:
        output.line(f"{name} is down" if stopped else f"{name} was not up")


def _name(folder: Path, place: str) -> str:
    return str(places.choose(loading.load_folder(folder, options.estate_cache()).estate, place))
