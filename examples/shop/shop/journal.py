"""A durable append-only log in a folder: what the stream service keeps for each topic.

Records are lines of JSON in segment files named by their first offset. An append is with the
operating system before it returns: a killed process loses nothing, a power cut may (`database` says
why). A line torn by a crash is cut off when the log is opened again.
"""

import array
import os
import pathlib
from collections.abc import Sequence

SEGMENT_RECORDS = 10_000
KEPT_SEGMENTS = 20  # older records are dropped: a consumer this far behind starts at the oldest


class _Segment:
    """One file, and where each of its records begins."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.first = int(path.stem)
        self._ends = array.array("Q")
        self._file = path.open("a+b")
        self._recover()

    def __len__(self) -> int:
        return len(self._ends)

    def append(self, lines: Sequence[bytes]) -> None:
        position = self._ends[-1] if self._ends else 0
        self._file.write(b"".join(line + b"\n" for line in lines))
        self._file.flush()
        for line in lines:
            position += len(line) + 1
            self._ends.append(position)

    def read(self, offset: int, limit: int) -> list[bytes]:
        start = offset - self.first
        stop = min(start + limit, len(self._ends))
        begin = self._ends[start - 1] if start else 0
        data = os.pread(self._file.fileno(), self._ends[stop - 1] - begin, begin)
        return data.splitlines()

    def close(self) -> None:
        self._file.close()

    def _recover(self) -> None:
        self._file.seek(0)
        position = 0
        for line in self._file:
            if line.endswith(b"\n"):
                position += len(line)
                self._ends.append(position)
        self._file.truncate(position)
        self._file.seek(0, os.SEEK_END)


class Journal:
    """The log of one topic: offsets count records from 0 and never change."""

    def __init__(self, folder: pathlib.Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._segments = [_Segment(path) for path in sorted(folder.glob("*.jsonl"))]
        if not self._segments:
            self._begin(0)

    @property
    def oldest(self) -> int:
        """The offset of the oldest record that is still kept."""
        return self._segments[0].first

    @property
    def next(self) -> int:
        """The offset that the next record will get."""
        return self._segments[-1].first + len(self._segments[-1])

    def append(self, lines: Sequence[bytes]) -> int:
        """Append JSON texts without line breaks; the offset of the first of them."""
        first = self.next
        if len(self._segments[-1]) >= SEGMENT_RECORDS:
            self._begin(first)
        self._segments[-1].append(lines)
        return first

    def read(self, offset: int, limit: int) -> tuple[int, list[bytes]]:
        """Up to `limit` records of one segment, from `offset` or the oldest that is kept; and the
        offset of the first of them.
        """
        start = max(offset, self.oldest)
        for segment in reversed(self._segments):
            if segment.first <= start < segment.first + len(segment):
                return start, segment.read(start, limit)
        return start, []

    def close(self) -> None:
        """Close the files."""
        for segment in self._segments:
            segment.close()

    def _begin(self, offset: int) -> None:
        self._segments.append(_Segment(self._folder / f"{offset:015d}.jsonl"))
        while len(self._segments) > KEPT_SEGMENTS:
            oldest = self._segments.pop(0)
            oldest.close()
            oldest.path.unlink()
