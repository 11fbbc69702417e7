"""catalogue: what the shop sells. Reads only, from memory."""

import asyncio

from shop import settings, web

_GOODS = (
    ("Surveyor's chain", 4800),
    ("Plumb line", 950),
    ("Spirit level", 2100),
    ("Theodolite", 61900),
    ("Drawing compass", 1750),
    ("Sounding lead", 1300),
    ("Stone chisel", 1850),
    ("Mason's trowel", 1450),
    ("Lewis iron", 3900),
    ("Block and tackle", 8700),
    ("Hemp rope, 20 m", 2600),
    ("Wrought-iron chain link", 5400),
    ("Suspension rod", 7300),
    ("Pulley wheel", 3100),
    ("Lock-gate hinge", 9900),
    ("Sluice paddle", 6600),
    ("Puddle clay, 10 kg", 700),
    ("Lime mortar, 25 kg", 1100),
    ("Ashlar block", 3300),
    ("Keystone", 8200),
    ("Milestone", 12500),
    ("Toll-house lantern", 5700),
    ("Field notebook", 650),
    ("Canal map", 1200),
)
PRODUCTS = {
    f"p{number:02d}": {"id": f"p{number:02d}", "name": name, "price_cents": price}
    for number, (name, price) in enumerate(_GOODS, start=1)
}


async def products(_: web.Call) -> web.Reply:
    """GET /products: everything."""
    return web.reply({"products": list(PRODUCTS.values())})


async def product(call: web.Call) -> web.Reply:
    """GET /products/{id}: one product."""
    found = PRODUCTS.get(call.parameters["id"])
    if found is None:
        raise web.RefusedError(404, f"no product {call.parameters['id']!r}")
    return web.reply(found)


async def main() -> None:
    """Serve until SIGTERM."""
    given = settings.Settings("catalogue")
    app = web.App(given.service, given.version, given.log())
    app.route("GET", "/products", products)
    app.route("GET", "/products/{id}", product)
    await web.run(app, given.host, given.port)


if __name__ == "__main__":
    asyncio.run(main())
