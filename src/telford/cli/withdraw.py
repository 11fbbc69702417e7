"""`telford withdraw`: take back what one said at a gate."""

from telford.cli import options, running, standing_gates


def command(
    release: running.ReleaseName,
    gate: standing_gates.GateName = "",
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Take back your approval, refusal or override, as long as the release has not gone on.

    Example: telford withdraw storefront --reason "the copy is right now"
    """
    standing_gates.act("withdraw", estate, release, gate, reason, as_json=as_json)
