"""A virtual machine that never does anything by itself: its processor is halted for ever.

It is up as soon as its QEMU is. What a guest would write is written by order, through the same
device, so that bitmaps, copies before writes and block jobs see it as a guest's; while it is off,
by qemu-io. What its disks hold is known at any time, and so can be compared with any point.
"""

import contextlib
import itertools
import os
import shutil
import subprocess  # noqa: TID251  images are changed by QEMU's programs
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.backup_jobs import current_backup
from holdfast.hypervisor.binding import load, load_agent
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_disks import (
    attach_device,
    copy_disk,
    detach_device,
    disk_job,
    disk_size,
    end_disk_job,
)
from holdfast.hypervisor.domains import Domain, define_domain
from holdfast.machines.layers import generation_of
from holdfast.testing.hosts import KvmHost
from holdfast.testing.waiting import wait_until

# At the reset vector: forbid interrupts, halt.
_FIRMWARE = bytes(0xFFF0) + b"\xfa\xf4\xeb\xfd" + bytes(12)


class Forgotten(bytearray):
    """As long as a disk, and without its bytes: for one that is larger than memory."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __setitem__(self, _where: object, _content: object) -> None:
        """It was written; nobody asks what."""


@dataclass(slots=True, kw_only=True)
class StillDisk:
    """`content` is what a guest would read now."""

    target: str
    bus: str
    path: Path
    content: bytearray
    format: str = "qcow2"
    is_plugged: bool = True

    @property
    def size(self) -> int:
        return len(self.content)

    @property
    def device(self) -> str:
        """As QEMU's monitor knows it."""
        alias = f"ua-{self.target}"
        return alias if self.bus == "scsi" else f"/machine/peripheral/{alias}/virtio-backend"

    @property
    def xml(self) -> str:
        return _DISK.format(
            path=quoteattr(str(self.path)), target=self.target, bus=self.bus, format=self.format
        )


