"""A registration that dies anywhere is whole after the same command again: one machine, one key."""

import functools
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app import register as registering
from holdfast.app.agent_folder import AgentFolder
from holdfast.app.config import Settings
from holdfast.app.control.credentials import issue_credentials
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.registration import activate
from holdfast.app.control.registration import register as register_at_server
from holdfast.app.register import Wanted, register
from holdfast.app.registering_preflight import Reached
from holdfast.app.registration_state import load_registration
from holdfast.app.saved_passphrase import load_passphrase
from holdfast.app.wiring import Session
from holdfast.base.clock import SystemClock
from holdfast.catalog.tables import Machine
from holdfast.fleet.messages import ActivateRequest, RegisterRequest
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.planes import add_admin, add_vault, make_plane
from holdfast.testing.vaults import CHEAP
from holdfast.vault.opening import unlock
from tests.faults.conftest import Faults

pytestmark = [pytest.mark.faults]


class _Deadly:
    """Counts what changes something, and kills this process before or after one of it."""

    def __init__(self, at: int) -> None:
        self.at, self.seen = at, 0

    def around(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            self._count()
            done = real(*given, **named)
            self._count()
            return done

        return called

    def _count(self) -> None:
        self.seen += 1
        if self.seen == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


class _Link:
    """The server's use cases, without the network between."""

    def __init__(self, root: Path) -> None:
        self._plane = _plane(root, os.getpid())

    def ask(self, _method: str, _path: str, body: RegisterRequest, _reply: type) -> Any:
        return register_at_server(self._plane, body)

    def tell(self, _method: str, _path: str, body: ActivateRequest) -> None:
        with self._plane.database.read() as db:
            machine = db.query(Machine).one()
        actor = Actor(kind="machine", id=machine.id, name=machine.name)
        activate(self._plane, actor, key_fingerprint=body.key_fingerprint)

    def close(self) -> None:
        """The plane stays for the rest of the process."""


@functools.cache
def _plane(root: Path, _process: int) -> Plane:
    return make_plane(root, clock=SystemClock())


class World:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.home, self.stored, self.file = root / "home", root / "vault", root / "credentials"

    def make(self) -> None:
        self.stored.mkdir(parents=True)
        plane = make_plane(self.root, clock=SystemClock())
        vault = add_vault(plane, "office", str(self.stored))
        issued = issue_credentials(plane, add_admin(plane).actor, vault)
        self.file.write_text(issued.content)
        plane.database.close()

    def run(self, deadly: _Deadly | None = None) -> None:
        session = Session(settings=Settings(home=str(self.home), keyring=timedelta(0)), warn=print)
        wanted = Wanted(
            credentials=str(self.file),
            name="alpha",
            generate=True,
            recovery_key=str(self.root / "recovery"),
            cost=CHEAP,
            open_storage=lambda *_: DirectoryStorage(str(self.stored)),
        )
        if deadly is not None:
            _arm(deadly)
        register(session, wanted, say=lambda _: None)

    def machines(self) -> list[Machine]:
        with _plane(self.root, os.getpid()).database.read() as db:
            return db.query(Machine).all()


def _arm(deadly: _Deadly) -> None:
    """Every change of a file of the registration, every word to the server, every stored file."""
    for module, name in ((os, "replace"), (os, "unlink"), (shutil, "rmtree")):
        setattr(module, name, deadly.around(getattr(module, name)))
    for kind, name in ((_Link, "ask"), (_Link, "tell"), (DirectoryStorage, "put")):
        setattr(kind, name, deadly.around(getattr(kind, name)))


def _ends_at(call: int, world: World) -> bool:
    """Whether a process that dies at this call came to its end."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            world.run(_Deadly(call))
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL)
    return code == 0


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[World], None]:
    """Registrations meet the server at once; the way there has tests of its own."""

    def lead(world: World) -> None:
        reached = Reached(server="https://server.test:8443", proxy=None)
        monkeypatch.setattr(registering, "_preflight", lambda *_, **__: reached)
        monkeypatch.setattr(registering, "AgentLink", lambda *_, **__: _Link(world.root))

    return lead


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_registration_killed_anywhere_is_whole_after_the_next(
    near: Callable[[World], None], tmp_path: Path, faults: Faults
) -> None:
    fresh = World(tmp_path / "fresh")
    fresh.make()
    for call in range(1, 200):
        world = World(tmp_path / f"{call}")
        shutil.copytree(fresh.root, world.root)
        near(world)

        if _ends_at(call, world):
            break
        faults.inject()
        world.run()

        _require_whole(world)
        faults.survive()
    assert call > 40


def _require_whole(world: World) -> None:
    (machine,) = world.machines()
    registration = load_registration(str(world.home))
    folder = AgentFolder.of(str(world.home))
    passphrase = load_passphrase(folder, warn=print)
    storage = DirectoryStorage(str(world.stored))
    assert machine.id == registration.machine_id
    assert machine.state == "active"
    assert machine.key_fingerprint == registration.key_fingerprint
    assert unlock(storage, passphrase).key_id
    assert len(list(storage.list("keys"))) == 2
    assert not os.path.exists(folder.next.path)
    assert replace(registration, name="alpha") == registration
