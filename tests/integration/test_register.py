"""A machine registers with a real server, through every thing that can stand in its way."""

import contextlib
import os
import socket
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.config import load_settings
from holdfast.app.control.registration_errors import (
    CredentialsReplaceAnother,
    CredentialsSuperseded,
    KeyDiffers,
    MachineNotProven,
    WrongVault,
)
from holdfast.app.opening import open_vault
from holdfast.app.register import Registered, Wanted, register
from holdfast.app.registering_errors import (
    AuthorityDiffers,
    ClockSkewed,
    CredentialsUnreadable,
    KeyFileMissing,
    NothingAnswers,
    NotReady,
    NotRegistered,
    PassphraseOfAnother,
    ProxyForbids,
    ProxyNotReached,
    ProxyRefused,
    RecoveryFileTaken,
    ServerNameUnknown,
)
from holdfast.app.registration_state import find_registration
from holdfast.app.setup_errors import PassphraseTooShort
from holdfast.app.unregister import renew, status, unregister
from holdfast.app.wiring import Session
from holdfast.base.clock import SystemClock
from holdfast.base.secret import Secret
from holdfast.fleet.credentials_file import (
    CredentialsCorrupt,
    CredentialsFile,
    read_credentials,
    write_credentials,
)
from holdfast.testing.fleet import FleetServer
from holdfast.testing.vaults import CHEAP

_PASSPHRASE = "correct horse battery staple"
# A passphrase file of the developer's own is not meant here.
_ENVIRONMENT: dict[str, str] = {}


class _Wrong(SystemClock):
    """A clock that is off."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> Any:
        return super().now() + self._by


class Fleet:
    def __init__(self, server: FleetServer, root: Path) -> None:
        self.server = server
        self.root = root
        self.client = server.client()

    def vault(self, name: str) -> str:
        location = self.root / f"vault-{name}"
        location.mkdir()
        reply = self.client.post("/api/v1/vaults", json={"name": name, "location": str(location)})
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    def credentials(self, vault: str, *, replaces: str | None = None) -> Path:
        reply = self.post(f"/vaults/{vault}/credentials", replaces=replaces)
        assert reply.status_code == 201, reply.text
        file: Path = self.root / str(reply.json()["id"])
        file.write_text(reply.json()["content"])
        return file

    def machines(self, vault: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get(f"/api/v1/machines?vault={vault}").json()[
            "items"
        ]
        return found

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.client.post(f"/api/v1{path}", json=body)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    root = tmp_path_factory.mktemp("fleet")
    with FleetServer(root / "server", workflows=False) as server:
        fleet = Fleet(server, root)
        yield fleet
        fleet.client.close()


@pytest.fixture
def vault(fleet: Fleet, request: pytest.FixtureRequest) -> str:
    return fleet.vault(request.node.name[:50].replace("[", "-").replace("]", ""))


class Machine:
    """A machine's home, and what is done on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.warnings: list[str] = []
        self.said: list[str] = []
        self.passphrase: str | None = _PASSPHRASE
        self.clock = SystemClock()
        home.mkdir(exist_ok=True)

    @property
    def folder(self) -> AgentFolder:
        return AgentFolder.of(str(self.home))

    def session(self) -> Session:
        settings = load_settings(
            {**_ENVIRONMENT, "HOLDFAST_HOME": str(self.home)}, system_config="/nonexistent"
        )
        settings = replace(settings, keyring=timedelta(0))
        ask = (lambda _: Secret(self.passphrase.encode())) if self.passphrase else None  # type: ignore[union-attr]  # looked at a line before
        return Session(settings=settings, warn=self.warnings.append, ask=ask, clock=self.clock)

    def register(self, file: Path, **more: Any) -> Registered:
        more.setdefault("proxy", "none")
        wanted = Wanted(**{"credentials": str(file), "name": "alpha", "cost": CHEAP, **more})
        return register(self.session(), wanted, say=self.said.append)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "home")


def test_registered_machine_has_a_repository_and_opens_it_by_itself(
    fleet: Fleet, vault: str, machine: Machine
) -> None:
    done = machine.register(fleet.credentials(vault))
    machine.passphrase = None

    repository = open_vault(machine.session())

    (seen,) = fleet.machines(vault)
    assert seen["id"] == done.registration.machine_id
    assert (seen["name"], seen["is_activated"]) == ("alpha", True)
    assert (fleet.root / f"vault-{_name(fleet, vault)}" / seen["id"] / "config").exists()
    assert repository.storage.place == done.registration.location
    assert machine.warnings == []
    assert len(machine.said) > 5


def _name(fleet: Fleet, vault: str) -> str:
    return str(fleet.client.get(f"/api/v1/vaults/{vault}").json()["name"])


