"""What hosts lack, as the tests of refusals make it: a network, memory, machines with more devices."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import define_domain
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine

NETWORK = "<network><name>prod</name><bridge name='hf-prod'/></network>"
WITHOUT_POINTS = ("--every", "15m", "--app-every", "never")
_MEMORY = "/proc/meminfo"
# Of which the machine needs sixteen MiB.
_SHORT = (
    "MemTotal: 65536 kB\nMemFree: 8192 kB\nMemAvailable: 8192 kB\nBuffers: 0 kB\nCached: 0 kB\n"
)


def card(mac: str) -> str:
    return f"<interface type='network'><mac address='{mac}'/><source network='prod'/></interface>"


@contextmanager
def machine_of(host: KvmHost, name: str, *, devices: str = "") -> Iterator[StillMachine]:
    with Host.open(host.uri) as hypervisor:
        machine = StillMachine(host, hypervisor, name, {"vda": 2 * MIB})
        xml = machine.domain.xml(inactive=True)
        define_domain(hypervisor, xml.replace("</devices>", f"{devices}</devices>"))
        try:
            yield machine
        finally:
            machine.remove()


def make_memory_short(host: KvmHost, folder: Path) -> None:
    (folder / "meminfo").write_text(_SHORT)
    host.run("mount", "--bind", folder / "meminfo", _MEMORY)


def give_memory_back(host: KvmHost) -> None:
    host.run("umount", _MEMORY)


def clear_memory(host: KvmHost) -> None:
    """Whatever a test that failed has left of that."""
    host.run("sh", "-c", f"! grep -q {_MEMORY} /proc/mounts || umount {_MEMORY}")
