"""What keeps a machine from its old home is said in both languages; what is said to help helps."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Said, ready
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.both_languages import refused_in_both
from tests.refusal_bench import (
    NETWORK,
    WITHOUT_POINTS,
    card,
    clear_memory,
    give_memory_back,
    machine_of,
    make_memory_short,
)

pytestmark = machines_bench.MARKS
MAC = "52:54:00:aa:bb:08"
CARD = card(MAC)
VOLUME = """<disk type='volume' device='cdrom'><source pool='media' volume='setup.iso'/>
<target dev='sdz' bus='scsi'/><readonly/></disk>"""
STRANGER = """<domain type='qemu'><name>{name}</name>
<memory>16384</memory><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"""
AT_ONCE = ("--force", "--shutdown-within", "1s")


@pytest.fixture(scope="module")
def sites(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[TwoSites]:
    with two_sites(*kvm_hosts) as made:
        made.work()
        yield made
        for host in kvm_hosts:
            machines_bench.clear(host)
            clear_memory(host)


@contextmanager
def failed_over(sites: TwoSites, name: str, *, devices: str = "") -> Iterator[StillMachine]:
    with machine_of(sites.north.host, name, devices=devices) as machine:
        sites.north.run("replication", "enable", name, "--to", "south", *WITHOUT_POINTS)
        sites.south.run("failover", name, "--planned", "--network", "prod=none")
        yield machine
        sites.work()


@pytest.fixture
def prod(sites: TwoSites, tmp_path: Path) -> Iterator[Path]:
    """The network at home, as a file that makes it."""
    network = tmp_path / "prod.xml"
    network.write_text(NETWORK)
    sites.north.host.run("virsh", "net-create", network)
    yield network
    if "prod" in sites.north.host.run("virsh", "net-list", "--name"):
        sites.north.host.run("virsh", "net-destroy", "prod")


@pytest.fixture
def media(sites: TwoSites) -> Iterator[None]:
    """A pool at home, with the disc that is in the machine's drive."""
    home = sites.north.host
    folder = home.images / "media"
    folder.mkdir()
    (folder / "setup.iso").write_bytes(bytes(4096))
    home.run("virsh", "pool-define-as", "media", "dir", "--target", folder)
    home.run("virsh", "pool-start", "media")
    yield
    if home.run("virsh", "pool-list", "--name").strip():
        home.run("virsh", "pool-destroy", "media")
    home.run("virsh", "pool-undefine", "media")


def test_a_home_that_does_not_take_it_in_says_why_and_after_the_remedy_it_does(
    sites: TwoSites, tmp_path: Path
) -> None:
    north, south = sites.north, sites.south
    with failed_over(sites, "elsewhere") as machine:
        refused = list(_refused_by_the_link(sites, machine, tmp_path))
        refused += _refused_by_its_record(sites, machine)
        refused += _refused_by_its_host(sites, machine)
        done = south.run("reprotect", machine.name, "--json").event("recovery-done")

    assert refused == [
        "way-back-home-is-no-site",
        "way-back-not-its-site",
        "way-back-home-knows-newer",
        "way-back-target-unsupported",
        "way-back-runs-at-home",
        "failover-account-reads-only",
        "failover-folder-closed",
    ]
    assert done["stage"] == "protected-in-reverse"
    assert north.facts(machine.uuid) is not None


def _refused_by_the_link(sites: TwoSites, machine: StillMachine, tmp_path: Path) -> Iterator[str]:
    """This host has no way there; then it comes as somebody else."""
    north, south = sites.north, sites.south
    known, file = south.home / "sites", tmp_path / "stranger.file"
    known.rename(tmp_path / "sites")
    yield _refused(south, machine)
    north.run("replication", "admit", "stranger", "--address", north.side.address, "--output", file)
    south.run("replication", "join", file)
    yield _refused(south, machine)
    north.admit(south)


def _refused_by_its_record(sites: TwoSites, machine: StillMachine) -> Iterator[str]:
    """As after a third host had it; the remedy is somebody's word that it has not."""
    folder = RecordFolder(str(sites.north.home), machine.uuid)
    record = folder.load()
    assert record is not None
    folder.change(lambda found: msgspec.structs.replace(found, epoch=record.epoch + 7))
    refused = _refused(sites.south, machine)
    yield refused
    folder.change(lambda found: msgspec.structs.replace(found, epoch=record.epoch))
    # It is told with the next word of that home.
    wait_until(lambda: refused not in looked_at(sites.south, machine.name).problems)


