"""``/events``: the stream of changes that open pages listen to."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from telford.portal import live

router = APIRouter(include_in_schema=False)


@router.get("/events")
async def events(request: Request) -> Response:
    """A stream of changes of the topics that the query names."""
    pulse: live.Pulse = request.app.state.pulse
    topics = tuple(dict.fromkeys(request.query_params.getlist("topic")))
    if len(topics) > live.MAX_TOPICS or not all(pulse.known(topic) for topic in topics):
        return JSONResponse({"error": "there is no such topic"}, status_code=422)
    if pulse.full:
        return JSONResponse(
            {"error": "too many open pages; close some"},
            status_code=503,
            headers={"retry-after": "5"},
        )
    return StreamingResponse(pulse.events(topics), media_type="text/event-stream")


@router.get("/alive", status_code=204)
def alive() -> None:
    """Nothing: a page that lost its stream asks whether it is still let in."""
