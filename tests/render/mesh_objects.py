"""What one of the targets of gateways, meshes and scalers makes of a text, by kind and name."""

from typing import Any

import rendered


def objects(text: str, target: str, place: str = "prod") -> dict[str, dict[str, Any]]:
    """Objects by ``Kind/name``; those of another group of the same kind by ``Kind/name group``."""
    found: dict[str, dict[str, Any]] = {}
    for unit in rendered.rendering(text, target, place).units:
        for item in unit.objects():
            title = f"{item['kind']}/{item['metadata']['name']}"
            if title in found:
                title = f"{title} {item['metadata']['namespace']}"
            assert title not in found
            found[title] = item
    return found