def _refused_by_its_host(sites: TwoSites, machine: StillMachine) -> Iterator[str]:
    north, home = sites.north, sites.north.host
    home.kill()
    try:
        refused = _refused(sites.south, machine)
    finally:
        # Others go on with it.
        home.start()
    yield refused
    assert north.running is not None
    # Who would bar it at once.
    north.running.stop()
    with home.connected() as connection:
        barred = connection.lookupByUUIDString(machine.uuid).XMLDesc()
        connection.defineXML(barred.replace(".holdfast-runs-elsewhere", "")).create()
    yield _refused(sites.south, machine)
    home.run("virsh", "destroy", machine.name)
    north.follow()
    with serving_as_reader(north):
        yield _refused(sites.south, machine)
    away = machine.folder.with_name("not-mounted")
    machine.folder.rename(away)
    try:
        yield _refused(sites.south, machine)
    finally:
        away.rename(machine.folder)


def _refused(site: Station, machine: StillMachine) -> str:
    """By the command, and by a look before it."""
    refused = refused_in_both(site, "reprotect", machine.name)
    looked = looked_at(site, machine.name)
    assert looked.problems == [refused], looked.messages
    return refused


@contextmanager
def serving_as_reader(station: Station) -> Iterator[None]:
    """Its site works by an account that may only look."""
    assert station.serving is not None
    station.serving.stop()
    socket = f"{station.host.folder}/run/libvirt-sock-ro"
    serving = station.side.start(
        *("replication", "serve", "--json"),
        HOLDFAST_LIBVIRT=f"qemu+unix:///system?socket={socket}",
    )
    try:
        ready(serving, "site-serving")
        yield
    finally:
        serving.stop()
        station.serve()


def test_what_its_home_lacks_is_told_before_and_keeps_it_from_coming_until_it_is_there(
    sites: TwoSites, prod: Path, media: None, tmp_path: Path
) -> None:
    north, south, home = sites.north, sites.south, sites.north.host
    stranger = tmp_path / "stranger.xml"
    with (
        failed_over(sites, "missed", devices=CARD + VOLUME) as machine,
        machine_of(home, "rival", devices=CARD) as rival,
    ):
        stranger.write_text(STRANGER.format(name=machine.name))
        well = looked_at(south, machine.name)
        home.run("virsh", "undefine", machine.name)
        home.run("virsh", "define", stranger)
        make_memory_short(home, tmp_path)
        home.run("virsh", "pool-destroy", "media")
        home.run("virsh", "net-destroy", "prod")
        unplugged = looked_at(south, machine.name)
        home.run("virsh", "net-create", prod)
        rival.start()
        lacking = looked_at(south, machine.name)
        protected = south.run("reprotect", machine.name, status=3)

        command = ("failback", machine.name, *AT_ONCE)
        refused = [refused_in_both(north, *command)]
        home.run("virsh", "domrename", machine.name, "stranger")
        refused.append(refused_in_both(north, *command))
        give_memory_back(home)
        refused.append(refused_in_both(north, *command))
        home.run("virsh", "pool-start", "media")
        refused.append(refused_in_both(north, *command))
        home.run("virsh", "destroy", rival.name)
        back = north.run(*command, "--json").event("recovery-done")

    assert (well.problems, well.later) == ([], [])
    first = ["failover-name-taken", "failover-memory-short", "failover-pool-closed"]
    assert (unplugged.problems, unplugged.later) == ([], [*first, "failover-network-missing"])
    assert (lacking.problems, lacking.later) == ([], [*first, "failover-mac-taken"])
    assert all(f"[{code}]" in protected.err + protected.out for code in lacking.later)
    assert refused == lacking.later
    assert back["stage"] == "committed"


class Looked:
    """At a reprotect: what would refuse it, and what would keep the machine from coming back."""

    def __init__(self, said: Said) -> None:
        seen = said.event("recovery-preflight")
        self.problems = [each["code"] for each in seen["problems"]]
        self.messages = [each["message"] for each in seen["problems"]]
        self.later = [
            code for each in seen["doubts"] for code in re.findall(r"\[([a-z-]+)\]$", each)
        ]


def looked_at(site: Station, name: str) -> Looked:
    words = ("failover", "check", name, "--act", "reprotect", "--json")
    return Looked(site.run(*words, status=None))
