"""The first line of a generated text: who made it, of what, and where to change it instead.

Called by targets whose files have comments; Kubernetes objects say the same by annotation.
"""

from telford.road import conventions


def comment(address: str, mark: str = "#") -> str:
    """One line that ends in a newline; `mark` begins a comment in the language of the file."""
    return f"{mark} Made by {conventions.MANAGER} of {address}. Change the estate, not this file.\n"
