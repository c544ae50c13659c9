"""Machines that run straight off a vault: booted, protected, paused without it, moved off it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from holdfast.disks.images import inspect
from holdfast.machines.disk_source import FileSource
from holdfast.machines.point_writer import PointWriter
from holdfast.machines.points import VERSION, Consistency, DiskFacts, VmPoint
from holdfast.machines.verdicts import load_verdicts
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost
from holdfast.testing.vaults import PASSPHRASE, open_vault, small_vault
from holdfast.testing.vm_points import OPTIONS
from holdfast.testing.waiting import wait_until
from holdfast.vault.repository import Repository
from tests.machines_bench import MARKS

pytestmark = MARKS

SCRIPT = Path(sys.executable).with_name("holdfast")
BOOTING = 240.0
PAUSED_BY_IO = [3, 5]
# Not out of the guest's memory, and whole at once.
READ_ANEW = "echo 3 >/proc/sys/vm/drop_caches; md5sum <{file} >/run/new; mv /run/new /run/{sum}"
NAME = "bootable"
VIDEO = "<video><model type='vga'/></video></devices>"


class Booted(Guest):
    """A guest that is there already: its disks and its definition are made by what is tested."""

    def __post_init__(self) -> None:
        pass


@dataclass(frozen=True, kw_only=True)
class Site:
    """A vault with one point of a machine, and the command with its environment."""

    root: Path
    host: KvmHost
    blob: bytes
    # Commands that go on; they end with their machines.
    serving: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            **os.environ,
            "HOLDFAST_HOME": str(self.root / "home"),
            "HOLDFAST_VAULT": str(self.root / "vault"),
            "HOLDFAST_PASSPHRASE_FILE": str(self.root / "passphrase"),
            "HOLDFAST_LIBVIRT": self.host.uri,
        }

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [SCRIPT, *words, "--json"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *words: str | Path, status: int = 0) -> list[dict[str, Any]]:
        process = self.start(*words)
        out, err = process.communicate(timeout=500)
        assert process.returncode == status, f"{words}: {out.decode()}{err.decode()}"
        return [json.loads(line) for line in out.splitlines()]

    def event(self, name: str, *words: str | Path) -> dict[str, Any]:
        (found,) = [event for event in self.run(*words) if event["event"] == name]
        return found

    def boot(self, name: str, *words: str | Path) -> dict[str, Any]:
        where = ("--name", name, "--pool", self.host.images)
        return self.event("vm-booted", "vm", "boot", "latest", "--vm", NAME, *where, *words)

    def booted(self, event: Mapping[str, Any]) -> Guest:
        return Booted(self.host, event["vm"], uuid=event["uuid"])

    def health(self, name: str) -> str | None:
        found = {event["vm"]: event["health"] for event in self.run("vm", "boots")}
        return found.get(name)

    def server(self, event: Mapping[str, Any]) -> int:
        lock = self.root / "home" / "boots" / event["uuid"] / "serve.lock"
        return int(lock.read_text())

    def vault(self) -> Repository:
        return open_vault(DirectoryStorage(str(self.root / "vault")))


def write_point(vault: Repository, guest: Guest, description: str) -> None:
    with PointWriter(vault, guest.name, OPTIONS) as writer:
        for target in guest.targets:
            with FileSource(str(guest.disk(target))) as source:
                writer.add_disk(target, source)
        facts = VmPoint(
            version=VERSION,
            name=guest.name,
            uuid=guest.uuid,
            taken_at=vault.clock.now(),
            consistency=Consistency.FILESYSTEM,
            disks=tuple(
                DiskFacts(target=target, size=guest.recipe.disk_size) for target in guest.targets
            ),
        )
        writer.commit(facts, {"domain.xml": description.encode()})


def end_all(site: Site) -> None:
    for event in site.run("vm", "boots"):
        site.run("vm", "boot", "--end", event["vm"])
    for process in site.serving:
        process.communicate(timeout=BOOTING)


@pytest.fixture(scope="module")
def site(kvm_host: KvmHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The machine of the point never ran: its disks were filled from outside."""
    root = tmp_path_factory.mktemp("boot")
    (root / "vault").mkdir()
    (root / "home").mkdir()
    (root / "passphrase").write_bytes(PASSPHRASE.reveal())
    (root / "passphrase").chmod(0o600)
    (root / "blob").write_bytes(os.urandom(6 << 20))
    guest = Guest(kvm_host, NAME, Recipe(format="raw"))
    for target in guest.targets:
        write = ["debugfs", "-w", "-R", f"write {root / 'blob'} blob", str(guest.disk(target))]
        subprocess.run(write, check=True, capture_output=True)
    described = kvm_host.run("virsh", "dumpxml", "--inactive", NAME).replace("</devices>", VIDEO)
    vault = small_vault(DirectoryStorage(str(root / "vault")))
    write_point(vault, guest, described)
    made = Site(root=root, host=kvm_host, blob=(root / "blob").read_bytes())
    try:
        yield made
    finally:
        end_all(made)
        guest.remove()


