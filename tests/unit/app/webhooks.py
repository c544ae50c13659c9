"""Somebody who hears webhooks: says yes below /good, sends away below /away, and no elsewhere."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar


class Hook(BaseHTTPRequestHandler):
    heard: ClassVar[list[tuple[dict[str, str], dict[str, Any]]]] = []
    # Until it is set, whoever was heard waits.
    may_answer: ClassVar[threading.Event] = threading.Event()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Hook.heard.append((dict(self.headers), json.loads(body)))
        Hook.may_answer.wait(90)
        if self.path.startswith("/away"):
            self.send_response(302)
            self.send_header("Location", "/good")
        else:
            self.send_response(200 if self.path.startswith("/good") else 500)
        self.end_headers()
        self.wfile.write(b"heard")

    def log_message(self, *_words: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def listening_hook() -> Iterator[str]:
    """Its address."""
    Hook.heard.clear()
    Hook.may_answer.set()
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()
