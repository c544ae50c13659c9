"""Where QEMU keeps what a guest overwrites during a backup, and the socket it serves from.

A folder for each machine that is there only while a backup of it runs: one that is left behind
says that a backup was killed.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from holdfast.disks.nbd_address import LONGEST_PATH
from holdfast.machines.backup_errors import VmScratchUnusable

DEFAULT = "/var/lib/libvirt/holdfast"
# Its owner is who runs QEMU for libvirt, which has no better way to tell.
_OF_QEMU = "/var/lib/libvirt/qemu"
_SOCKET = "holdfast.nbd"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchPlace:
    folder: Path

    @classmethod
    def of(cls, scratch: str, uuid: str) -> "ScratchPlace":
        return cls(folder=Path(os.path.abspath(scratch), uuid))

    @property
    def socket(self) -> Path:
        return self.folder / _SOCKET

    def scratch_file(self, target: str) -> Path:
        return self.folder / f"{target}.scratch"

    @property
    def free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    @property
    def whole(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_blocks * found.f_frsize

    def is_there(self) -> bool:
        return self.folder.exists()

    @contextlib.contextmanager
    def made(self) -> Iterator[None]:
        """It is gone after the block, unless something in it cannot be removed."""
        self._make()
        try:
            yield
        finally:
            self.clear()

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make(self) -> None:
        if len(os.fsencode(self.socket)) > LONGEST_PATH:
            raise VmScratchUnusable(folder=self.folder, reason="the path is too long for a socket")
        try:
            if not self.folder.parent.exists():
                self.folder.parent.mkdir(parents=True, exist_ok=True)
                # Whatever the umask: QEMU's user must pass.
                self.folder.parent.chmod(0o711)
            self.folder.mkdir(mode=0o700)
            self.give_to_qemu(self.folder)
        except OSError as err:
            raise VmScratchUnusable(folder=self.folder, reason=err.strerror) from err

    def give_to_qemu(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError, PermissionError):
            owner = os.stat(_OF_QEMU)
            os.chown(path, owner.st_uid, owner.st_gid)


def is_our_socket(path: str) -> bool:
    """Also of a run that had its scratch elsewhere."""
    return os.path.basename(path) == _SOCKET
