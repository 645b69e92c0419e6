"""A local server that speaks OpenAI's protocol as it is told to, and keeps what came over the wire."""

import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Reply:
    """One answer: its status, its body, how long it takes, and how many bytes it promises (None: those of the body)."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    promised: int | None = None

    @classmethod
    def saying(cls, content: Any, *, finish_reason: str = "stop") -> Self:
        """A chat completion whose message is a text, or a value as JSON."""
        text = content if isinstance(content, str) or content is None else json.dumps(content)
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": finish_reason}
        completion = {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": {"total_tokens": 42},
        }
        return cls(json.dumps(completion).encode())


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def wire(self) -> str:
        """All of it in one text."""
        return "\n".join([self.path, *(f"{name}: {value}" for name, value in self.headers.items()), self.body.decode()])


class LanguageModel:
    """Answers with its replies one after the other; the last one stays."""

    def __init__(self, *replies: Reply) -> None:
        self.replies, self.seen = list(replies), list[Seen]()
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self._answer()

            def do_GET(self) -> None:
                self._answer()

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                model.seen.append(
                    Seen(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                )
                reply = model.replies.pop(0) if len(model.replies) > 1 else model.replies[0]
                time.sleep(reply.seconds)
                self.send_response(reply.status)
                for name, value in {"content-type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(reply.promised or len(reply.body)))
                self.end_headers()
                with suppress(BrokenPipeError):  # who asked lost patience
                    self.wfile.write(reply.body)

            def log_message(self, *_: Any) -> None:
                """Say nothing on the terminal of the tests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
