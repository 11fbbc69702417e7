"""Forms: small urlencoded bodies, read once, with limits; and the person who sends them."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from telford.basics.errors import UsageError

MAX_FIELDS = 20
MAX_TEXT = 2_000
"""A reason is a sentence or two."""


async def form(request: Request) -> dict[str, str]:
    """The fields of a form; a field given twice counts once. Raises `UsageError` otherwise.

    The size of the body is limited by `telford.portal.guard`.
    """
    body = await request.body()
    if not body:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise UsageError(f"a form comes as application/x-www-form-urlencoded, not {kind!r}")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise UsageError("the form cannot be read") from error
    return {key: value.strip()[:MAX_TEXT] for key, value in pairs}
