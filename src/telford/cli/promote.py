"""`telford promote`: finish a release by hand."""

from telford.cli import options, running


def command(
    release: running.ReleaseName,
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Give a release's new version all traffic now, without waiting for its evidence.

    Example: telford promote storefront --reason "verified by hand"
    """
    running.order(
        "promote",
        estate,
        release,
        reason,
        as_json=as_json,
        says="all traffic goes to the new version now",
    )