@pytest.fixture(scope="module")
def running(site: Site) -> dict[str, Any]:
    """One that runs off the vault; the tests leave it so."""
    return site.boot("off-the-vault")


def back_up(site: Site, guest: Guest) -> dict[str, Any]:
    scratch = ("--scratch", site.host.folder / "scratch", "--no-freeze")
    return site.event("vm-backup-done", "backup", "--vm", guest.name, *scratch)


def state_of(guest: Guest) -> list[int]:
    with guest.domain() as domain:
        return list(domain.state())


def read_blob(guest: Guest) -> str:
    return guest.run("md5sum </a/blob").split()[0]


def read_if_running(guest: Guest, file: str) -> str:
    """It may be paused at any time, and go on."""
    import libvirt

    try:
        return guest.run(f"cut -d' ' -f1 {file} 2>/dev/null || true").strip()
    except libvirt.libvirtError:
        return ""


def digest(site: Site) -> str:
    done = subprocess.run(["md5sum"], input=site.blob, capture_output=True, check=True)
    return done.stdout.decode().split()[0]


def test_a_machine_runs_from_a_point_and_is_one_of_its_own(
    site: Site, running: dict[str, Any]
) -> None:
    guest = site.booted(running)

    described = site.host.run("virsh", "dumpxml", guest.name)

    assert 0 < running["seconds_to_running"] <= running["seconds_to_up"]
    assert site.health(guest.name) == "runs"
    assert read_blob(guest) == digest(site)
    # Little of the disk is here: the rest is read where it is wanted.
    assert (inspect(guest.folder / "vda.qcow2", is_live=True).allocated or 0) < len(site.blob)
    original = site.host.run("virsh", "dumpxml", "--inactive", NAME)
    assert "protocol='nbd'" in described
    assert all(word not in described for word in (mac_of(original), f">{NAME}<"))


def mac_of(description: str) -> str:
    return description.partition("<mac address='")[2].partition("'")[0]


def test_its_changes_are_recorded_from_its_first_instant(
    site: Site, running: dict[str, Any]
) -> None:
    guest = site.booted(running)

    listed = site.host.run("virsh", "checkpoint-list", guest.name, "--name").split()

    assert running["checkpoint"] in listed
    (point,) = [each for each in site.vault().snapshots() if each.id == running["first_point"]]
    assert f"vm:{guest.uuid}" in point.tags
    # It cost folders and facts, and nothing of the disks.
    assert point.stored.summary is not None
    assert point.stored.summary.data_added < 64 << 10
    guest.run("echo new >/a/new && sync")
    done = back_up(site, guest)
    assert (done["parent"], {disk["rung"] for disk in done["disks"]}) == (point.id, {"bitmap"})
    assert done["bytes_read"] < len(site.blob)


def test_a_lost_vault_pauses_it_and_it_goes_on_by_itself_when_the_vault_is_back(
    site: Site, running: dict[str, Any]
) -> None:
    guest = site.booted(running)

    os.kill(site.server(running), signal.SIGKILL)
    wait_until(lambda: site.health(guest.name) == "not-served")
    guest.ask("guest-exec", path="/bin/sh", arg=["-c", READ_ANEW.format(file="/a/blob", sum="sum")])
    wait_until(lambda: state_of(guest) == PAUSED_BY_IO)
    site.serving.append(site.start("vm", "serve", guest.name))

    wait_until(lambda: site.health(guest.name) == "runs", within=BOOTING)
    wait_until(lambda: read_if_running(guest, "/run/sum") == digest(site), within=BOOTING)
    assert "error" not in guest.run("dmesg | grep -E 'vd[ab]' || true").lower()


