"""A client of the portal without a network, and one for an estate made on the spot."""

import asyncio
import pathlib
from dataclasses import dataclass, field
from typing import Any

import httpx
import portal_scene
from fastapi import FastAPI

from telford.portal import guard, server

HOST = "127.0.0.1:8000"
ORIGIN = f"http://{HOST}"
HOSTS = frozenset({HOST, "localhost:8000"})


@dataclass
class Client:
    """Requests to an application in this process, signed in unless `cookies` says otherwise."""

    app: FastAPI
    cookies: dict[str, str] = field(default_factory=dict)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, **more))

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        headers = {"origin": ORIGIN, "sec-fetch-site": "same-origin", **more.pop("headers", {})}
        return self.request("POST", path, headers=headers, **more)

    async def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        headers = {"accept": "text/html", **more.pop("headers", {})}
        async with httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, cookies=self.cookies
        ) as client:
            return await client.request(method, path, headers=headers, **more)


def client_of(scene: portal_scene.Scene) -> Client:
    """A signed-in client of a scene's portal."""
    door = guard.keys(portal_scene.TOKEN, HOSTS)
    return Client(server.create_app(scene.context(HOSTS)), {door.cookie_name: door.cookie_value})


@dataclass
class Describe:
    """Writes texts into a folder and opens a portal on it."""

    folder: pathlib.Path

    def __call__(self, texts: dict[str, str]) -> Client:
        estate = self.folder / "estate"
        estate.mkdir(exist_ok=True)
        for name, text in texts.items():
            (estate / name).write_text(text)
        self.scene = portal_scene.Scene(self.folder, estate=estate)
        return client_of(self.scene)
