"""Pull backups of a real machine, whose writer tells whether two disks are of one instant."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.nbd_client import NbdClient
from holdfast.disks.spans import Span, total
from holdfast.hypervisor.backup_jobs import (
    begin_backup,
    current_backup,
    end_backup,
    job_stats,
    prepare_backup,
)
from holdfast.hypervisor.backup_xml import BackupPlan, DiskPlan, Mode
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.hypervisor.checkpoints import delete_checkpoint, list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.console import Console
from holdfast.hypervisor.domain_disks import copy_disk, disk_job, end_disk_job
from holdfast.hypervisor.domains import Domain, find_domain
from holdfast.hypervisor.errors import (
    BackupRunning,
    CheckpointMissing,
    NoBackupRunning,
    TrackingLost,
    VmBusy,
    VmNotRunning,
)
from holdfast.hypervisor.events import EventKind, subscribe
from holdfast.hypervisor.states import State
from holdfast.testing.guest_proofs import last_write
from holdfast.testing.guest_scripts import LOG_BLOCK, LOG_BLOCKS, LOG_START
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.machines_bench import MARKS, NewGuest

pytestmark = MARKS

BOTH = ("vda", "vdb")
CLOCK = SystemClock()
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def writing_guest(kvm_host: KvmHost) -> Iterator[Guest]:
    """It writes to one disk, then to the other, and so on without an end."""
    with machines_bench.writing_guest(kvm_host, "writing") as guest:
        yield guest


@pytest.fixture
def domain(hypervisor: Host, writing_guest: Guest) -> Iterator[Domain]:
    domain = find_domain(hypervisor, writing_guest.uuid)
    yield domain
    if current_backup(domain) is not None:
        end_backup(domain, CLOCK)
    for checkpoint in list_checkpoints(domain):
        delete_checkpoint(domain, checkpoint.name)


@pytest.fixture
def place(kvm_host: KvmHost) -> Iterator[Path]:
    """A folder for a socket and scratch files, empty again at the end of each job."""
    folder = kvm_host.folder / f"job{next(_numbers)}"
    folder.mkdir()
    yield folder
    assert [path.name for path in folder.iterdir() if path.name != "nbd"] == []


def disk_plan(place: Path, target: str, since: str | None = None) -> DiskPlan:
    return DiskPlan(
        target=target,
        export=target,
        scratch=str(place / f"{target}.scratch"),
        mode=Mode.FULL if since is None else Mode.INCREMENTAL,
        since=since,
    )


def plan_of(
    place: Path,
    *,
    since: Mapping[str, str] | None = None,
    checkpoint: str | None = None,
    disks: tuple[str, ...] = BOTH,
) -> BackupPlan:
    known = since or {}
    return BackupPlan(
        socket=str(place / "nbd"),
        disks=tuple(disk_plan(place, target, known.get(target)) for target in disks),
        checkpoint=checkpoint,
        checkpoint_disks=disks if checkpoint else (),
    )


def whole(plan: BackupPlan, target: str) -> bytearray:
    with NbdClient(UnixAddress(path=Path(plan.socket)), target) as client:
        return bytearray(client.read(0, client.size))


def changed(plan: BackupPlan, disk: DiskPlan) -> list[tuple[Span, bytes]]:
    """What the map of changes says, with what stands there."""
    assert disk.context is not None
    with NbdClient(
        UnixAddress(path=Path(plan.socket)), disk.export, contexts=(disk.context,)
    ) as client:
        told = client.status(disk.context, Span(0, client.size))
        spans = [span for span, flags in told if flags]
        return [(span, bytes(content)) for span, content in client.read_many(spans)]


def writes_in(disks: dict[str, bytearray]) -> tuple[int, int]:
    end = LOG_START + LOG_BLOCK * LOG_BLOCKS
    first, second = (last_write(bytes(disks[name][LOG_START:end]), name) for name in BOTH)
    return first, second


def written(guest: Guest) -> int:
    """The last write that is on both disks for good."""
    return int(guest.run("cat /run/ordered || echo 0"))


def test_increments_on_a_full_backup_are_the_disks_of_one_instant(
    domain: Domain, writing_guest: Guest, place: Path
) -> None:
    first, second = new_name(), new_name()
    full = plan_of(place, checkpoint=first)
    known = written(writing_guest)
    begin_backup(domain, full)
    disks = {target: whole(full, target) for target in BOTH}
    end_backup(domain, CLOCK)
    full_writes = writes_in(disks)
    wait_until(lambda: written(writing_guest) > full_writes[0])

    increment = plan_of(place, since=dict.fromkeys(BOTH, first), checkpoint=second)
    begin_backup(domain, increment)
    shipped = 0
    for disk in increment.disks:
        parts = changed(increment, disk)
        shipped += total([span for span, _content in parts])
        for span, content in parts:
            disks[disk.target][span.start : span.end] = content
    now = {target: whole(increment, target) for target in BOTH}
    end_backup(domain, CLOCK)

    assert known <= full_writes[1] <= full_writes[0] <= full_writes[1] + 1
    assert disks == now
    ahead, behind = writes_in(now)
    assert full_writes[0] < ahead
    assert ahead - behind in {0, 1}
    assert 0 < shipped < len(now["vda"])
    assert [checkpoint.name for checkpoint in list_checkpoints(domain)] == [first, second]


def test_disk_without_a_checkpoint_is_read_whole_beside_an_increment(
    domain: Domain, place: Path
) -> None:
    begin_backup(domain, plan_of(place, checkpoint=(name := new_name()), disks=("vda",)))
    end_backup(domain, CLOCK)

    mixed = plan_of(place, since={"vda": name})
    begin_backup(domain, mixed)

    assert changed(mixed, mixed.disks[0])
    assert len(whole(mixed, "vdb")) == 64 << 20
    end_backup(domain, CLOCK)


def test_second_backup_is_refused_at_once_and_the_first_goes_on(
    domain: Domain, place: Path
) -> None:
    plan = plan_of(place)
    begin_backup(domain, plan)

    with pytest.raises(BackupRunning):
        begin_backup(domain, plan_of(place, checkpoint=new_name()))

    stats = job_stats(domain)
    assert stats is not None
    assert stats.is_backup
    assert stats.scratch_total > 0
    assert whole(plan, "vda")
    assert list_checkpoints(domain) == []
    end_backup(domain, CLOCK)


def test_prepared_backup_is_refused_when_another_has_begun_since(
    domain: Domain, place: Path
) -> None:
    prepared = prepare_backup(domain, plan_of(place, checkpoint=new_name()))
    plan = plan_of(place)
    begin_backup(domain, plan)

    with pytest.raises(BackupRunning):
        prepared.begin()

    assert whole(plan, "vda")
    assert list_checkpoints(domain) == []
    end_backup(domain, CLOCK)


def test_disk_with_a_copy_under_way_is_left_alone(
    domain: Domain, kvm_host: KvmHost, place: Path
) -> None:
    copy = kvm_host.folder / "mirror.qcow2"
    destination = f"<disk type='file'><source file='{copy}'/><driver type='qcow2'/></disk>"
    copy_disk(domain, "vdb", destination_xml=destination)

    with pytest.raises(VmBusy, match="vdb: copy"):
        begin_backup(domain, plan_of(place))

    end_disk_job(domain, "vdb")
    wait_until(lambda: disk_job(domain, "vdb") is None)
    copy.unlink()


def test_job_is_found_again_and_ended_after_the_daemon_was_killed(
    domain: Domain, kvm_host: KvmHost, writing_guest: Guest, place: Path
) -> None:
    plan = plan_of(place, checkpoint=(name := new_name()))
    begin_backup(domain, plan)

    kvm_host.restart()

    found = current_backup(domain)
    assert found is not None
    assert found.socket == plan.socket
    assert [(disk.target, disk.scratch) for disk in found.disks] == [
        (disk.target, disk.scratch) for disk in plan.disks
    ]
    assert whole(plan, "vda")
    end_backup(domain, CLOCK)
    assert current_backup(domain) is None
    begin_backup(domain, plan_of(place, since=dict.fromkeys(BOTH, name)))
    end_backup(domain, CLOCK)
    writing_guest.wait_up()


def test_where_nothing_runs_there_is_nothing_to_end(domain: Domain) -> None:
    assert current_backup(domain) is None
    assert job_stats(domain) is None
    with pytest.raises(NoBackupRunning):
        end_backup(domain, CLOCK)


def test_increment_on_an_unknown_checkpoint_begins_nothing(domain: Domain, place: Path) -> None:
    since = {"vda": new_name()}

    with pytest.raises(CheckpointMissing):
        begin_backup(domain, plan_of(place, since=since, checkpoint=new_name()))

    assert current_backup(domain) is None
    assert list_checkpoints(domain) == []


def test_backup_that_cannot_be_served_leaves_no_checkpoint(domain: Domain, place: Path) -> None:
    plan = plan_of(place / "missing", checkpoint=new_name())
    scratch = plan_of(place).disks

    with pytest.raises(HoldfastError, match="missing"):
        begin_backup(
            domain,
            BackupPlan(
                socket=plan.socket,
                disks=scratch,
                checkpoint=plan.checkpoint,
                checkpoint_disks=plan.checkpoint_disks,
            ),
        )

    assert current_backup(domain) is None
    assert list_checkpoints(domain) == []


def test_machine_that_is_off_is_not_backed_up(
    hypervisor: Host, new_guest: NewGuest, place: Path
) -> None:
    off = find_domain(hypervisor, new_guest().uuid)

    with pytest.raises(VmNotRunning):
        begin_backup(off, plan_of(place))

    assert current_backup(off) is None
    assert job_stats(off) is None
    with pytest.raises(NoBackupRunning):
        end_backup(off, CLOCK)


def test_increment_after_a_power_cut_says_that_tracking_is_lost(
    hypervisor: Host, new_guest: NewGuest, place: Path
) -> None:
    guest = new_guest()
    domain = find_domain(hypervisor, guest.uuid)
    domain.start(paused=True)
    begin_backup(domain, plan_of(place, checkpoint=(name := new_name())))
    end_backup(domain, CLOCK)
    guest.pull_the_plug()
    domain.start(paused=True)

    with pytest.raises(TrackingLost):
        begin_backup(domain, plan_of(place, since=dict.fromkeys(BOTH, name), checkpoint=new_name()))

    assert current_backup(domain) is None
    assert [checkpoint.name for checkpoint in list_checkpoints(domain)] == [name]


def test_full_scratch_pauses_the_guest_and_ending_the_backup_frees_it(
    domain: Domain, kvm_host: KvmHost, writing_guest: Guest, place: Path
) -> None:
    tiny = kvm_host.folder / f"tiny{next(_numbers)}"
    tiny.mkdir()
    kvm_host.run("mount", "-t", "tmpfs", "-o", "size=1m", "tiny", tiny)
    fill = "dd if=/dev/urandom of=/a/filling bs=64k count=64 conv=notrunc,fsync 2>/dev/null"
    writing_guest.run(fill)
    plan = BackupPlan(socket=str(place / "nbd"), disks=(disk_plan(tiny, "vda"),))

    kvm_host.run("mkdir", "-p", "/run/lock")

    # Typed, for the guest may pause before its agent could answer.
    with (
        subscribe(domain.host, EventKind.IO_ERROR, domain=domain) as events,
        Console(domain) as console,
    ):
        begin_backup(domain, plan)
        console.write(f"\n{fill}; echo >/run/filled\n".encode())
        event = events.next(within=90)
    wait_until(lambda: domain.standing().is_stuck_on_io)
    end_backup(domain, CLOCK)
    domain.resume()

    assert event is not None
    assert (event.kind, event.uuid, event.word) == (EventKind.IO_ERROR, domain.uuid, "enospc")
    wait_until(lambda: writing_guest.run("ls /run/filled || true") == "/run/filled\n")
    assert domain.standing().state is State.RUNNING
    kvm_host.run("umount", tiny)


def test_guest_that_powers_off_after_its_daemon_was_killed_comes_to_rest(
    hypervisor: Host, new_guest: NewGuest, kvm_host: KvmHost, place: Path
) -> None:
    guest = new_guest()
    guest.start()
    domain = find_domain(hypervisor, guest.uuid)
    begin_backup(domain, plan_of(place, checkpoint=(name := new_name())))
    kvm_host.restart()
    guest.wait_up()

    domain.ask_to_shut_down()
    ended = {State.SHUTTING_DOWN, State.OFF}
    wait_until(lambda: domain.standing().state in ended)
    domain.wait_until_off(CLOCK, within=3)

    assert domain.standing().state is State.OFF
    assert current_backup(domain) is None
    domain.start(paused=True)
    assert [checkpoint.name for checkpoint in list_checkpoints(domain)] == [name]
    for leftover in place.iterdir():
        leftover.unlink()
