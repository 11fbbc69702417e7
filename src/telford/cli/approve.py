"""`telford approve`: say yes at a gate of a release."""

from telford.cli import options, running, standing_gates


def command(
    release: running.ReleaseName,
    gate: standing_gates.GateName = "",
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Approve a release at a gate that asks for people, or name its change record.

    Who you are is TELFORD_WHO, else USER: the name, e-mail address or handle of a Person of the
    estate. Nobody approves what they started.

    Example: telford approve storefront --reason "checked on staging"
    Example: telford approve storefront --gate change --reason CHG-1234
    """
    standing_gates.act("approve", estate, release, gate, reason, as_json=as_json)
