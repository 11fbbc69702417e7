"""A client of the YAML language server, as small as an editor can be: over stdio, one at a time."""

import contextlib
import json
import pathlib
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

Message = dict[str, Any]


class Editor:
    """Opens texts, and asks what may be written where and what is wrong. A `|` marks the cursor."""

    def __init__(self, process: "subprocess.Popen[bytes]", schema: pathlib.Path) -> None:
        self._process = process
        self._schema = schema.as_uri()
        self._count = 0
        asked = {
            "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
            "hover": {},
        }
        capabilities = {"textDocument": asked, "workspace": {"configuration": True}}
        self._request(
            "initialize", {"processId": None, "rootUri": None, "capabilities": capabilities}
        )
        self._notify("initialized", {})
        # The server asks for its settings when it likes: until then nothing is wrong with anything.
        uri = self._open("a: 1")
        self._until(
            lambda m: (
                m.get("method") == "textDocument/publishDiagnostics"
                and m["params"]["uri"] == uri
                and bool(m["params"]["diagnostics"])
            )
        )

    def offered(self, text: str) -> list[str]:
        """What is offered at the cursor."""
        found = self._request("textDocument/completion", self._at(text))
        return [item["label"] for item in (found or {}).get("items", [])]

    def hovered(self, text: str) -> str:
        """What is shown about the word under the cursor."""
        found = self._request("textDocument/hover", self._at(text))
        return found["contents"]["value"] if found else ""

    def wrong(self, text: str) -> list[str]:
        """What is marked, each with its line from 1."""
        uri = self._open(text)
        message = self._until(
            lambda m: (
                m.get("method") == "textDocument/publishDiagnostics" and m["params"]["uri"] == uri
            )
        )
        items = message["params"]["diagnostics"]
        return [f"{item['range']['start']['line'] + 1}: {item['message']}" for item in items]

    def _at(self, text: str) -> Message:
        before = text[: text.index("|")]
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        return {
            "textDocument": {"uri": self._open(text.replace("|", "", 1))},
            "position": position,
        }

    def _open(self, text: str) -> str:
        self._count += 1
        uri = f"file:///estate/{self._count}.yaml"
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def _request(self, method: str, params: Message) -> Any:
        self._count += 1
        number = self._count
        self._send({"id": number, "method": method, "params": params})
        return self._until(lambda m: m.get("id") == number and "method" not in m).get("result")

    def _notify(self, method: str, params: Message) -> None:
        self._send({"method": method, "params": params})

    def _until(self, is_meant: Callable[[Message], bool]) -> Message:
        while True:
            message = self._receive()
            if "method" in message and "id" in message:
                self._answer(message)
            elif is_meant(message):
                return message

    def _answer(self, message: Message) -> None:
        """What the server asks of an editor: its settings."""
        result: Any = None
        if message["method"] == "workspace/configuration":
            settings = {
                "yaml": {
                    "schemas": {self._schema: "*"}, "completion": True, "validate": True, "hover": True,
                    "schemaStore": {"enable": False},
                }
            }  # fmt: skip
            items = message["params"]["items"]
            result = [settings.get(item.get("section", ""), {}) for item in items]
        self._send({"id": message["id"], "result": result})

    def _send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _receive(self) -> Message:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server went away"
        message: Message = json.loads(self._process.stdout.read(length))
        return message


@contextlib.contextmanager
def editor(program: str, schema: pathlib.Path) -> Iterator[Editor]:
    """An editor with the language server behind it, for as long as it is needed."""
    pipe = subprocess.PIPE
    with subprocess.Popen([program, "--stdio"], stdin=pipe, stdout=pipe) as process:
        try:
            yield Editor(process, schema)
        finally:
            process.kill()
