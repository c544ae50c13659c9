"""A guest whose host is lost comes up at its site, as it was at a point, and its writer goes on."""

import contextlib
from datetime import datetime, timedelta
from pathlib import Path

from holdfast.base.clock import SystemClock
from holdfast.recovery.desk import tidings_of
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.site import Site
from holdfast.testing.guest_proofs import Writes, ordered_writes
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost
from holdfast.testing.two_sites import Station, two_sites
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = machines_bench.MARKS
WITHIN = 180.0


def test_what_was_written_after_the_point_is_all_that_is_lost(
    kvm_hosts: tuple[KvmHost, KvmHost],
) -> None:
    with two_sites(*kvm_hosts) as sites:
        guest = Guest(sites.north.host, "shore", Recipe(writer="ordered"))
        try:
            guest.start()
            sites.work()
            words = ("--to", "south", "--every", "30s", "--app-every", "never")
            sites.north.run("replication", "enable", guest.name, *words)
            wait_until(lambda: _is_heard_since(sites.south, guest), within=WITHIN)
            sites.north.kill()
            guest.pull_the_plug()
            ended_at = SystemClock().now()
            written = ordered_writes(*map(guest.disk, guest.targets))

            said = sites.south.run(
                "failover", guest.name, "--unplanned", "--source-is-down", "--json"
            )

            done = said.event("recovery-done")
            # Its agent has answered.
            assert done["warnings"] == []
            assert done["figures"]["seconds_to_up"] >= done["figures"]["seconds_to_running"]
            # What is said to be lost began with the point and ended when the machine did: how long
            # nobody did anything about it is no part of that.
            loss = timedelta(seconds=done["figures"]["loss_seconds"])
            taken_at = datetime.fromisoformat(done["taken_at"])
            assert taken_at < taken_at + loss <= ended_at
            at_point = _writes_at(sites.south, guest, done["generation"])
            assert 0 < at_point.first <= written.first
            wait_until(
                lambda: _writes_now(sites.south, guest).first > at_point.first + 1, within=WITHIN
            )
            sites.south.run("commit", guest.name)
            assert guest.name in sites.south.host.run("virsh", "list", "--name")
        finally:
            _remove(sites.south, guest)
            guest.remove()


def _is_heard_since(south: Station, guest: Guest) -> bool:
    """It was told to live after its newest point."""
    facts, heard = south.facts(guest.uuid), tidings_of(str(south.home), guest.uuid)
    return bool(facts and facts.points and heard and heard.at > facts.points[-1].taken_at)


def _remove(south: Station, guest: Guest) -> None:
    import libvirt

    flags = libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    with contextlib.suppress(libvirt.libvirtError), south.host.connected() as connection:
        domain = connection.lookupByUUIDString(guest.uuid)
        with contextlib.suppress(libvirt.libvirtError):
            domain.destroy()
        domain.undefineFlags(flags)


def _writes_at(south: Station, guest: Guest, generation: str) -> Writes:
    site = Site(south.replicas, SystemClock())
    layers = site.attach(guest.uuid, generation, who="tests")
    try:
        return ordered_writes(*(layers[target] for target in guest.targets))
    finally:
        site.unpin(guest.uuid, generation, who="tests")


def _writes_now(south: Station, guest: Guest) -> Writes:
    """Of the machine at the site, which is held still for it."""
    record = RecordFolder(str(south.home), guest.uuid).load()
    assert record is not None
    assert record.promoted is not None
    found = {disk.target: Path(disk.path) for disk in record.promoted.disks}
    south.host.run("virsh", "suspend", guest.name)
    try:
        return ordered_writes(*(found[target] for target in guest.targets))
    finally:
        south.host.run("virsh", "resume", guest.name)
