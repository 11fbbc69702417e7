"""`ports.Hooks` for one machine: which of the two ways a hook is asked in.

Made by `telford up` with the estate's folder; the environment is handed in, for keys and tokens are
named by their variables and never kept.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from telford.backends.hooks import calling, running
from telford.basics import clock as clocks
from telford.basics.errors import PermanentError
from telford.deliver import codec
from telford.deliver.gate_settings import Command, Webhook
from telford.ports import Said


class Hooks:
    """See the module. `folder` is None where no command may run."""

    def __init__(
        self, folder: Path | None, environment: Mapping[str, str], clock: clocks.Clock
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._environment = environment

    def ask(self, hook: Mapping[str, Any], about: Mapping[str, str]) -> Said:
        """See `ports.Hooks.ask`."""
        plain = {name: value for name, value in hook.items() if name != "kind"}
        if hook["kind"] == "webhook":
            return calling.ask(codec.decode(Webhook, plain), about, self._environment, self._clock)
        if self._folder is None:
            raise PermanentError(
                "this controller runs no commands", fix="run the estate with: telford up"
            )
        command = codec.decode(Command, plain)
        return running.run(command, about, self._folder, self._environment)
