"""Which place a command is about. Called by every command with `--in` that needs exactly one."""

from telford.basics.errors import UsageError
from telford.estate import overlays
from telford.estate.model import Estate
from telford.estate.place import Place


def choose(estate: Estate, text: str) -> Place:
    """The place of that name; without one the first environment. Raises `UsageError`."""
    places = overlays.places(estate)
    if not places:
        raise UsageError("the estate describes no Environment", fix="describe one, such as dev")
    if not text:
        return places[0]
    found = next((one for one in places if str(one) == text), None)
    if found is None:
        known = ", ".join(str(one) for one in places)
        raise UsageError(f"there is no place {text!r}", fix=f"one of: {known}")
    return found
