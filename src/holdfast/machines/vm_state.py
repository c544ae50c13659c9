"""State of a machine that lies beside its disks: UEFI variables and what its TPM keeps."""

import io
import tarfile
from pathlib import Path

from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.machines.vm_job import Gathered

NVRAM = "nvram"
TPM = "tpm.tar"
# Where libvirt keeps what swtpm writes.
_TPM_FOLDER = Path("/var/lib/libvirt/swtpm")
_TPM_TRIES = 3


def copy_nvram(spec: DomainSpec, gathered: Gathered) -> None:
    """Belongs into the instant of the disks: it is small and read at once."""
    path = spec.firmware.nvram
    if path is None:
        return
    try:
        gathered.files[NVRAM] = Path(path).read_bytes()
    except OSError as err:
        gathered.left_out[NVRAM] = err.strerror or "unreadable"


def copy_tpm(spec: DomainSpec, gathered: Gathered, *, folder: Path = _TPM_FOLDER) -> None:
    """It may be written at any time, so it is copied until two copies are the same."""
    if spec.tpm is None or spec.tpm.backend != "emulator":
        return
    try:
        content = _steady(folder / spec.uuid)
    except OSError as err:
        gathered.left_out[TPM] = err.strerror or "unreadable"
        return
    if content is None:
        gathered.left_out[TPM] = "changed while it was copied"
    else:
        gathered.files[TPM] = content


def _steady(folder: Path) -> bytes | None:
    before = packed(folder)
    for _ in range(_TPM_TRIES):
        content = packed(folder)
        if content == before:
            return content
        before = content
    return None


def packed(folder: Path) -> bytes:
    """The same for the same content, so that nothing is stored twice."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(_files(folder)):
            entry = tarfile.TarInfo(str(path.relative_to(folder)))
            content = path.read_bytes()
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(2, "No such file or directory", str(folder))
    # Locks are of the running swtpm.
    return [each for each in folder.rglob("*") if each.is_file() and each.name != ".lock"]
