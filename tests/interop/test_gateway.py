"""Stock restic and our own commands through the gateway, over mutual TLS."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control.plane import Actor
from holdfast.app.control.trash import undelete
from holdfast.catalog.trash import Filter
from holdfast.testing.gateway import MachineThere, RunningGateway

pytestmark = [
    pytest.mark.interop,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("restic") is None, reason="no restic on this machine"),
]
PASSPHRASE = "a passphrase of restic"
ADMIN = Actor(kind="person", id="admin", name="admin", is_admin=True)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    chance = random.Random(7)
    for number in range(12):
        (folder / "deep" / f"file{number}").write_bytes(chance.randbytes(300_000))
    return folder


class Restic:
    """Stock restic, shown the certificate or given the password of a machine."""

    def __init__(self, machine: MachineThere, *, by_password: bool = False) -> None:
        login = f"{machine.id}:{machine.password}@" if by_password else ""
        self._options = ["--cacert", machine.ca_file, "--no-cache"]
        if not by_password:
            self._options += ["--tls-client-cert", machine.pair_file]
        self._environment = {
            **os.environ,
            "RESTIC_REPOSITORY": "rest:" + machine.url.replace("//", f"//{login}", 1),
            "RESTIC_PASSWORD": PASSPHRASE,
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = ["restic", *self._options, *words]
        return subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        )

    def __call__(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def snapshots(self) -> list[dict[str, Any]]:
        return list(json.loads(self("snapshots", "--json")))


class Holdfast:
    """Our own command, with a home as registration leaves it."""

    def __init__(
        self, machine: MachineThere, home: Path, *, reads: MachineThere | None = None
    ) -> None:
        """`reads` is another machine's repository, instead of its own."""
        (home / "agent").mkdir(parents=True)
        shutil.copy(machine.ca_file, home / "agent" / "ca.pem")
        shutil.copy(machine.certificate_file, home / "agent" / "machine.pem")
        shutil.copy(machine.key_file, home / "agent" / "machine.key")
        (home / "passphrase").write_text(PASSPHRASE)
        self._environment = {
            **os.environ,
            "HOLDFAST_HOME": str(home),
            "HOLDFAST_VAULT": (reads or machine).location,
            "HOLDFAST_PASSPHRASE_FILE": str(home / "passphrase"),
        }

    def __call__(self, *words: str, status: int = 0) -> str:
        command = [str(Path(sys.executable).parent / "holdfast"), *words]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.name: path.read_bytes() for path in files}


@pytest.mark.parametrize("by_password", [False, True])
def test_restic_works_append_only(
    gateway: RunningGateway, source: Path, tmp_path: Path, by_password: bool
) -> None:
    machine = gateway.machine(gateway.vault())
    restic = Restic(machine, by_password=by_password)

    restic("init")
    restic("backup", str(source))
    (source / "new").write_text("new")
    restic("backup", str(source))
    # This client asks ten times before it takes a refusal for one: once is enough here.
    refused = None if by_password else restic.run("forget", "--keep-last", "1", "--prune")

    if refused is not None:
        assert refused.returncode != 0
        assert "403" in refused.stderr
    assert len(restic.snapshots()) == 2
    assert "no errors were found" in restic("check", "--read-data")
    restic("restore", "latest", "--target", str(tmp_path / "back"))
    assert contents(tmp_path / "back") == contents(source)


def test_restic_prunes_a_lab_vault(gateway: RunningGateway, source: Path) -> None:
    machine = gateway.machine(gateway.vault(is_lab=True))
    restic = Restic(machine)
    restic("init")
    restic("backup", str(source))
    shutil.rmtree(source / "deep")
    (source / "other").write_text("other")
    restic("backup", str(source))

    restic("forget", "--keep-last", "1", "--prune")

    assert len(restic.snapshots()) == 1
    restic("check", "--read-data")
    assert sum(path.stat().st_size for path in machine.folder.rglob("*") if path.is_file()) < 1e6


def test_what_restic_pruned_under_a_lease_comes_back(
    gateway: RunningGateway, source: Path, tmp_path: Path
) -> None:
    machine = gateway.machine(gateway.vault())
    restic = Restic(machine)
    restic("init")
    restic("backup", str(source))
    before = contents(source)
    shutil.rmtree(source / "deep")
    (source / "other").write_text("other")
    restic("backup", str(source))
    gateway.lease(machine.id)
    restic("forget", "--keep-last", "1", "--prune")
    left = len(restic.snapshots())

    undone = undelete(gateway.plane, ADMIN, Filter(machine_id=machine.id))

    assert left == 1
    assert undone.files > 0
    snapshots = restic.snapshots()
    assert len(snapshots) == 2
    restic("restore", snapshots[0]["short_id"], "--target", str(tmp_path / "back"))
    assert contents(tmp_path / "back") == before
    restic("check", "--read-data")


def test_our_commands_work_through_the_gateway(
    gateway: RunningGateway, source: Path, tmp_path: Path
) -> None:
    machine = gateway.machine(gateway.vault())
    holdfast = Holdfast(machine, tmp_path / "home")

    holdfast("vault", "create")
    holdfast("backup", str(source))
    before = contents(source)
    shutil.rmtree(source / "deep")
    (source / "new").write_text("new")
    holdfast("backup", str(source))
    points = json.loads(holdfast("points", "--json").splitlines()[-1])
    holdfast("restore", "latest", "--to", str(tmp_path / "back"))
    holdfast("check", "--read-data")

    assert points
    assert contents(tmp_path / "back")["new"] == b"new"
    assert Restic(machine).snapshots()
    refused = holdfast("retain", "--keep-last", "1", status=30)
    assert "lease" in refused
    gateway.lease(machine.id)
    holdfast("retain", "--keep-last", "1")
    holdfast("prune", "--max-unused", "0")
    assert len(Restic(machine).snapshots()) == 1
    Restic(machine)("check", "--read-data")
    undelete(gateway.plane, ADMIN, Filter(machine_id=machine.id))
    first = Restic(machine).snapshots()[0]
    holdfast("restore", first["short_id"], "--to", str(tmp_path / "old"))
    assert contents(tmp_path / "old") == before


def test_a_granted_machine_looks_restores_and_checks_without_a_lock(
    gateway: RunningGateway, source: Path, tmp_path: Path
) -> None:
    machine = gateway.machine(gateway.vault())
    reader = gateway.machine(machine.vault_id)
    owner = Holdfast(machine, tmp_path / "owner")
    owner("vault", "create")
    owner("backup", str(source))
    gateway.grant(machine.id, reader.id)
    other = Holdfast(reader, tmp_path / "reader", reads=machine)

    points = other("points", "--json")
    other("restore", "latest", "--no-lock", "--to", str(tmp_path / "back"))
    other("check", "--no-lock", "--read-data")
    locked = other("restore", "latest", "--to", str(tmp_path / "no"), status=1)

    assert '"point"' in points or '"id"' in points
    assert contents(tmp_path / "back") == contents(source)
    assert "--no-lock" in locked
    assert list(machine.folder.joinpath("locks").glob("*")) == []
