"""What a machine is made of, as values; `domain_xml` reads them from libvirt's description."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSpec:
    """One drive: `source` is a path, a volume as pool/volume, or a network image's name."""

    target: str
    bus: str
    device: str
    # The image's format as the machine uses it; None where libvirt leaves it open.
    format: str | None
    # file, block, network, volume, dir, nvme, vhostuser; None for an empty drive.
    kind: str | None
    source: str | None
    # rbd, nbd, iscsi, … for a network disk.
    protocol: str | None = None
    is_readonly: bool = False
    is_shareable: bool = False
    is_transient: bool = False
    is_encrypted: bool = False
    # The image keeps its data in a second, raw file.
    has_data_file: bool = False
    # Images below the top one; known of a running machine, otherwise 0.
    backing_depth: int = 0
    serial: str | None = None
    wwn: str | None = None
    discard: str | None = None
    error_policy: str | None = None
    # libvirt has a copy or mirror of this disk under way.
    is_mirrored: bool = False

    @property
    def is_hard(self) -> bool:
        """No drive of other media."""
        return self.device in ("disk", "lun")

    @property
    def is_data(self) -> bool:
        """Whether a backup of the machine is about it: a disk that is there and can be written."""
        return self.is_hard and self.kind is not None and not self.is_readonly


@dataclass(frozen=True, slots=True, kw_only=True)
class NicSpec:
    mac: str | None
    # network, bridge, user, direct, hostdev, …
    kind: str
    # Name of the network, bridge or device it is connected to.
    source: str | None
    model: str | None
    is_link_up: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TpmSpec:
    model: str | None
    backend: str
    version: str | None = None
    is_state_encrypted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareSpec:
    """How it boots: `loader` and `nvram` are files on the host, known once it ran."""

    is_uefi: bool = False
    is_secure: bool = False
    loader: str | None = None
    nvram: str | None = None
    nvram_template: str | None = None
    nvram_format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainSpec:
    name: str
    uuid: str
    # kvm, or qemu where the processor is emulated.
    kind: str
    memory_bytes: int
    vcpus: int
    arch: str | None
    machine: str | None
    cpu_mode: str | None = None
    title: str | None = None
    generation_id: str | None = None
    disks: tuple[DiskSpec, ...] = ()
    nics: tuple[NicSpec, ...] = ()
    firmware: FirmwareSpec = field(default_factory=FirmwareSpec)
    tpm: TpmSpec | None = None
    has_agent_channel: bool = False
    # None unless the machine runs.
    is_agent_connected: bool | None = None
    # Passed-through devices by kind and address, as a person would look them up.
    host_devices: tuple[str, ...] = ()
    shared_folders: tuple[str, ...] = ()
    # A kernel and what it begins with, where the host gives it; firmware that is not the system's.
    boot_files: tuple[str, ...] = ()

    def disk(self, target: str) -> DiskSpec | None:
        return next((disk for disk in self.disks if disk.target == target), None)

    @property
    def hard_disks(self) -> tuple[DiskSpec, ...]:
        return tuple(disk for disk in self.disks if disk.is_hard)

    @property
    def data_disks(self) -> tuple[DiskSpec, ...]:
        return tuple(disk for disk in self.disks if disk.is_data)
