"""A virtual machine backed up while it runs comes back: in place, and on another host, booted."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, find_domain
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.hypervisor.guest_programs import GuestPrograms
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench
from tests.machines_bench import NewGuest

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(900),
]

MIB = 1 << 20
SUMS = "sha256sum /a/data /b/srv/note"


@pytest.fixture
def written(new_guest: NewGuest) -> Guest:
    """A guest that runs and has something to lose."""
    guest = new_guest()
    guest.start()
    guest.run("mkdir /b/srv && echo kept >/b/srv/note")
    guest.run("dd if=/dev/urandom of=/a/data bs=1M count=5 && sync")
    return guest


@pytest.fixture
def back(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[str]:
    """The name of a machine that is made on the second host; it goes with the test."""
    _north, south = kvm_hosts
    yield "back"
    with Host.open(south.uri) as host:
        domain = find_domain(host, "back")
        if domain.is_active():
            domain.destroy()
        domain.undefine()
    shutil.rmtree(south.images / "back")


def backed_up(bench: Bench, guest: Guest) -> dict[str, Any]:
    scratch = guest.host.folder / "scratch"
    words = ("backup", "--vm", guest.name, "--scratch", scratch, "--json")
    return bench.run(*words, HOLDFAST_LIBVIRT=guest.host.uri, status=None).event("vm-backup-done")


def answers(domain: Domain) -> bool:
    try:
        GuestAgent(domain).ping()
    except HoldfastError:
        return False
    return True


def test_a_machine_comes_back_in_place_and_on_another_host(
    bench: Bench, written: Guest, kvm_hosts: tuple[KvmHost, KvmHost], back: str
) -> None:
    _north, south = kvm_hosts
    sums = written.run(SUMS)
    first = backed_up(bench, written)
    written.run("rm /b/srv/note && dd if=/dev/zero of=/a/data bs=1M count=2 conv=notrunc && sync")
    written.shut_down()

    words = ("vm", "restore", str(first["point"]), "--in-place", "--host", written.host.uri)
    replaced = bench.run(*words, "--json").event("vm-restored")
    again = backed_up(bench, written)
    there = ("--name", back, "--pool", south.images, "--host", south.uri, "--start")
    # With a warning: the kernel it starts with is a file of its host.
    as_new = ("vm", "restore", "latest", "--vm", written.name, "--json", *there)
    restored = bench.run(*as_new, status=3)
    copied = bench.run("vm", "files", str(first["point"]), "vdb/srv/note", "--to", bench.root)

    # What was changed, and little else.
    assert 2 * MIB <= replaced["bytes_written"] <= 8 * MIB
    # The record of changes was right after it: the next backup trusted it, and has the disks.
    assert [disk["rung"] for disk in again["disks"]] == ["bitmap", "bitmap"]
    assert restored.event("vm-restored")["started"]
    assert "1 file" in copied.out
    assert (bench.root / "note").read_text() == "kept\n"
    with Host.open(south.uri) as host:
        domain = find_domain(host, back)
        wait_until(lambda: answers(domain), within=240)
        programs = GuestPrograms(GuestAgent(domain), SystemClock(), about=back)
        assert programs.run(["/bin/sh", "-c", SUMS]).out.decode() == sums
