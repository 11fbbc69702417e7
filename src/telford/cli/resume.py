"""`telford resume`: let a paused or held release go on."""

from telford.cli import options, running


def command(
    release: running.ReleaseName,
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Let a paused or held release go on from where it is.

    Example: telford resume storefront
    """
    running.order(
        "resume",
        estate,
        release,
        reason,
        as_json=as_json,
        says="goes on; its deadline counts from now",
    )
