"""recommendations: what else one might like. Nice to have: the storefront lives without it."""

import asyncio
import random

from shop import catalogue, settings, web

HOW_MANY = 3


def picks(product: str) -> list[str]:
    """Products to show beside `product` (or on the home page, for ""): always the same ones."""
    others = [name for name in catalogue.PRODUCTS if name != product]
    return random.Random(product).sample(others, HOW_MANY)


async def recommend(call: web.Call) -> web.Reply:
    """GET /recommendations?product=ID: the ids of a few products."""
    return web.reply({"products": picks(call.query.get("product", ""))})


async def main() -> None:
    """Serve until SIGTERM."""
    given = settings.Settings("recommendations")
    app = web.App(given.service, given.version, given.log())
    app.route("GET", "/recommendations", recommend)
    await web.run(app, given.host, given.port)


if __name__ == "__main__":
    asyncio.run(main())
