"""Real object stores on this machine: Azurite for Azure Blob, moto's server for S3.

Azurite comes from npm: `npm install --prefix DIRECTORY azurite@3.35.0` (the last one for Node
before 21). moto is in the development dependencies.
"""

import base64
import contextlib
import email.utils
import hashlib
import hmac
import http.client
import os
import shutil
import subprocess  # noqa: TID251  the stores under test are processes
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from holdfast.base.clock import Clock, SystemClock
from holdfast.testing.ports import free_port

AZURITE_VERSION = "3.35.0"
# Public, and the same in every Azurite.
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_API_VERSION = "2021-08-06"
_READY_WITHIN = 90.0
# moto looks whether a name is taken and then takes it, in two steps: its threads must queue up,
# or two writers can both win, which no real S3 allows.
_SERVE_MOTO = """
import sys, threading
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
moto, turn = DomainDispatcherApplication(create_backend_app), threading.Lock()
def serve(environ, start_response):
    with turn:
        return moto(environ, start_response)
run_simple("127.0.0.1", int(sys.argv[1]), serve, threaded=True)
"""


class StoreMissing(Exception):
    """An emulator is not installed; the text says what to type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStore:
    """A store that answers; `credentials` is for storage.location.open_storage."""

    scheme: str
    port: int
    credentials: Mapping[str, str]

    def create_container(self, name: str) -> str:
        """Make a container or bucket; its location."""
        path = f"/{_ACCOUNT}/{name}" if self.scheme == "az" else f"/{name}"
        query = "?restype=container" if self.scheme == "az" else ""
        headers = _sign_azure(path, "restype:container") if self.scheme == "az" else {}
        status = _request(self.port, "PUT", path + query, headers)
        assert status in (200, 201), f"{self.scheme} container {name}: {status}"
        return f"{self.scheme}://{name}"


@contextlib.contextmanager
def azurite(node_directory: Path, *, clock: Clock | None = None) -> Iterator[RunningStore]:
    """Run Azurite's blob service on a free port, in memory."""
    program = node_directory / "node_modules" / ".bin" / "azurite-blob"
    if not program.exists() or shutil.which("node") is None:
        command = f"npm install --prefix {node_directory} azurite@{AZURITE_VERSION}"
        raise StoreMissing(f"Azurite is not installed; run: {command}")
    port = free_port()
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence"]
    quiet = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    with _running([str(program), *options, *quiet], port, clock or SystemClock()):
        yield RunningStore(
            scheme="az",
            port=port,
            credentials={
                "AZURE_STORAGE_ACCOUNT": _ACCOUNT,
                "AZURE_STORAGE_KEY": _KEY,
                "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{port}/{_ACCOUNT}",
            },
        )


@contextlib.contextmanager
def moto(*, clock: Clock | None = None) -> Iterator[RunningStore]:
    """Run moto's S3 on a free port, in memory."""
    port = free_port()
    command = [sys.executable, "-c", _SERVE_MOTO, str(port)]
    with _running(command, port, clock or SystemClock()):
        yield RunningStore(
            scheme="s3",
            port=port,
            credentials={
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing-secret",
                "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            },
        )


@contextlib.contextmanager
def _running(command: Sequence[str], port: int, clock: Clock) -> Iterator[None]:
    # Even a test run that is killed must not leave a server behind.
    leash = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    # A session of its own: node starts children, and all of them must end.
    process = subprocess.Popen(  # noqa: S603  our own command line
        [*leash, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_ready(process, port, clock)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, clock: Clock) -> None:
    began = clock.monotonic()
    while clock.monotonic() - began < _READY_WITHIN:
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        with contextlib.suppress(OSError, http.client.HTTPException):
            _request(port, "GET", "/", {})
            return
        clock.sleep(0.1)
    raise TimeoutError(f"{process.args!r} does not answer")


def _request(port: int, method: str, target: str, headers: Mapping[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, target, headers={"Content-Length": "0", **headers})
        return connection.getresponse().status


def _sign_azure(path: str, query: str) -> dict[str, str]:
    """Headers of a Shared Key request without a body (Azure's "Authorize with Shared Key")."""
    stamps = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": _API_VERSION}
    lines = ["PUT", *[""] * 11, *(f"{key}:{value}" for key, value in stamps.items())]
    to_sign = "\n".join([*lines, f"/{_ACCOUNT}{path}", query])
    digest = hmac.digest(base64.b64decode(_KEY), to_sign.encode(), hashlib.sha256)
    return {**stamps, "Authorization": f"SharedKey {_ACCOUNT}:{base64.b64encode(digest).decode()}"}
