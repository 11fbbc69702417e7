"""The one error hierarchy.

    TelfordError
    ├── UsageError         the caller asked for something that makes no sense (exit code 2)
    ├── RefusedError       the answer is no: a problem in the estate, a closed gate (exit code 1)
    └── OutsideError       something outside failed (exit code 3)
        ├── TemporaryError   worth another try, after `retry_after_seconds`
        └── PermanentError   will fail again until somebody changes something

Problems *in an estate* are values (`telford.basics.diagnostics`), not exceptions. These are for
what cannot go on. A message says what failed; `fix` says what to do next; the cause is chained
with ``from`` and never repeated in the message.
"""


class TelfordError(Exception):
    """Base of all errors that Telford raises on purpose; shown as a sentence, never a traceback."""

    exit_code = 3

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class UsageError(TelfordError):
    """The caller asked for something that makes no sense."""

    exit_code = 2


class RefusedError(TelfordError):
    """The answer is no: a closed gate, a stale generation, an estate with errors."""

    exit_code = 1


class OutsideError(TelfordError):
    """Something outside (disk, network, a process, a tool) failed."""


class TemporaryError(OutsideError):
    """Worth another try after `retry_after_seconds`."""

    def __init__(self, message: str, *, fix: str = "", retry_after_seconds: float = 1.0) -> None:
        super().__init__(message, fix=fix)
        self.retry_after_seconds = retry_after_seconds


class PermanentError(OutsideError):
    """Will fail again until somebody changes something."""
