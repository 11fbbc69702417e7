"""`telford override`: open a gate that is closed, with a reason."""

from telford.cli import options, running, standing_gates


def command(
    release: running.ReleaseName,
    gate: standing_gates.GateName = "",
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Open a gate for the rest of a release, where its `override` names you; kept in the audit log.

    Example: telford override storefront --gate freeze --reason "mends the outage of today"
    """
    standing_gates.act("override", estate, release, gate, reason, as_json=as_json)
