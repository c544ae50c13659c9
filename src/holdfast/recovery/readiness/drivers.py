"""Whether the kernels of a guest have the drivers for the disks and cards of the machine. Pure.

The machine has the same hardware at the other host, as its definition says, so what is loaded now
serves there too; but a kernel that was installed since has never started it.
"""

from collections.abc import Iterator, Sequence

from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.recovery.readiness.facts import GuestFacts, Kernel
from holdfast.recovery.readiness.findings import Finding, Weight, found

# Each is one of several, of which any will do.
Needs = tuple[tuple[str, ...], ...]
_VIRTIO: Needs = (("virtio_pci",),)
_VIRTIO_CARD: Needs = (*_VIRTIO, ("virtio_net",))
_DISK: Needs = (("sd_mod",),)
_SCSI = ("virtio_scsi", "sym53c8xx", "mptspi", "mptsas", "megaraid_sas", "vmw_pvscsi")
_BY_BUS: dict[str, Needs] = {
    "virtio": (*_VIRTIO, ("virtio_blk",)),
    "scsi": (_SCSI, *_DISK),
    "sata": (("ahci",), *_DISK),
    "ide": (("ata_piix", "ata_generic"), *_DISK),
    "nvme": (("nvme",),),
}
_BY_MODEL: dict[str, Needs] = {
    "e1000": (("e1000",),),
    "e1000e": (("e1000e",),),
    "igb": (("igb",),),
    "rtl8139": (("8139cp", "8139too"),),
    "vmxnet3": (("vmxnet3",),),
}
# All that a guest is asked for.
DRIVERS = frozenset(
    driver
    for needs in (*_BY_BUS.values(), *_BY_MODEL.values(), _VIRTIO_CARD)
    for each in needs
    for driver in each
)


def judge_drivers(spec: DomainSpec, facts: GuestFacts) -> Iterator[Finding]:
    first = _first_disk(spec)
    if spec.boot_files:
        # They are the host's, and that they are at the other one as well is looked at there.
        yield found("kernel-of-host", Weight.NOTE, files=", ".join(spec.boot_files))
        return
    if not facts.kernels:
        if lacking := _lacking((*first, *_others(spec)), facts.loaded or frozenset()):
            yield found("unknown-drivers", Weight.UNKNOWN, drivers=_said(lacking))
        return
    for kernel in facts.kernels:
        yield from _about_disk(kernel, first, _loaded(facts, kernel))
        yield from _about_others(kernel, _others(spec), _loaded(facts, kernel))


def _first_disk(spec: DomainSpec) -> Needs:
    """What it is started from: without its driver in the initramfs nothing is."""
    first = next(iter(spec.hard_disks), None)
    return _BY_BUS.get(first.bus, ()) if first is not None else ()


def _others(spec: DomainSpec) -> Needs:
    needs = [each for disk in spec.hard_disks[1:] for each in _BY_BUS.get(disk.bus, ())]
    needs += [each for nic in spec.nics for each in _of_model(nic.model or "")]
    return tuple(dict.fromkeys(needs))


def _of_model(model: str) -> Needs:
    return _VIRTIO_CARD if model.startswith("virtio") else _BY_MODEL.get(model, ())


def _loaded(facts: GuestFacts, kernel: Kernel) -> frozenset[str]:
    """What it runs with at this moment; of another kernel that proves nothing."""
    return facts.loaded or frozenset() if kernel.release == facts.running else frozenset()


def _about_disk(kernel: Kernel, needs: Needs, loaded: frozenset[str]) -> Iterator[Finding]:
    if kernel.initramfs is not None:
        lacking = _lacking(needs, kernel.builtin | kernel.initramfs)
        # One that the running kernel has loaded may be compiled in without a note of it.
        if lacking := _lacking(lacking, loaded - kernel.files):
            yield _stops(kernel, lacking)
        return
    if not kernel.has_initramfs:
        if lacking := _lacking(needs, kernel.builtin | loaded):
            yield found("unknown-initramfs", Weight.UNKNOWN, kernel=kernel.release)
        return
    if lacking := _lacking(needs, kernel.builtin | kernel.files | loaded):
        yield _stops(kernel, lacking)
    elif _lacking(needs, kernel.builtin | loaded):
        yield found("unknown-initramfs", Weight.UNKNOWN, kernel=kernel.release)


def _stops(kernel: Kernel, lacking: Needs) -> Finding:
    return found("disk-driver-missing", Weight.STOPS, kernel=kernel.release, drivers=_said(lacking))


def _about_others(kernel: Kernel, needs: Needs, loaded: frozenset[str]) -> Iterator[Finding]:
    has = kernel.builtin | kernel.files | (kernel.initramfs or frozenset()) | loaded
    if lacking := _lacking(needs, has):
        drivers = _said(lacking)
        yield found("driver-missing", Weight.HINDERS, kernel=kernel.release, drivers=drivers)


def _lacking(needs: Sequence[tuple[str, ...]], has: frozenset[str]) -> Needs:
    return tuple(each for each in needs if not has & set(each))


def _said(needs: Needs) -> str:
    return ", ".join(each[0] for each in needs)
