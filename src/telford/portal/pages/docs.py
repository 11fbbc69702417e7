"""Docs: the words, the keyboard, the commands, and the API, made from the application itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from telford.portal import page

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API."""

    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[str, ...]


@router.get("/docs")
def show(request: Request) -> Response:
    """The page, from the OpenAPI description: it cannot be out of date."""
    sheet = page.Sheet("docs", "Docs", (page.Crumb("Docs"),))
    operations = tuple(_operations(request.app.openapi()))
    return page.render(request, "docs.html", sheet, operations=operations)


def _operations(described: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in described.get("paths", {}).items():
        for method, operation in methods.items():
            yield Operation(
                method=method.upper(),
                path=path,
                summary=operation.get("summary", ""),
                description=operation.get("description", ""),
                parameters=tuple(one["name"] for one in operation.get("parameters", ())),
            )
