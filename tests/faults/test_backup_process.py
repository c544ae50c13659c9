"""`holdfast backup` as a process that is stopped, loses a worker, and is spied on."""

import base64
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from holdfast.base.secret import Secret
from holdfast.testing.killing import children_of, ends_within, freeze
from holdfast.testing.vaults import open_vault
from tests.faults.conftest import Faults
from tests.faults.survival import stored_in

pytestmark = [pytest.mark.faults, pytest.mark.slow]

SCRIPT = Path(sys.executable).with_name("holdfast")
PASSPHRASE = "a passphrase nobody may see"
MIB = 1 << 20
NOISE = 48


class Machine:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.vault = root / "vault"
        self.home = root / "home"
        self.source = root / "source"
        self.started: list[subprocess.Popen[bytes]] = []
        self.source.mkdir()
        dice = random.Random(1)
        for number in range(NOISE):
            (self.source / f"noise-{number}").write_bytes(dice.randbytes(MIB))
        (root / "passphrase").write_text(PASSPHRASE + "\n", encoding="utf-8")
        (root / "passphrase").chmod(0o600)
        assert self.end(self.start("vault", "create", "--lab"))[0] == 0

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [SCRIPT, *words],
            env={
                "PATH": os.environ["PATH"],
                "LC_ALL": "C.UTF-8",
                "HOLDFAST_HOME": str(self.home),
                "HOLDFAST_VAULT": str(self.vault),
                "HOLDFAST_PASSPHRASE_FILE": str(self.root / "passphrase"),
            },
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def start_backup(
        self, *words: str, has_stored: bool = False
    ) -> tuple[subprocess.Popen[bytes], list[int]]:
        """A backup at work with its workers, stopped where it is until `go_on`."""
        for _attempt in range(20):
            process = self.start("backup", self.source, *words)
            while process.poll() is None and not self.is_at_work(process, has_stored=has_stored):
                threading.Event().wait(0.001)
            if freeze(process.pid) and not (self.vault / "snapshots").exists():
                return process, children_of(process.pid)
            go_on(process)
            assert self.end(process)[0] == 0
            self.forget()
        raise AssertionError("each backup was done before it could be stopped")

    def is_at_work(self, process: subprocess.Popen[bytes], *, has_stored: bool) -> bool:
        if has_stored:
            return bool(self.packs())
        return len(children_of(process.pid)) >= len(os.sched_getaffinity(0))

    def forget(self) -> None:
        """As if no backup had ever been made."""
        for folder in (*(self.vault / name for name in ("data", "index", "snapshots")), self.home):
            shutil.rmtree(folder, ignore_errors=True)

    def end(self, process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
        with process:
            said = process.communicate(timeout=120)[0]
        return process.returncode, said

    def packs(self) -> list[Path]:
        return [path for path in self.vault.glob("data/*/*") if "tmp" not in path.name]

    def secrets(self) -> list[bytes]:
        """The passphrase and the master key, in every form they could be printed in."""
        master = open_vault(stored_in(self.vault), passphrase=Secret(PASSPHRASE.encode()))
        keys = [bytes(key) for key in (master.files.master.encrypt, master.files.master.mac_k)]
        forms = [form for key in keys for form in (key, key.hex().encode(), base64.b64encode(key))]
        return [PASSPHRASE.encode(), *forms, *(repr(key)[2:-1].encode() for key in keys)]


def go_on(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGCONT)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    for process in machine.started:
        if process.poll() is None:  # the test has failed
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_backup_says_so_cleans_up_and_keeps_what_is_durable(
    machine: Machine, faults: Faults, number: signal.Signals
) -> None:
    process, workers = machine.start_backup(has_stored=True)
    faults.inject()

    os.killpg(process.pid, number)
    go_on(process)
    status, said = machine.end(process)

    assert (status, said.strip().splitlines()[-1]) == (130, b"holdfast: interrupted")
    assert b"Traceback" not in said
    assert all(ends_within(pid, 90) for pid in workers)
    assert os.listdir(machine.vault / "locks") == []
    stored = sum(path.stat().st_size for path in machine.packs())
    status, said = machine.end(machine.start("backup", machine.source, "--json"))
    assert status == 0
    total = sum(path.stat().st_size for path in machine.packs())
    assert total - stored < (NOISE - 15) * MIB
    assert total < (NOISE + 1) * MIB + stored
    faults.survive()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_lost_worker_is_one_clear_error_without_secrets(
    machine: Machine, faults: Faults, number: signal.Signals
) -> None:
    process, workers = machine.start_backup("-v")
    faults.inject()

    os.kill(workers[0], number)
    go_on(process)
    status, said = machine.end(process)

    assert status == 1
    assert f"ended unexpectedly: killed by signal {int(number)}".encode() in said
    assert b"out-of-memory" in said
    assert all(ends_within(pid, 90) for pid in workers)
    assert not any(secret in said for secret in machine.secrets())
    assert not (machine.vault / "snapshots").exists()
    assert os.listdir(machine.vault / "locks") == []
    assert [path.name for path in machine.root.iterdir() if "core" in path.name] == []
    assert machine.end(machine.start("backup", machine.source))[0] == 0
    faults.survive()


def test_workers_that_get_no_memory_do_their_work_or_say_that_they_cannot(
    machine: Machine, faults: Faults
) -> None:
    process, workers = machine.start_backup()
    faults.inject()

    for pid in workers:
        resource.prlimit(pid, resource.RLIMIT_AS, (MIB, MIB))
    go_on(process)
    status, said = machine.end(process)

    # Some have all they need by then.
    assert status == 0 or said.startswith(b"holdfast: A worker process ended unexpectedly: ")
    assert (machine.vault / "snapshots").exists() == (status == 0)
    assert b"Traceback" not in said
    assert not any(secret in said for secret in machine.secrets())
    assert machine.end(machine.start("backup", machine.source))[0] == 0
    faults.survive()


def test_no_process_of_a_backup_shows_its_secrets_or_dumps_core(
    machine: Machine, faults: Faults
) -> None:
    secrets = machine.secrets()
    process, workers = machine.start_backup()
    faults.inject()

    seen = {}
    for pid in (process.pid, *workers):
        proc = Path(f"/proc/{pid}")
        seen[pid] = b"".join((proc / name).read_bytes() for name in ("cmdline", "environ", "comm"))
        assert resource.prlimit(pid, resource.RLIMIT_CORE)[0] == 0
    go_on(process)

    assert machine.end(process)[0] == 0
    assert len(seen) == 1 + len(workers) > 1
    for shown in seen.values():
        assert b"holdfast" in shown
        assert not any(secret in shown for secret in secrets)
    faults.survive()


@pytest.mark.parametrize("harm", ["vault", "key", "passphrase"])
def test_no_error_shows_the_passphrase(machine: Machine, faults: Faults, harm: str) -> None:
    secrets = machine.secrets()
    faults.inject()
    match harm:
        case "vault":
            (machine.vault / "data").write_text("not a folder")
        case "key":
            (key,) = (machine.vault / "keys").iterdir()
            key.chmod(0o600)
            key.write_bytes(key.read_bytes()[:100])
        case _:
            (machine.root / "passphrase").write_text(PASSPHRASE + " not this one")

    status, said = machine.end(machine.start("backup", machine.source, "-vv", "--no-keyring"))

    assert status not in (0, 3)
    assert len(said) > 20
    assert not any(secret in said for secret in secrets)
    faults.survive()
