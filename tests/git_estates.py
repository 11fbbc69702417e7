"""A shop that is kept in a repository, for tests of what is written there."""

_HEAD = """\
# The shop.
apiVersion: telford/v1
kind: Team
name: platform
---
apiVersion: telford/v1
kind: Architecture
name: shop
owner: team/platform
targets: [TARGETS]
choices: {delivery: DELIVERY}
repository: {url: URL, path: deploy, estate: estate}
---
apiVersion: telford/v1
kind: System
name: shop
owner: team/platform
"""


def shop(
    places: tuple[str, ...],
    services: dict[str, str],
    *,
    delivery: str = "flux",
    url: str = "/srv/git/shop.git",
    targets: str = "kubernetes",
) -> str:
    """The estate. `places` are environments in their order, each its name and maybe more lines;
    `services` the fields of each by its name.
    """
    head = _HEAD.replace("TARGETS", targets).replace("DELIVERY", delivery).replace("URL", url)
    made = [
        f"apiVersion: telford/v1\nkind: Environment\norder: {order}\nname: {place}\n"
        for order, place in enumerate(places)
    ]
    made += [
        f"apiVersion: telford/v1\nkind: Service\nname: {name}\nsystem: shop\n"
        f"owner: team/platform\n{fields}\n"
        for name, fields in services.items()
    ]
    return "---\n".join([head, *made])
