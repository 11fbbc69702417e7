"""The shop's log: one JSON object a line on standard output, for starts, stops and errors only."""

import json
import os
import pathlib
import time
from collections.abc import Callable

Log = Callable[..., None]


def logger(service: str, version: str) -> Log:
    """A function `log(event, **fields)` that writes one line for `service`."""
    fixed = {"service": service, "version": version, "pid": os.getpid()}

    def log(event: str, **fields: object) -> None:
        line = {"at": round(time.time(), 3), **fixed, "event": event, **fields}
        print(json.dumps(line, default=str), flush=True)

    return log


def error_text(error: BaseException) -> str:
    """An exception in one line: its type, what it says, and where it was raised."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f" ({pathlib.Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{place}"
