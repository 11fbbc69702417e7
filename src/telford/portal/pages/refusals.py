"""What a person sees who is not let in, or who asked for what is not there: what happened, and
what to do.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Scope

from telford.portal import page as pages
from telford.portal.guard import Answer

WORDS: Mapping[Answer, tuple[int, str]] = {
    Answer.NOT_SIGNED_IN: (401, "not signed in"),
    Answer.WRONG_HOST: (421, "this portal does not answer to that host name"),
    Answer.FOREIGN: (403, "the request came from another origin"),
    Answer.TOO_LARGE: (413, "the request is too large, or does not say how large it is"),
}

_TITLES: Mapping[int, str] = {
    404: "There is nothing at this address",
    405: "This address does not take that method",
    409: "The answer is no",
    422: "That makes no sense here",
    500: "Telford made a mistake",
    503: "Something outside does not answer",
}


def page(answer: Answer, scope: Scope) -> HTMLResponse:
    """The page of a request that was not let in. Shows nothing of the estate, not even its name."""
    status, words = WORDS[answer]
    text = (
        pages.environment()
        .get_template("refused.html")
        .render(status=status, words=words, again=scope["path"])
    )
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    return HTMLResponse(text, status_code=status, headers=headers)


def problem(request: Request, status: int, message: str, fix: str = "") -> HTMLResponse:
    """The page of a request that was let in and cannot be answered."""
    title = _TITLES.get(status, "This did not work")
    sheet = pages.Sheet("", title, (pages.Crumb(title),), status=status)
    return pages.render(request, "problem.html", sheet, message=message, fix=fix)
