"""A real server process for tests, with a state of its own and a client that trusts it.

with FleetServer(tmp_path) as server:
    server.client().get("/api/v1/vaults")
"""

import contextlib
import json
import os
import shutil
import signal
import ssl
import subprocess  # noqa: TID251  the server under test is a process
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx

from holdfast.app.control.authority import KEYS
from holdfast.testing.ports import free_port

_PATIENCE = 90.0
_TICK = 0.05
_START = "from holdfast.cli.main import run; run()"


class FleetServer:
    """`holdfast server run` on a free port of this machine, below `folder`.

    The address stays the same over restarts. `keys_of` is another server whose authority this one
    shares, as two servers on one database must. `inside` is a program that becomes the server, as
    `unshare`. Without workflows, and without the console, it starts a second sooner each.
    """

    def __init__(  # noqa: PLR0913  what a test may want of it
        self,
        folder: Path,
        database_url: str | None = None,
        *,
        keys_of: "FleetServer | None" = None,
        workflows: bool = True,
        console: bool = False,
        options: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        inside: tuple[str, ...] = (),
    ) -> None:
        self.home = folder
        self.state = folder / "server"
        self.log = folder / "server.log"
        self._database_url = database_url
        self._workflows = workflows
        self._options = options if console else ("--without-console", *options)
        self._environment = environment or {}
        self._inside = inside
        # What clients trust; another file where the server shows an operator's own certificate.
        self.ca_file = self.state / "ca.pem"
        self._process: subprocess.Popen[bytes] | None = None
        # The same over restarts: nobody may take it in between.
        self._listen = f"127.0.0.1:{free_port()}"
        self.url = ""
        self.admin_password = ""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        if keys_of is not None:
            self.admin_password = keys_of.admin_password
            for name in KEYS:
                shutil.copy(keys_of.state / name, self.state / name)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def admin_token(self) -> str:
        """A token of a fresh session of the account `admin`."""
        return self.log_in("admin", self.admin_password)

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        words = [*self._inside, sys.executable, "-c", _START]
        words += ["server", "run", "--json", "--listen", self._listen]
        if self._database_url:
            words += ["--database", self._database_url]
        if not self._workflows:
            words += ["--without-workflows"]
        words += self._options
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own command line
                words,
                env={**os.environ, **self._environment, "HOLDFAST_HOME": str(self.home)},  # noqa: TID251  a child of the test's own
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._hear()
        self._wait_until_ready()

    def stop(self) -> int:
        """SIGTERM, and its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._wait_for_end()

    def kill(self) -> None:
        """SIGKILL: as if the power went."""
        assert self._process is not None
        self._process.kill()
        self._wait_for_end()

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def reload(self) -> None:
        os.kill(self.pid, signal.SIGHUP)

    def end(self) -> None:
        """Whatever state it is in: it is gone afterwards."""
        if not self.is_running:
            return
        self.thaw()
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.kill()

    def said(self) -> str:
        """All that it has logged, over all its lives."""
        return self.log.read_text(errors="replace")

    def logged(self) -> list[dict[str, Any]]:
        # The last one may be half written yet.
        whole = self.said().split("\n")[:-1]
        return [json.loads(line) for line in whole if line.startswith("{")]

    def tls(self, *, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
        """As a client that trusts this server, and shows a certificate if it has one."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        if certificate is not None:
            context.load_cert_chain(certificate, key)
        return context

    def client(self, *, token: str | None = None, **shown: Path) -> httpx.Client:
        """Requests as `admin`, with another token, or with `certificate` and `key` as a machine."""
        headers = {}
        if not shown:
            headers["Authorization"] = f"Bearer {token or self.admin_token}"
        return self._client(headers, **shown)

    def anonymous(self) -> httpx.Client:
        return self._client({})

    def log_in(self, name: str, password: str) -> str:
        with self.anonymous() as client:
            answer = client.post("/api/v1/sessions", json={"name": name, "password": password})
        answer.raise_for_status()
        return str(answer.json()["token"])

    def _client(self, headers: dict[str, str], **shown: Path) -> httpx.Client:
        # Proxies of the developer's environment are not for this machine.
        return httpx.Client(
            base_url=self.url,
            verify=self.tls(**shown),
            headers=headers,
            trust_env=False,
            timeout=_PATIENCE,
        )

    def _hear(self) -> None:
        """Its first line says where it listens, and the password if it made the first account."""
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        ready = json.loads(line or b"{}")
        if ready.get("event") != "server-ready":
            # An error is an event as well, and then it ends.
            self._wait_for_end()
            raise RuntimeError(f"the server did not start: {ready}\n{self.said()[-4000:]}")
        self._listen = ready["listening"]
        self.url = f"https://{self._listen}"
        self.admin_password = ready["password"] or self.admin_password

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + _PATIENCE
        with self.anonymous() as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    answer = client.get("/readyz")
                    if answer.is_success:
                        return
                if time.monotonic() > end or not self.is_running:
                    raise RuntimeError(f"the server is not ready:\n{self.said()[-4000:]}")
                time.sleep(_TICK)  # noqa: TID251  another process has to come up

    def _wait_for_end(self) -> int:
        process = self._process
        assert process is not None
        # Still ours to be killed if it does not end.
        status = process.wait(_PATIENCE)
        self._process = None
        with process:
            return status