@dataclass(slots=True)
class StillMachine:
    """Defined at once, with a disk of each kind; it is off yet."""

    host: KvmHost
    hypervisor: Host
    name: str
    sizes: dict[str, int]
    # Of those disks; the others have images of QEMU's own format.
    raw: tuple[str, ...] = ()
    # Whether it is remembered what its disks hold, which takes as much memory.
    is_known: bool = True
    # Bytes of its memory that take their time when it moves; what is empty takes none.
    burden: int = 0
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    disks: dict[str, StillDisk] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        (self.folder / "firmware").write_bytes(os.urandom(self.burden) + _FIRMWARE)
        for target, size in self.sizes.items():
            self.add_disk(target, size)
        self.define()

    @property
    def folder(self) -> Path:
        return self.host.images / self.name

    @property
    def domain(self) -> Domain:
        return Domain(self.hypervisor, uuid=self.uuid, name=self.name)

    @property
    def plugged(self) -> list[StillDisk]:
        return [disk for disk in self.disks.values() if disk.is_plugged]

    def add_disk(self, target: str, size: int, *, is_plugged: bool = True) -> None:
        format_ = "raw" if target in self.raw else "qcow2"
        path = self.folder / f"{target}.{format_}"
        _call("qemu-img", "create", "-q", "-f", format_, path, str(size))
        bus = "virtio" if target.startswith("vd") else "scsi"
        self.disks[target] = StillDisk(
            target=target,
            bus=bus,
            path=path,
            content=bytearray(size) if self.is_known else Forgotten(size),
            format=format_,
            is_plugged=is_plugged,
        )

    def define(self) -> None:
        xml = _DOMAIN.format(
            name=self.name,
            uuid=self.uuid,
            firmware=self.folder / "firmware",
            disks="".join(disk.xml for disk in self.plugged),
        )
        define_domain(self.hypervisor, xml)

    def is_on(self) -> bool:
        return self.domain.is_active()

    def start(self) -> None:
        self.domain.start()

    def stop(self) -> None:
        """QEMU closes its images in order."""
        self.domain.destroy(graceful=True)
        wait_until(lambda: not self.is_on())

    def cut_power(self) -> None:
        """SIGKILL to its QEMU; what its disks hold then is read from them."""
        self.host.kill_guest(self.name)
        wait_until(lambda: not self.is_on())
        for disk in self.plugged:
            disk.content[:] = self.read(disk.target)

    def restart_libvirtd(self) -> None:
        """SIGKILL; comes back when the new one has the machine in its hands, if it is on.

        Whoever ends a machine while it is being found again is told that it is off already.
        """
        self.host.restart()
        if self.is_on():
            wait_until(self._is_in_hand)

    def image(self, target: str) -> tuple[Path, str]:
        """What the machine writes to, and its format: its own image, or one on top of it."""
        disk = self.disks[target]
        now = self.domain.spec(inactive=not self.is_on()).disk(target)
        if not disk.is_plugged or now is None or now.source is None:
            return disk.path, disk.format
        return Path(now.source), now.format or disk.format

    def overlays(self) -> dict[str, list[str]]:
        """The files of overlays beside each disk, by their names."""
        return {
            disk.target: sorted(
                generation
                for path in disk.path.parent.glob(f"{disk.path.name}.*")
                if (generation := generation_of(str(path)))
            )
            for disk in self.plugged
        }

    def read(self, target: str) -> bytes:
        """What a disk that nobody has open holds."""
        path, format_ = self.image(target)
        return read_image(path, format_)

    def write(self, target: str, at: int, content: bytes) -> None:
        disk = self.disks[target]
        source = self.folder / f"write{next(self._numbers)}"
        source.write_bytes(content)
        self._order(disk, f"write -s {source} {at} {len(content)}")
        source.unlink()
        disk.content[at : at + len(content)] = content

    def zero(self, target: str, at: int, length: int) -> None:
        self._order(self.disks[target], f"write -z -u {at} {length}")
        self.disks[target].content[at : at + length] = bytes(length)

    def discard(self, target: str, at: int, length: int) -> None:
        """Whole clusters, which are read as zeros afterwards."""
        self._order(self.disks[target], f"discard {at} {length}")
        # The filter a backup puts in front of a disk drops discards, as it may.
        if not (self.disks[target].is_plugged and current_backup(self.domain)):
            self.disks[target].content[at : at + length] = bytes(length)

    def flush(self, target: str) -> None:
        self._order(self.disks[target], "flush")

    def resize(self, target: str, size: int) -> None:
        """While it is off."""
        disk = self.disks[target]
        path, format_ = self.image(target)
        _call("qemu-img", "resize", "-q", "-f", format_, "--shrink", path, str(size))
        disk.content[:] = disk.content[:size].ljust(size, b"\0")

    def plug(self, target: str) -> None:
        disk = self.disks[target]
        disk.is_plugged = True
        attach_device(self.domain, disk.xml, for_good=True)

    def unplug(self, target: str) -> None:
        disk = self.disks[target]
        disk.is_plugged = False
        detach_device(self.domain, disk.xml, for_good=True)
        wait_until(lambda: self.domain.spec().disk(target) is None)

    def begin_move(self, target: str, format_: str) -> Path:
        """Its disk is copied to another image while it is on, and mirrored there from then on."""
        moved = self.folder / f"moved.{format_}"
        place = f"<disk type='file'><source file='{moved}'/><driver type='{format_}'/></disk>"
        copy_disk(self.domain, target, destination_xml=place)
        wait_until(lambda: (job := disk_job(self.domain, target)) is not None and job.is_ready)
        return moved

    def end_move(self, target: str, moved: Path) -> None:
        end_disk_job(self.domain, target, pivot=True)
        wait_until(lambda: disk_job(self.domain, target) is None)
        disk = self.disks[target]
        disk.path, disk.format = moved, moved.suffix.removeprefix(".")

    def remove(self) -> None:
        libvirt = load()
        with contextlib.suppress(libvirt.libvirtError), self.host.connected() as connection:
            handle = connection.lookupByUUIDString(self.uuid)
            with contextlib.suppress(libvirt.libvirtError):
                handle.destroy()
            handle.undefineFlags(
                libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
                | libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
            )
        shutil.rmtree(self.folder)

    def _order(self, disk: StillDisk, order: str) -> None:
        if disk.is_plugged and self.is_on():
            self._monitor(f'qemu-io -d {disk.device} "{order}"')
        else:
            path, format_ = self.image(disk.target)
            _call("qemu-io", "-f", format_, "-c", order, path)

    def _is_in_hand(self) -> bool:
        try:
            disk_size(self.domain, self.plugged[0].target)
        except HoldfastError:
            return False
        return True

    def _monitor(self, words: str) -> None:
        qemu: Any = load_agent()
        with self.domain.handle() as handle:
            said = qemu.qemuMonitorCommand(handle, words, qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP)
        assert not said, said


def read_image(path: Path, format_: str = "qcow2") -> bytes:
    """What a disk that nobody has open holds."""
    raw = path.with_suffix(".read")
    _call("qemu-img", "convert", "-f", format_, "-O", "raw", path, raw)
    content = raw.read_bytes()
    raw.unlink()
    return content


def _call(*words: str | Path) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  our own words
    if done.returncode:
        raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")


_DOMAIN = """<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <loader type='rom'>{firmware}</loader>
  </os>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='scsi' model='virtio-scsi'/>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>{disks}
  </devices>
</domain>
"""
_DISK = """
    <disk type='file' device='disk'>
      <driver name='qemu' type='{format}' discard='unmap'/>
      <source file={path}/>
      <target dev='{target}' bus='{bus}'/>
      <alias name='ua-{target}'/>
    </disk>"""
