"""The gateway alone as a process of its own, over TLS, with a vault and machines in its state.

with RunningGateway(tmp_path) as gateway:
    machine = gateway.machine(gateway.vault(is_lab=True))
    storage = machine.storage()
"""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess  # noqa: TID251  the gateway under test is a process
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from holdfast.app.control.identifying import secret_hash
from holdfast.base.clock import SystemClock
from holdfast.catalog.tables import Lease, Machine, ReadGrant
from holdfast.server.gateway.application import Gateway
from holdfast.server.protocol import Protocol
from holdfast.server.tls import make_context, own_pair
from holdfast.storage.rest import Door, RestStorage
from holdfast.testing.planes import Registered, add_machine, add_vault, make_plane
from holdfast.testing.ports import free_port

_NAMES = ("localhost", "127.0.0.1")
_READY_WITHIN = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineThere:
    """A machine with what it needs to get in."""

    id: str
    vault_id: str
    location: str
    url: str
    ca_file: str
    certificate_file: str
    key_file: str
    # Certificate and key together, as restic wants them.
    pair_file: str
    password: str
    registered: Registered
    folder: Path

    def storage(self, **changes: Any) -> RestStorage:
        entrance = {
            "url": self.url,
            "place": self.location,
            "ca_file": self.ca_file,
            "certificate": self.certificate_file,
            "key": self.key_file,
        }
        return RestStorage(Door(**{**entrance, **changes}))

    def login(self) -> dict[str, str]:
        """Settings for storage.location.open_storage, and restic's environment."""
        return {"RESTIC_CACERT": self.ca_file, "RESTIC_TLS_CLIENT_CERT": self.pair_file}


class RunningGateway:
    def __init__(self, folder: Path, **plane: Any) -> None:
        self.folder = folder
        self.plane = make_plane(folder, clock=SystemClock(), **plane)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()
        self.plane.database.close()

    def start(self) -> None:
        command = [sys.executable, "-m", __name__, str(self.folder), str(self.port)]
        self.process = subprocess.Popen(command)  # noqa: S603  our own module
        clock = SystemClock()
        until = clock.monotonic() + _READY_WITHIN
        while clock.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            clock.sleep(0.05)
        raise AssertionError("the gateway did not start")

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(_READY_WITHIN)
            self.process = None

    def vault(self, **more: Any) -> str:
        name = secrets.token_hex(4)
        place = self.folder / "vaults" / name
        place.mkdir(parents=True)
        return add_vault(self.plane, name, str(place), **more)

    def machine(self, vault_id: str, **more: Any) -> MachineThere:
        password = secrets.token_hex(12)
        name = secrets.token_hex(4)
        registered = add_machine(
            self.plane, vault_id, name, gateway_secret_hash=secret_hash(password), **more
        )
        home = self.folder / "homes" / name
        home.mkdir(parents=True)
        path = f"localhost:{self.port}/gateway/{vault_id}/{registered.id}"
        with self.plane.database.read() as db:
            machine = db.get(Machine, registered.id)
        assert machine is not None
        return MachineThere(
            id=registered.id,
            vault_id=vault_id,
            location=f"rest+https://{path}",
            url=f"https://{path}/",
            ca_file=_write(home / "ca.pem", self.plane.authority.ca_pem),
            certificate_file=_write(home / "machine.pem", registered.certificate),
            key_file=_write(home / "machine.key", registered.key),
            pair_file=_write(home / "pair.pem", registered.certificate + registered.key),
            password=password,
            registered=registered,
            folder=self._stored(vault_id) / registered.id,
        )

    def lease(self, machine_id: str, kind: str = "prune", *, minutes: float = 10) -> str:
        now, lease_id = self.plane.clock.now(), secrets.token_hex(8)
        with self.plane.database.write() as db:
            lease = Lease(
                id=lease_id,
                machine_id=machine_id,
                kind=kind,
                granted_at=now,
                expires_at=now + timedelta(minutes=minutes),
            )
            db.add(lease)
        return lease_id

    def grant(self, machine_id: str, reader_id: str, *, hours: float = 1) -> None:
        """Let another machine read this one's repository for a while."""
        now = self.plane.clock.now()
        with self.plane.database.write() as db:
            grant = ReadGrant(
                id=secrets.token_hex(8),
                machine_id=machine_id,
                reader_id=reader_id,
                granted_by="test",
                granted_at=now,
                expires_at=now + timedelta(hours=hours),
            )
            db.add(grant)

    def _stored(self, vault_id: str) -> Path:
        from holdfast.catalog.tables import Vault

        with self.plane.database.read() as db:
            vault = db.get(Vault, vault_id)
        assert vault is not None
        return Path(vault.location)


def _write(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def _serve(folder: str, port: int) -> None:
    plane = make_plane(Path(folder), clock=SystemClock())
    pair = own_pair(
        os.path.join(folder, "server"), plane.authority, names=_NAMES, now=plane.clock.now()
    )
    config = uvicorn.Config(
        Starlette(routes=[Mount("/gateway", Gateway(plane))]),
        host="127.0.0.1",
        port=port,
        http=Protocol,
        log_level="warning",
        lifespan="off",
        access_log=False,
        # Clients under test keep connections that they no longer listen to.
        timeout_graceful_shutdown=1,
    )
    config.load()
    config.ssl = make_context(pair, plane.authority)
    asyncio.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