def test_what_is_kept_is_for_its_owner_alone(fleet: Fleet, vault: str, machine: Machine) -> None:
    machine.register(fleet.credentials(vault))

    files = list(Path(machine.folder.path).iterdir())

    assert stat.S_IMODE(os.stat(machine.folder.path).st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert not (Path(machine.folder.path) / "next").exists()


def test_registering_again_keeps_machine_and_repository(
    fleet: Fleet, vault: str, machine: Machine
) -> None:
    first = machine.register(fleet.credentials(vault))
    key = Path(machine.folder.key).read_bytes()
    machine.passphrase = None

    again = machine.register(fleet.credentials(vault))

    assert again.is_again
    assert again.registration == first.registration
    assert Path(machine.folder.key).read_bytes() != key
    assert open_vault(machine.session()).id
    assert len(fleet.machines(vault)) == 1


def test_registering_again_without_a_name_keeps_the_one_it_had(
    fleet: Fleet, vault: str, machine: Machine
) -> None:
    machine.register(fleet.credentials(vault), name="accounts")

    kept = machine.register(fleet.credentials(vault), name=None).registration
    (seen,) = fleet.machines(vault)
    new = machine.register(fleet.credentials(vault), name=None, force_new=True).registration

    assert (kept.name, seen["name"]) == ("accounts", "accounts")
    assert new.name == os.uname().nodename


def test_new_disk_takes_the_old_machine_by_a_file_made_for_it_and_the_passphrase(
    fleet: Fleet, vault: str, machine: Machine, tmp_path: Path
) -> None:
    first = machine.register(fleet.credentials(vault)).registration
    bare = Machine(tmp_path / "bare")
    stranger = Machine(tmp_path / "stranger")
    stranger.passphrase = "another passphrase entirely"

    again = bare.register(fleet.credentials(vault, replaces=first.machine_id))
    with pytest.raises(PassphraseOfAnother):
        stranger.register(fleet.credentials(vault, replaces=first.machine_id))

    assert again.registration == first
    assert find_registration(str(stranger.home)) is None


def test_id_of_a_machine_and_any_credentials_are_not_enough(
    fleet: Fleet, vault: str, machine: Machine, tmp_path: Path
) -> None:
    first = machine.register(fleet.credentials(vault)).registration
    thief = Machine(tmp_path / "thief")

    with pytest.raises(MachineNotProven):
        thief.register(fleet.credentials(vault), machine_id=first.machine_id)

    assert find_registration(str(thief.home)) is None
    assert status(machine.session()).server_trouble is None


def test_lost_key_needs_a_file_made_for_the_machine(
    fleet: Fleet, vault: str, machine: Machine
) -> None:
    first = machine.register(fleet.credentials(vault)).registration
    Path(machine.folder.key).unlink()

    with pytest.raises(MachineNotProven):
        machine.register(fleet.credentials(vault))
    again = machine.register(fleet.credentials(vault, replaces=first.machine_id))

    assert again.registration == first
    assert status(machine.session()).server_trouble is None


def test_file_for_another_machine_changes_nobody(
    fleet: Fleet, vault: str, machine: Machine, tmp_path: Path
) -> None:
    machine.register(fleet.credentials(vault))
    other = Machine(tmp_path / "other")
    other.passphrase = "quite another passphrase"
    second = other.register(fleet.credentials(vault)).registration

    with pytest.raises(CredentialsReplaceAnother):
        machine.register(fleet.credentials(vault, replaces=second.machine_id))

    assert status(machine.session()).server_trouble is None
    assert status(other.session()).server_trouble is None


def test_force_new_begins_another_history(fleet: Fleet, vault: str, machine: Machine) -> None:
    first = machine.register(fleet.credentials(vault)).registration

    second = machine.register(fleet.credentials(vault), force_new=True).registration

    assert second.machine_id != first.machine_id
    assert second.key_fingerprint != first.key_fingerprint
    assert len(fleet.machines(vault)) == 2


def test_generated_passphrase_is_kept_and_the_recovery_key_opens_too(
    fleet: Fleet, vault: str, machine: Machine, tmp_path: Path
) -> None:
    machine.passphrase = None
    paper = tmp_path / "recovery"

    machine.register(fleet.credentials(vault), generate=True, recovery_key=str(paper))
    machine.register(fleet.credentials(vault), generate=True, recovery_key=str(paper))

    (key,) = [line for line in paper.read_text().splitlines() if line.startswith("key: ")]
    generated = Path(machine.folder.passphrase).read_text().strip()
    session = machine.session()
    by_paper = replace(
        session,
        settings=replace(session.settings, passphrase_file=None),
        ask=lambda _: Secret(key.removeprefix("key: ").encode()),
    )
    assert len(generated) > 40
    assert open_vault(by_paper).id == open_vault(session).id
    assert stat.S_IMODE(paper.stat().st_mode) == 0o600


def test_recovery_key_overwrites_no_other_file(
    fleet: Fleet, vault: str, machine: Machine, tmp_path: Path
) -> None:
    mine = tmp_path / "letter"
    mine.write_text("dear all")

    with pytest.raises(RecoveryFileTaken):
        machine.register(fleet.credentials(vault), recovery_key=str(mine))

    assert mine.read_text() == "dear all"
    assert find_registration(str(machine.home)) is None


def test_short_passphrase_is_refused_before_the_server_hears_of_the_machine(
    fleet: Fleet, vault: str, machine: Machine
) -> None:
    machine.passphrase = "short"

    with pytest.raises(PassphraseTooShort):
        machine.register(fleet.credentials(vault))

    assert fleet.machines(vault) == []


# What stands in the way


def test_unreadable_and_damaged_files(fleet: Fleet, vault: str, machine: Machine) -> None:
    file = fleet.credentials(vault)
    file.write_text(file.read_text().replace("office", "x").replace('"serial": 1', '"serial": 2'))

    with pytest.raises(CredentialsCorrupt):
        machine.register(file)
    with pytest.raises(CredentialsUnreadable):
        machine.register(fleet.root / "nowhere")


def test_superseded_credentials_are_named_before_a_passphrase_is_asked_for(
    fleet: Fleet, vault: str, machine: Machine
) -> None:
    old = fleet.credentials(vault)
    fleet.credentials(vault)
    machine.passphrase = None

    with pytest.raises(CredentialsSuperseded) as refusal:
        machine.register(old)

    assert "34513" in refusal.value.source_codes


def test_machine_of_another_vault_is_told_both(fleet: Fleet, vault: str, machine: Machine) -> None:
    machine.register(fleet.credentials(vault))
    other = fleet.vault(f"{vault}-other")

    with pytest.raises(WrongVault) as refusal:
        machine.register(fleet.credentials(other))

    assert vault in str(refusal.value)
    assert other in str(refusal.value)


def test_lost_repository_is_not_replaced_by_an_empty_one(
    fleet: Fleet, vault: str, machine: Machine
) -> None:
    first = machine.register(fleet.credentials(vault)).registration
    stored = fleet.root / f"vault-{_name(fleet, vault)}"
    (stored / first.machine_id / "config").unlink()

    with pytest.raises(KeyDiffers):
        machine.register(fleet.credentials(vault))


def test_wrong_clock_is_told_with_the_direction(fleet: Fleet, vault: str, machine: Machine) -> None:
    file = fleet.credentials(vault)
    machine.clock = _Wrong(timedelta(minutes=-10))

    with pytest.raises(ClockSkewed, match="behind"):
        machine.register(file)


def test_independent_problems_come_together(fleet: Fleet, vault: str, machine: Machine) -> None:
    """A clock far ahead makes the file seem expired: both are told."""
    file = fleet.credentials(vault)
    machine.clock = _Wrong(timedelta(days=30))

    with pytest.raises(NotReady) as refusal:
        machine.register(file)

    codes = {problem.code for problem in refusal.value.problems}
    assert codes == {"clock-skewed", "credentials-expired"}


def _changed(fleet: Fleet, vault: str, **changes: Any) -> Path:
    """Credentials that are whole, but lead elsewhere."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    file = fleet.credentials(vault)
    body: CredentialsFile = read_credentials(file.read_bytes(), file=str(file))
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    file.write_text(write_credentials(replace(body, **changes), public_key=public, sign=key.sign))
    return file


def test_each_stage_of_the_way_has_its_own_error(
    fleet: Fleet, vault: str, machine: Machine, tmp_path: Path
) -> None:
    from holdfast.testing.planes import make_plane

    stranger = make_plane(tmp_path / "stranger", clock=SystemClock()).authority.ca_pem
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"https://127.0.0.1:{closed.getsockname()[1]}"

        with pytest.raises(ServerNameUnknown):
            machine.register(_changed(fleet, vault, servers=("https://nowhere.invalid:1",)))
        with pytest.raises(NothingAnswers):
            machine.register(_changed(fleet, vault, servers=(nobody,)))
        with pytest.raises(AuthorityDiffers):
            machine.register(_changed(fleet, vault, ca=stranger))

        second = _changed(fleet, vault, servers=(nobody, fleet.server.url))
        assert machine.register(second).registration.server == fleet.server.url


# Proxies


class Proxy:
    """Lets tunnels through, or answers with a refusal."""

    def __init__(self, answer: bytes | None, login: str | None = None) -> None:
        self._answer, self._login = answer, login
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.asked: list[str] = []
        self.place = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            self._answered(client)

    def _answered(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(4096)
            if not piece:
                return
            head += piece
        self.asked.append(head.decode("latin-1"))
        is_known = self._login is not None and self._login.encode() in head
        if self._answer is not None and not is_known:
            client.sendall(self._answer)
            return
        host, port = head.split()[1].decode().rsplit(":", 1)
        with socket.create_connection((host, int(port))) as server:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


_LOGIN_WANTED = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
    b'Proxy-Authenticate: Basic realm="x"\r\nProxy-Authenticate: Negotiate\r\n'
    b"Content-Length: 0\r\n\r\n"
)


def test_proxy_that_wants_a_login_is_named_with_its_schemes(
    fleet: Fleet, vault: str, machine: Machine
) -> None:
    proxy = Proxy(_LOGIN_WANTED)

    with pytest.raises(ProxyRefused) as refusal:
        machine.register(fleet.credentials(vault), proxy=f"http://{proxy.place}")

    proxy.close()
    assert f"{proxy.place} wants a login (Basic, Negotiate)" in str(refusal.value)
    assert {"407", "100050"} <= set(refusal.value.source_codes)


def test_registered_machine_goes_on_through_the_proxy_with_its_login(
    fleet: Fleet, vault: str, machine: Machine
) -> None:
    proxy = Proxy(_LOGIN_WANTED, login="Basic dXNlcjpzZWNyZXQ=")
    machine.register(fleet.credentials(vault), proxy=f"http://user:secret@{proxy.place}")
    before = len(proxy.asked)

    repository = open_vault(machine.session())

    assert repository.id
    assert len(proxy.asked) > before
    proxy.close()


def test_proxy_that_forbids_and_one_that_is_gone(
    fleet: Fleet, vault: str, machine: Machine
) -> None:
    file = fleet.credentials(vault)
    proxy = Proxy(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with pytest.raises(ProxyForbids, match="403"):
        machine.register(file, proxy=proxy.place)
    proxy.close()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(ProxyNotReached):
            machine.register(file, proxy=f"127.0.0.1:{closed.getsockname()[1]}")


# Afterwards


def test_saved_passphrase_is_put_right_from_its_copy_and_missed_without(
    fleet: Fleet, vault: str, machine: Machine
) -> None:
    machine.register(fleet.credentials(vault))
    Path(machine.folder.passphrase).write_text("damaged")

    assert open_vault(machine.session()).id
    assert len(machine.warnings) == 1
    Path(machine.folder.passphrase).unlink()
    Path(machine.folder.passphrase_copy).unlink()
    with pytest.raises(KeyFileMissing) as refusal:
        open_vault(machine.session())

    assert refusal.value.source_codes == ("0x1FC07", "34506")


def test_renewed_certificate_works_and_is_another(
    fleet: Fleet, vault: str, machine: Machine
) -> None:
    machine.register(fleet.credentials(vault))
    before = Path(machine.folder.certificate).read_bytes()

    renew(machine.session())

    assert Path(machine.folder.certificate).read_bytes() != before
    assert open_vault(machine.session()).id
    assert status(machine.session()).server_trouble is None


def test_revoked_machine_says_so_and_registers_again(
    fleet: Fleet, vault: str, machine: Machine
) -> None:
    done = machine.register(fleet.credentials(vault)).registration
    fleet.post(f"/machines/{done.machine_id}/revoke")

    trouble = status(machine.session()).server_trouble
    with pytest.raises(MachineNotProven):
        machine.register(fleet.credentials(vault))
    file = fleet.credentials(vault, replaces=done.machine_id)
    again = machine.register(file).registration

    assert trouble is not None
    assert trouble.code == "not-logged-in"
    assert again == done
    assert status(machine.session()).server_trouble is None


def test_machine_that_left_keeps_nothing_and_can_come_back(
    fleet: Fleet, vault: str, machine: Machine
) -> None:
    done = machine.register(fleet.credentials(vault)).registration

    unregister(machine.session())

    assert find_registration(str(machine.home)) is None
    assert os.listdir(machine.folder.path) == []
    with pytest.raises(NotRegistered):
        status(machine.session())
    back = machine.register(fleet.credentials(vault, replaces=done.machine_id))
    assert back.registration == done


def test_reader_opens_the_repository_of_the_other_machine(
    fleet: Fleet, vault: str, machine: Machine, tmp_path: Path
) -> None:
    first = machine.register(fleet.credentials(vault)).registration
    other = Machine(tmp_path / "other")
    other.passphrase = "quite another passphrase"
    second = other.register(fleet.credentials(vault)).registration
    fleet.post(f"/machines/{first.machine_id}/readers", reader=second.machine_id, hours=1)

    (location,) = status(other.session()).readable
    session = other.session()
    asked = replace(
        session,
        settings=replace(session.settings, vault=location, passphrase_file=None),
        ask=lambda _: Secret(_PASSPHRASE.encode()),
    )

    assert location == first.location
    assert open_vault(asked).id
