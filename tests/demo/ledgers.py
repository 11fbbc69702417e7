"""Two releases of the shop as a real demo recorded them: one promoted, one rolled back.

`recorded/*.json` hold the release's row and entries of its ledger (of the good one those around
its decisions); the place's and the orders' bookkeeping is left out of the rows.
"""

import dataclasses
import json
import pathlib

from telford.app import demo, demo_story
from telford.deliver.state import Entry, State
from telford.store.releases import Release

FOLDER = pathlib.Path(__file__).parent / "recorded"


@dataclasses.dataclass(frozen=True)
class Recorded:
    row: Release
    state: State
    entries: list[Entry]

    def played(self) -> demo.Played:
        """The release as the demo has it at its end."""
        return demo.Played(self.row, self.entries, self.state, agrees=True)


def recorded(name: str) -> Recorded:
    found = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    row = Release(**found["row"])
    entries = [Entry.from_json(one) for one in found["entries"]]
    return Recorded(row, State.from_json(row.state), entries)


def told(found: Recorded) -> tuple[demo_story.Story, list[str]]:
    """The story after the last entry, and every line of it."""
    story = demo_story.Story(found.state.policy, found.row.created_at)
    lines = [line.text for entry in found.entries for line in story.hear(entry)]
    return story, lines
