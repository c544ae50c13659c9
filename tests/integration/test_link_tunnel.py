"""Sockets of a site, reached through the link while a machine moves there; and nothing else."""

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.units import MIB
from holdfast.replication.link_client import Peer
from holdfast.replication.link_connecting import Patience
from holdfast.replication.link_errors import DoorMisused
from holdfast.replication.link_identity import LinkIdentity
from holdfast.replication.link_server import SiteRules
from holdfast.replication.link_tunnel import AskTunnel, DoorName
from holdfast.replication.link_tunnel_calls import MigrationCalls
from holdfast.replication.link_tunnels import Tunnels
from holdfast.testing.links import SOURCE, Everybody, Served, Vouching, served
from holdfast.testing.memory_receiver import MemoryReceiver
from holdfast.testing.waiting import wait_until

VM = "0c5a1f1e-0000-4000-8000-000000000001"
OTHER = "0c5a1f1e-0000-4000-8000-000000000002"
ACT = "a1"
PATIENT = Patience(seconds=90.0, connect=60.0)


class Echo:
    """A socket that says back what it hears, and ends when its caller has said all."""

    def __init__(self, path: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(8)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.heard = 0
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _address = self._listener.accept()
                thread = threading.Thread(target=self._answer, args=(one,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _answer(self, one: socket.socket) -> None:
        with one, contextlib.suppress(OSError):
            while content := one.recv(1 << 16):
                self.heard += len(content)
                one.sendall(content)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(60)


class Doors:
    """Those of one act, until it is over."""

    def __init__(self, path: Path) -> None:
        self.path: Path | None = path
        self.asked: list[tuple[str, str]] = []

    def __call__(self, machine: str, asked: AskTunnel) -> Path | None:
        self.asked.append((machine, asked.act))
        return self.path if (asked.vm, asked.act) == (VM, ACT) else None


@pytest.fixture(scope="module")
def vouching(tmp_path_factory: pytest.TempPathFactory) -> Vouching:
    return Vouching(tmp_path_factory.mktemp("tunnel"))


@pytest.fixture(scope="module")
def identity(vouching: Vouching) -> LinkIdentity:
    return vouching.identity(SOURCE)


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Echo]:
    with contextlib.closing(Echo(tmp_path / "e")) as echo:
        yield echo


@pytest.fixture
def doors(tmp_path: Path, echo: Echo) -> Doors:
    return Doors(tmp_path / "e")


@pytest.fixture
def site(vouching: Vouching, doors: Doors) -> Iterator[Served]:
    rules = SiteRules(grants=Everybody(), doors=doors)
    with served(vouching, MemoryReceiver(), rules=rules) as site:
        yield site


@pytest.fixture
def peer(site: Served, identity: LinkIdentity) -> Iterator[Peer]:
    with Peer(site.address, identity, clock=SystemClock(), patience=PATIENT) as peer:
        yield peer


@contextlib.contextmanager
def _through(
    peer: Peer, folder: Path, *, vm: str = VM, act: str = ACT, door: DoorName = DoorName.MEMORY
) -> Iterator[tuple[Tunnels, socket.socket]]:
    with (
        peer.tunnels(vm, act).open({door: folder / "t"}) as tunnels,
        socket.socket(socket.AF_UNIX) as here,
    ):
        here.settimeout(90)
        here.connect(str(folder / "t"))
        yield tunnels, here


def _all_of(here: socket.socket) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionError):
        while content := here.recv(1 << 16):
            found += content
    return found


def test_bytes_go_through_both_ways_until_both_ends_have_ended(peer: Peer, tmp_path: Path) -> None:
    content = os.urandom(3 * MIB + 17)

    with _through(peer, tmp_path) as (tunnels, here):
        sender = threading.Thread(target=_say, args=(here, content))
        sender.start()
        found = _all_of(here)
        sender.join()
        # The last of it is counted after it was handed on.
        wait_until(lambda: tunnels.carried()[DoorName.MEMORY] == 2 * len(content))

    assert found == content


def _say(here: socket.socket, content: bytes) -> None:
    here.sendall(content)
    here.shutdown(socket.SHUT_WR)


def test_a_reader_that_does_not_read_holds_the_sender_up_and_nothing_is_lost(
    peer: Peer, echo: Echo, tmp_path: Path
) -> None:
    content = os.urandom(16 * MIB)

    with _through(peer, tmp_path) as (_tunnels, here):
        sender = threading.Thread(target=_say, args=(here, content))
        sender.start()
        wait_until(lambda: echo.heard > 0)
        found = _all_of(here)
        sender.join()

    assert found == content


@pytest.mark.parametrize(("vm", "act"), [(OTHER, ACT), (VM, "another")], ids=["vm", "act"])
def test_what_no_act_under_way_needs_is_not_reached(
    peer: Peer, echo: Echo, tmp_path: Path, vm: str, act: str
) -> None:
    with _through(peer, tmp_path, vm=vm, act=act) as (tunnels, here):
        found = _all_of(here)
        wait_until(lambda: tunnels.trouble is not None)

    assert found == b""
    assert echo.heard == 0
    assert tunnels.trouble is not None
    assert tunnels.trouble.code == "site-door-shut"


def test_a_machine_without_a_grant_reaches_nothing(
    vouching: Vouching, identity: LinkIdentity, doors: Doors, tmp_path: Path
) -> None:
    class Nobody:
        def may_write(self, machine: str, vm: str) -> bool:  # noqa: ARG002  whoever it is
            return False

        may_tell = may_write

    rules = SiteRules(grants=Nobody(), doors=doors)
    with (
        served(vouching, MemoryReceiver(), rules=rules) as site,
        Peer(site.address, identity, clock=SystemClock(), patience=PATIENT) as peer,
        _through(peer, tmp_path) as (tunnels, here),
    ):
        found = _all_of(here)
        wait_until(lambda: tunnels.trouble is not None)

    assert found == b""
    assert doors.asked == []
    assert tunnels.trouble is not None
    assert tunnels.trouble.code == "site-not-granted"


def test_replication_goes_on_beside_more_tunnels_than_a_machine_may_have_connections(
    peer: Peer, echo: Echo, tmp_path: Path
) -> None:
    before = peer.hello()

    with (
        peer.tunnels(VM, ACT).open({DoorName.DISKS: tmp_path / "t"}),
        contextlib.ExitStack() as all_,
    ):
        ends = [all_.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(12)]
        for number, end in enumerate(ends):
            end.settimeout(90)
            end.connect(str(tmp_path / "t"))
            end.sendall(b"x")
            assert end.recv(1) == b"x", number
        state = peer.state(VM)

    assert state is None
    assert peer.hello() is before
    assert echo.heard == 12


def test_a_site_that_stops_ends_its_tunnels(
    vouching: Vouching, identity: LinkIdentity, doors: Doors, tmp_path: Path
) -> None:
    rules = SiteRules(grants=Everybody(), doors=doors)
    with served(vouching, MemoryReceiver(), rules=rules) as site:
        peer = Peer(site.address, identity, clock=SystemClock(), patience=PATIENT)
        with contextlib.closing(peer), _through(peer, tmp_path) as (_tunnels, here):
            here.sendall(b"x")
            assert here.recv(1) == b"x"

            site.server.stop()
            found = _all_of(here)

    assert found == b""


# What may be asked of a hypervisor.


def _call(procedure: int, body: bytes = b"", *, program: int = 0x20008086) -> bytes:
    return struct.pack("!IIIiIiI", 28 + len(body), program, 1, procedure, 0, 7, 0) + body


def test_calls_of_a_migration_pass_however_they_are_cut() -> None:
    said = _call(66) + _call(303, b"a definition" * 9) + _call(1, program=0x6B656570) + _call(2)

    for size in (1, 5, 28, 29, len(said)):
        calls = MigrationCalls()
        parts = [calls.passed(memoryview(said[at : at + size])) for at in range(0, len(said), size)]

        assert b"".join(parts) == said


def test_any_other_call_ends_the_tunnel_before_it_is_passed_on() -> None:
    calls = MigrationCalls()
    opened = calls.passed(memoryview(_call(66)))

    with pytest.raises(DoorMisused, match="procedure 7"):
        calls.passed(memoryview(_call(7)))

    assert opened == _call(66)


def test_a_hypervisor_is_asked_nothing_but_a_migration(
    peer: Peer, echo: Echo, tmp_path: Path
) -> None:
    with _through(peer, tmp_path, door=DoorName.LIBVIRT) as (_tunnels, here):
        here.sendall(_call(66))
        first = here.recv(28, socket.MSG_WAITALL)
        here.sendall(_call(12))
        rest = _all_of(here)

    assert first == _call(66)
    assert rest == b""
    assert echo.heard == 28
