"""A machine with a TPM: what it keeps is in the point, and back after its host has lost it.

libvirt keeps that in a folder of the host, so the commands run there.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.base.errors import Exit
from holdfast.machines.vm_state import packed
from holdfast.testing.agent_program import HOLDFAST
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost
from holdfast.testing.vaults import PASSPHRASE

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        shutil.which("swtpm") is None or shutil.which("swtpm_setup") is None,
        reason="swtpm is not installed",
    ),
]


@pytest.fixture(scope="module")
def guest(kvm_host: KvmHost) -> Iterator[Guest]:
    guest = Guest(kvm_host, "sealed", Recipe(tpm=True, disks=1))
    try:
        guest.start()
        yield guest
    finally:
        guest.remove()


@pytest.fixture
def name_of_copy(kvm_host: KvmHost) -> Iterator[str]:
    """For a second machine, which goes with the test, however that ends."""
    name = "sealed-too"
    yield name
    kvm_host.run("sh", "-c", f"virsh destroy {name}; virsh undefine {name} --nvram; :")


class There:
    """The command, on the machine's host."""

    def __init__(self, host: KvmHost, root: Path) -> None:
        (root / "passphrase").write_bytes(PASSPHRASE.reveal())
        (root / "passphrase").chmod(0o600)
        self.host = host
        self.said = [
            f"HOLDFAST_HOME={root / 'home'}",
            f"HOLDFAST_VAULT={root / 'vault'}",
            f"HOLDFAST_PASSPHRASE_FILE={root / 'passphrase'}",
        ]

    def run(self, *words: str | Path) -> dict[str, Any]:
        """The last event; a guest of the tests has warnings, for its kernel lies on the host."""
        command = self.host.words("env", *self.said, HOLDFAST, *words, "--json")
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
        assert done.returncode in {0, Exit.WARNINGS}, done.stdout + done.stderr
        last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return last


def test_what_a_tpm_keeps_is_in_the_point_and_back_on_a_host_that_lost_it(
    guest: Guest, kvm_host: KvmHost, name_of_copy: str, tmp_path: Path
) -> None:
    there = There(kvm_host, tmp_path)
    there.run("vault", "create")
    scratch = ("--scratch", kvm_host.folder / "scratch")

    running = there.run("backup", "--vm", guest.name, *scratch)
    guest.shut_down()
    kept = packed(guest.tpm_state)
    off = there.run("backup", "--vm", guest.name, *scratch)
    shutil.rmtree(guest.tpm_state)
    there.run("vm", "restore", str(off["point"]), "--in-place")
    in_place = packed(guest.tpm_state)
    guest.start()
    where = ("--name", name_of_copy, "--pool", kvm_host.images)
    new = there.run("vm", "restore", str(off["point"]), *where)
    of_new = packed(guest.tpm_state.with_name(new["uuid"]))
    kvm_host.run("virsh", "start", name_of_copy)

    assert len(kept) > 0
    assert in_place == of_new == kept
    for done in (running, off):
        assert "tpm.tar" in files_of(there, done)


def files_of(there: There, done: dict[str, Any]) -> list[str]:
    back = there.host.folder / f"facts-{done['point'][:8]}"
    there.run("restore", str(done["point"]), "--include", "/vm/*/.holdfast", "--to", back)
    names = [path.name for path in back.rglob("*") if path.is_file()]
    shutil.rmtree(back)
    return names