def test_a_vault_that_cannot_be_reached_for_a_while_is_waited_for(
    site: Site, running: dict[str, Any]
) -> None:
    guest = site.booted(running)
    away = site.root / "away"

    # Only here is that file read, so nobody has it in memory.
    (site.root / "vault").rename(away)
    read = READ_ANEW.format(file="/b/blob", sum="other")
    guest.ask("guest-exec", path="/bin/sh", arg=["-c", read])
    wait_until(lambda: state_of(guest) == PAUSED_BY_IO)
    away.rename(site.root / "vault")

    wait_until(lambda: read_if_running(guest, "/run/other") == digest(site), within=BOOTING)
    assert "error" not in guest.run("dmesg | grep -E 'vd[ab]' || true").lower()


def test_a_machine_is_moved_off_the_vault_while_it_runs(site: Site) -> None:
    event = site.boot("moved", "--within", "0")
    guest = site.booted(event)
    try:
        site.event("vm-moved-off", "vm", "move-off", guest.name)

        assert site.health(guest.name) is None
        assert "nbd" not in site.host.run("virsh", "dumpxml", guest.name)
        assert "nbd" not in site.host.run("virsh", "dumpxml", "--inactive", guest.name)
        wait_until(guest.answers, within=BOOTING)
        assert read_blob(guest) == digest(site)
        # What was fetched is no change.
        done = back_up(site, guest)
        assert (done["parent"], done["disks"][0]["rung"]) == (event["first_point"], "bitmap")
        assert done["bytes_read"] < len(site.blob)
    finally:
        guest.remove()


def test_a_point_is_proven_by_booting_it_alone(site: Site) -> None:
    where = ("--vm", NAME, "--pool", site.host.images)

    checked = site.event("boot-checked", "check", "--boot", "latest", *where)

    assert (checked["good"], checked["proof"], checked["picture"]) == (True, "agent", True)
    (screen,) = Path(checked["folder"]).glob("screen.*")
    assert screen.read_bytes()[:4] in (b"\x89PNG", b"P6\n7")
    (verdict,) = load_verdicts(site.vault().files, [checked["point"]], warn=pytest.fail)
    assert (verdict.point, verdict.is_good) == (checked["point"], True)
    assert verdict.picture == screen.read_bytes()
    shown = site.event("boot-verdict", "points", "show", checked["point"])
    assert (shown["point"], shown["good"], shown["vm"]) == (checked["point"], True, NAME)
    names = site.host.run("virsh", "list", "--all", "--name")
    assert "holdfast-check" not in names
    assert list(site.host.images.glob("holdfast-check*")) == []


def test_what_a_killed_boot_leaves_is_named_and_ended(site: Site) -> None:
    process = site.start(
        *("vm", "boot", "latest", "--vm", NAME, "--name", "killed"),
        *("--pool", site.host.images),
    )
    wait_until((site.host.images / "killed" / "vdb.qcow2").exists)
    process.kill()
    process.communicate()

    (left,) = [event for event in site.run("vm", "boots") if event["vm"] == "killed"]
    site.run("vm", "boot", "--end", "killed")

    # It may have come as far as to run.
    assert left["health"] in ("left-behind", "runs", "paused")
    assert site.health("killed") is None
    assert "killed" not in site.host.run("virsh", "list", "--all", "--name").split()
    assert not (site.host.images / "killed").exists()
    assert not (site.root / "home" / "boots" / left["uuid"]).exists()


def test_a_machine_that_cannot_be_started_leaves_nothing(site: Site) -> None:
    site.run(
        *("vm", "boot", "latest", "--vm", NAME, "--name", NAME, "--pool", site.root / "pool"),
        status=1,
    )

    assert site.health(NAME) is None
    assert not (site.root / "pool" / NAME).exists()


def test_a_name_does_not_lead_out_of_the_pool(site: Site) -> None:
    words = ("vm", "boot", "latest", "--vm", NAME, "--name", "../out", "--pool", site.root / "pool")

    (error,) = site.run(*words, status=2)

    assert error["code"] == "vm-name-unusable"
    assert not (site.root / "out").exists()
    assert site.health("../out") is None
