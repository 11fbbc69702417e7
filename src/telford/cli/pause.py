"""`telford pause`: hold a release where it is."""

from telford.cli import options, running


def command(
    release: running.ReleaseName,
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Keep a release at its weight; it is still watched and can still roll back.

    Example: telford pause storefront --reason "lunch"
    """
    running.order(
        "pause",
        estate,
        release,
        reason,
        as_json=as_json,
        says="stays where it is; it is still watched and can roll back",
    )
