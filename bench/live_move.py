"""A guest that runs goes to the other host: by our live failover, or by libvirt with all its disks."""

from dataclasses import dataclass
from time import perf_counter

from holdfast.hypervisor.binding import load
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import SOUTH, KvmHost
from holdfast.testing.two_sites import TwoSites

# The time of its own clock, some times a second: what is missing in it is how long it stood.
_COUNTING = """
rm -f /tmp/beat
(while true; do cut -d' ' -f1 /proc/uptime >>/tmp/beat; sleep 0.02; done) >/dev/null 2>&1 &
"""
_LARGEST_GAP = "awk 'NR>1 && $1-p>m {m=$1-p} {p=$1} END {print m+0}' /tmp/beat"
_RECEIVED = "cat /sys/class/net/eth0/statistics/rx_bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """`stood_seconds` is seen by the guest; bytes are all that the other host has received."""

    seconds: float
    stood_seconds: float
    carried_bytes: int


def move_live(sites: TwoSites, guest: Guest) -> Move:
    """Replicated to the other site already; it runs there afterwards."""
    guest.run(_COUNTING)
    before, start = _received(sites.south.host), perf_counter()
    said = sites.south.run("failover", guest.name, "--planned", "--live", "--json")
    seconds = perf_counter() - start
    carried = _received(sites.south.host) - before
    figures = said.event("recovery-done")["figures"]
    # The guest's own clock stands with it: what the hosts have seen counts, if that is more.
    stood = max(figures["stood_ms"] / 1000, _stood(guest.at(sites.south.host)))
    return Move(seconds=seconds, stood_seconds=stood, carried_bytes=carried)


def migrate_with_storage(north: KvmHost, south: KvmHost, guest: Guest) -> Move:
    """As an administrator would, with ports of libvirt's and QEMU's open on the cable."""
    guest.run(_COUNTING)
    _make_disks(south, guest)
    before, start = _received(south), perf_counter()
    stats = _migrate(north, south, guest)
    seconds = perf_counter() - start
    carried = _received(south) - before
    stood = max(stats.get("downtime", 0) / 1000, _stood(guest.at(south)))
    return Move(seconds=seconds, stood_seconds=stood, carried_bytes=carried)


def _migrate(north: KvmHost, south: KvmHost, guest: Guest) -> dict[str, int]:
    libvirt = load()
    flags = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_NON_SHARED_DISK
    flags |= libvirt.VIR_MIGRATE_PERSIST_DEST | libvirt.VIR_MIGRATE_UNSAFE
    with north.connected() as here, south.connected() as there:
        domain = here.lookupByUUIDString(guest.uuid)
        xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE | libvirt.VIR_DOMAIN_XML_SECURE)
        moved = xml.replace(str(guest.folder), str(south.images / guest.name))
        params = {
            libvirt.VIR_MIGRATE_PARAM_URI: f"tcp://{SOUTH}",
            libvirt.VIR_MIGRATE_PARAM_DEST_XML: moved,
        }
        domain.migrate3(there, params, flags)
        return dict(domain.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED))


def _make_disks(south: KvmHost, guest: Guest) -> None:
    folder = south.images / guest.name
    folder.mkdir(exist_ok=True)
    for target in guest.targets:
        disk = folder / guest.disk(target).name
        size = str(guest.recipe.disk_size)
        south.run("qemu-img", "create", "-q", "-f", guest.recipe.format, disk, size)


def _received(host: KvmHost) -> int:
    return int(host.run(*_RECEIVED.split()))


def _stood(there: Guest) -> float:
    return float(there.run(_LARGEST_GAP))
