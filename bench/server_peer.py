"""The peer: the same framework, TLS and messages, without anything of ours behind them.

`python -m bench.server_peer STATE PORT`: answers are constants; what is uploaded is hashed, written
and synced, and nothing is asked of a database. So a ratio says what our own code costs.
"""

import asyncio
import contextlib
import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from holdfast.app.control.authority import load_authority
from holdfast.app.control.job_views import JobView
from holdfast.base.clock import SystemClock
from holdfast.fleet.messages import Heartbeat, HeartbeatReply, JobReport, JobReportReply
from holdfast.server.paging import Page
from holdfast.server.tls import CERTIFICATE, KEY, Pair, make_context

_PIECE = 1 << 20
_NOW = SystemClock().now()
_JOB = JobView(
    id="0123456789abcdef",
    vault_id="0123456789abcdef",
    machine_id="0123456789abcdef",
    machine="0123456789abcdef",
    kind="backup",
    origin="schedule",
    source="/etc",
    about="",
    state="done",
    asked_by="schedule",
    created_at=_NOW,
    started_at=_NOW,
    ended_at=_NOW,
    is_cancel_asked=False,
    attempts=0,
    progress={"bytes_done": 1_000_000, "files_done": 100},
    error_code=None,
)


def make_app(folder: Path) -> FastAPI:
    app = FastAPI()
    page = Page(items=[_JOB] * 100, next=None)

    @app.get("/api/v1/jobs")
    def jobs(limit: int = 100) -> Page[JobView]:  # noqa: ARG001  read as ours reads it
        return page

    @app.put("/api/v1/agent/jobs/{job_id}")
    def report(job_id: str, told: JobReport) -> JobReportReply:  # noqa: ARG001  as above
        return JobReportReply(number=told.number, cancel=False)

    @app.post("/api/v1/agent/heartbeat")
    def heartbeat(told: Heartbeat) -> HeartbeatReply:
        return HeartbeatReply(
            at=told.at, assignments_etag="", renew_certificate=False, next_seconds=30
        )

    app.mount("/gateway", _Files(folder))
    return app


class _Files:
    """POST stores a file under the last part of its path, GET gives it back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = self._folder / scope["path"].rpartition("/")[2]
        if scope["method"] == "POST":
            await self._store(path, receive)
            await _answer(send, 0)
            return
        size = path.stat().st_size
        await _answer(send, size, more=True)
        with await asyncio.to_thread(open, path, "rb") as file:
            sent = 0
            while sent < size:
                piece = await asyncio.to_thread(file.read, _PIECE)
                sent += len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": sent < size})

    async def _store(self, path: Path, receive: Any) -> None:
        digest, piece, size = hashlib.sha256(), list[bytes](), 0
        part = path.with_suffix(".part")
        with await asyncio.to_thread(open, part, "wb") as file:
            more = True
            while more:
                message = await receive()
                more = message.get("more_body", False)
                piece.append(message.get("body", b""))
                size += len(piece[-1])
                if size >= _PIECE or not more:
                    await asyncio.to_thread(_take, file, digest, piece)
                    piece, size = [], 0
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
        if digest.hexdigest() != path.name:
            raise ValueError(path.name)
        os.rename(part, path)


def _take(file: Any, digest: Any, piece: list[bytes]) -> None:
    for content in piece:
        digest.update(content)
        file.write(content)


async def _answer(send: Any, size: int, *, more: bool = False) -> None:
    headers = [(b"content-length", str(size).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if not more:
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@contextlib.contextmanager
def running(state: Path, folder: Path) -> Iterator[tuple[int, int]]:
    """Its port and its process; it shows the certificate of the server whose state that is."""
    folder.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = [sys.executable, "-m", "bench.server_peer", str(state), str(folder), str(port)]
    process = subprocess.Popen(words)
    try:
        _wait(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int) -> None:
    clock = SystemClock()
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        clock.sleep(0.05)
    raise TimeoutError("the peer did not start")


def _serve(state: str, folder: str, port: int) -> None:
    authority = load_authority(state, now=SystemClock().now())
    pair = Pair.of(os.path.join(state, CERTIFICATE), os.path.join(state, KEY))
    config = uvicorn.Config(
        make_app(Path(folder)),
        host="127.0.0.1",
        port=port,
        http="httptools",
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    config.load()
    config.ssl = make_context(pair, authority)
    asyncio.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
