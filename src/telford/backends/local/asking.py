"""One GET on a replica's own port: is it ready, and what did it do.

HTTP/1.0, one connection, a limit in seconds and in bytes. Used by `replica`.
"""

import asyncio

# A page of counters is a few kilobytes; a service's health page is mostly empty.
MAX_BYTES = 1_000_000


class NoAnswerError(Exception):
    """What came instead of a good answer, as the end of a sentence: ``answered HTTP/1.1 503``."""


async def page(port: int, path: str, limit_seconds: float) -> str:
    """The body of a 2xx or 3xx answer; raises `NoAnswerError` for anything else."""
    try:
        async with asyncio.timeout(limit_seconds):
            answer = await _exchange(port, path)
    except TimeoutError as error:
        raise NoAnswerError(f"gave no answer within {limit_seconds:g} s") from error
    except (OSError, ValueError) as error:
        raise NoAnswerError(f"could not be asked ({error})") from error
    head, _, body = answer.partition(b"\r\n\r\n")
    line = head.split(b"\r\n", 1)[0]
    status = line.split()[1:2]
    if status and status[0][:1] in (b"2", b"3"):
        return body.decode(errors="replace")
    raise NoAnswerError(f"answered {line.decode(errors='replace').strip() or 'nothing'}")


async def _exchange(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            f"GET {path} HTTP/1.0\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode()
        )
        found = bytearray()
        while len(found) <= MAX_BYTES:
            data = await reader.read(65_536)
            found += data
            if not data or _whole(found):
                return bytes(found)
    finally:
        writer.close()
    raise ValueError(f"more than {MAX_BYTES} bytes")


def _whole(answer: bytearray) -> bool:
    """Whether all that the answer promises is there: some servers keep the connection open."""
    head, found, body = bytes(answer).partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length" and value.strip().isdigit():
            return len(body) >= int(value)
    return False
