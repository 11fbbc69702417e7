"""`telford hold`: hold a release until somebody lets it go on."""

from telford.cli import options, running


def command(
    release: running.ReleaseName,
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Hold a release where it is until somebody resumes, promotes or aborts it.

    It is still watched: a version that is shown to be worse is rolled back all the same.

    Example: telford hold storefront --reason "waiting for the shop's sale to end"
    """
    running.order(
        "hold", estate, release, reason, as_json=as_json, says="held where it is; still watched"
    )
