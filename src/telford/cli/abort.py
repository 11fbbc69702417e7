"""`telford abort`: roll a release back by hand."""

from telford.cli import options, running


def command(
    release: running.ReleaseName,
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Roll a release back now: all traffic to the stable version, the new one stopped.

    Example: telford abort storefront --reason "customers call"
    """
    running.order("abort", estate, release, reason, as_json=as_json, says="rolling back now")
