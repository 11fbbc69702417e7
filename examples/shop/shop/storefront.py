"""storefront: what customers reach. It keeps nothing itself and asks the services behind it."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from shop import settings, upstream, versions, web


class Storefront:
    """The four pages of the shop, as one version of the storefront serves them."""

    def __init__(self, given: settings.Settings, version: versions.Version) -> None:
        self._version = version
        self._page_views = version.page_views()
        self._catalogue = given.upstream("catalogue")
        self._orders = given.upstream("orders")
        self._recommendations = given.upstream("recommendations")

    async def home(self, _: web.Call) -> web.Reply:
        """GET /: all products and a few recommendations."""
        await self._page_views.seen()
        listing, recommended = await asyncio.gather(
            self._catalogue.get("/products"), self._suggestions("")
        )
        return web.reply({**listing, "recommended": recommended})

    async def product(self, call: web.Call) -> web.Reply:
        """GET /products/{id}: one product and a few recommendations beside it."""
        await self._page_views.seen()
        name = call.parameters["id"]
        found, recommended = await asyncio.gather(self._product(name), self._suggestions(name))
        return web.reply({**found, "recommended": recommended})

    async def place_order(self, call: web.Call) -> web.Reply:
        """POST /orders {"product": ID, "quantity": 1 to 10}: the new order."""
        await self._page_views.seen()
        name, quantity = _order(call.json())
        found = await self._product(name)
        total = self._version.price(found["price_cents"], quantity)
        order = {"product": name, "quantity": quantity, "total_cents": total}
        return web.reply(await self._orders.post("/orders", order), 201)

    async def order(self, call: web.Call) -> web.Reply:
        """GET /orders/{id}: the order, and how far it is."""
        await self._page_views.seen()
        found = await self._orders.get(f"/orders/{call.parameters['id']}")
        if found is None:
            raise web.RefusedError(404, f"no order {call.parameters['id']!r}")
        return web.reply(found)

    async def _product(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] | None = await self._catalogue.get(f"/products/{name}")
        if found is None:
            raise web.RefusedError(404, f"no product {name!r}")
        return found

    async def _suggestions(self, product: str) -> list[str]:
        """A few product ids; none at all when recommendations are slow or down."""
        try:
            answer = await self._recommendations.get(f"/recommendations?product={product}")
        except upstream.UnavailableError:
            return []
        return list(answer["products"]) if answer else []


def _order(body: dict[str, object]) -> tuple[str, int]:
    name, quantity = body.get("product"), body.get("quantity")
    if not isinstance(name, str) or not name.isalnum():
        raise web.RefusedError(400, "an order names a product")
    if type(quantity) is not int or not 1 <= quantity <= versions.MAX_QUANTITY:
        raise web.RefusedError(400, f"an order is for 1 to {versions.MAX_QUANTITY} pieces")
    return name, quantity


def chosen_version(given: settings.Settings, arguments: Sequence[str]) -> versions.Version:
    """The version named by the first argument or else by SHOP_VERSION."""
    number = arguments[0] if arguments else given.version
    if number not in versions.VERSIONS:
        known = ", ".join(versions.VERSIONS)
        raise settings.SettingError(f"storefront: no version {number!r}; there are {known}")
    return versions.VERSIONS[number]


async def main() -> None:
    """Serve until SIGTERM."""
    given = settings.Settings("storefront")
    version = chosen_version(given, sys.argv[1:])
    app = web.App(given.service, version.number, given.log())
    storefront = Storefront(given, version)
    app.route("GET", "/", storefront.home)
    app.route("GET", "/products/{id}", storefront.product)
    app.route("POST", "/orders", storefront.place_order)
    app.route("GET", "/orders/{id}", storefront.order)
    await web.run(app, given.host, given.port)


if __name__ == "__main__":
    asyncio.run(main())
