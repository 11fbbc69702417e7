"""`telford refuse`: say no at a gate of a release."""

from telford.cli import options, running, standing_gates


def command(
    release: running.ReleaseName,
    gate: standing_gates.GateName = "",
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Refuse a release at a gate that asks for people: it stays closed until you withdraw.

    Example: telford refuse storefront --reason "the copy is wrong"
    """
    standing_gates.act("refuse", estate, release, gate, reason, as_json=as_json)
