"""The definition of a tests' guest, as libvirt reads it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from holdfast.testing.guest_image import GuestImage
from holdfast.testing.guest_scripts import AGENT_PORT

UEFI_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
_UEFI_VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    name: str
    uuid: str
    image: GuestImage
    words: Iterable[str]
    memory: int
    disks: Iterable[tuple[str, str, Path]]
    console: Path
    agent: bool
    nvram: Path | None
    tpm: bool

    def xml(self) -> str:
        return _DOMAIN.format(
            name=escape(self.name),
            uuid=self.uuid,
            memory=self.memory // 1024,
            firmware=_UEFI.format(nvram=escape(str(self.nvram))) if self.nvram else "",
            kernel=escape(str(self.image.kernel)),
            initramfs=escape(str(self.image.initramfs)),
            words=escape(" ".join(self.words)),
            disks="".join(map(_disk, self.disks)),
            mac=":".join(("52:54:00", self.uuid[0:2], self.uuid[2:4], self.uuid[4:6])),
            console=quoteattr(str(self.console)),
            channel=_CHANNEL if self.agent else "",
            tpm=_TPM if self.tpm else "",
        )


def _disk(disk: tuple[str, str, Path]) -> str:
    target, kind, path = disk
    return _DISK.format(format=kind, path=quoteattr(str(path)), target=target)


_DOMAIN = """<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='KiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>{firmware}
    <kernel>{kernel}</kernel>
    <initrd>{initramfs}</initrd>
    <cmdline>{words}</cmdline>
  </os>
  <features><acpi/></features>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>{disks}
    <controller type='usb' model='none'/>
    <interface type='user'>
      <mac address='{mac}'/>
      <model type='virtio'/>
      <rom enabled='no'/>
    </interface>
    <serial type='pty'><log file={console} append='on'/></serial>{channel}{tpm}
    <memballoon model='none'/>
  </devices>
</domain>
"""
_UEFI = f"""
    <loader readonly='yes' type='pflash'>{UEFI_CODE}</loader>
    <nvram template='{_UEFI_VARIABLES}'>{{nvram}}</nvram>"""
_DISK = """
    <disk type='file' device='disk'>
      <driver name='qemu' type='{format}' discard='unmap'/>
      <source file={path}/>
      <target dev='{target}' bus='virtio'/>
    </disk>"""
_CHANNEL = f"""
    <channel type='unix'><target type='virtio' name='{AGENT_PORT}'/></channel>"""
_TPM = """
    <tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"""
