"""A service whose data change: 1.0.0 knows `contact`, 1.1.0 knows `email` and nothing of `contact`.

Each request reads one of the first customers, and every fifth or so adds a new one. 1.1.0 answers 500 where an old
customer has no email: its data were to be there before it got a request.
"""

import os
import random
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg

PORT, VERSION, ROWS = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
COLUMN = "contact" if VERSION == "1.0.0" else "email"
LOCAL = threading.local()


def connection() -> psycopg.Connection:
    if getattr(LOCAL, "found", None) is None:
        LOCAL.found = psycopg.connect(
            os.environ["DATA_URL"].replace("+psycopg", ""), autocommit=True
        )
    return LOCAL.found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, text = 200, VERSION
        if "health" not in self.path:
            try:
                status, text = self._serve()
            except psycopg.Error as error:
                LOCAL.found = None
                status, text = 500, f"{VERSION}: {error}"
        body = text.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _serve(self) -> tuple[int, str]:
        key = random.randint(1, ROWS)
        query = f"SELECT {COLUMN} FROM customers WHERE id = %s"
        found = connection().execute(query, (key,)).fetchone()
        if key % 5 == 0:
            connection().execute(f"INSERT INTO customers ({COLUMN}) VALUES ('new@x')")
        if found is None or found[0] is None:
            return 500, f"{VERSION}: customer {key} has no {COLUMN}"
        return 200, VERSION

    def log_message(self, *_words: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
