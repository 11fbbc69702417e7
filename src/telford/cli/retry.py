"""`telford retry`: try the version of a release that ended once more."""

from telford.app import control, release_again
from telford.app import status as views
from telford.basics.clock import SystemClock
from telford.cli import options, output, running


def command(
    release: running.ReleaseName,
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Release the same version again, with the settings that it had, as a new release.

    Example: telford retry storefront --reason "the outage of the payments is over"
    """
    now = SystemClock().now()
    with running.records(estate) as store:
        ended = control.find(store, release)
        prepared = release_again.retry(store, ended, now=now)
        if not as_json:
            output.note(prepared.forecast.sentence)
        row = release_again.start(
            store,
            prepared,
            who=running.who(),
            why=f"retry of {ended.id}",
            reason=reason,
            now=now,
        )
        if as_json:
            output.json({**prepared.as_json(), **views.release_json(row), "retries": ended.id})
        else:
            output.line(f"{row.id} is {row.phase}")
