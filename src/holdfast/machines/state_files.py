"""What lies beside a machine's disks put back: its UEFI variables, and the state of its TPM."""

import contextlib
import fcntl
import io
import os
import pwd
import shutil
import stat
import tarfile
from pathlib import Path

from holdfast.machines.errors import DiskLayoutBroken, unwritable
from holdfast.storage.durable import sync, sync_folder

_PARTIAL = ".holdfast-partial"
# Who may run swtpm for libvirt, as distributions name that user.
_TPM_USERS = ("swtpm", "tss")


def replace_file(path: Path, content: bytes) -> None:
    """Whole and durable, with the owner and mode of what was there; of several at once one holds."""
    partial = path.with_name(path.name + _PARTIAL)
    try:
        with open(_alone_with(partial), "wb") as target:
            try:
                # Before anything secret is in it.
                _dress_like(target.fileno(), path)
                target.write(content)
                target.flush()
                os.fsync(target.fileno())
                os.rename(partial, path)
            except OSError:
                with contextlib.suppress(OSError):
                    partial.unlink()
                raise
        sync_folder(path.parent)
    except OSError as err:
        raise unwritable(str(path), err) from err


def _alone_with(partial: Path) -> int:
    """Empty, and nobody else's: what a killed one left goes, and who is at it ends before."""
    while True:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(partial.lstat().st_mode):
                partial.unlink()
        # Nobody else's pipe is waited for, and nobody's link is followed.
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(partial, flags, 0o600)
        try:
            # Where a file system has no locks, there is hardly anybody to be in the way.
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            seen = os.fstat(descriptor)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(seen, partial.lstat()):
                    is_ours = seen.st_uid == os.geteuid() and seen.st_nlink == 1
                    if is_ours and not seen.st_size:
                        return descriptor
                    partial.unlink()
        except BaseException:
            os.close(descriptor)
            raise
        # It has its name by now, or was not ours.
        os.close(descriptor)


def _dress_like(descriptor: int, path: Path) -> None:
    """As the file that is there; a new one is for its owner alone."""
    os.fchmod(descriptor, 0o600)
    with contextlib.suppress(FileNotFoundError, PermissionError):
        old = path.stat()
        os.fchmod(descriptor, old.st_mode & 0o777)
        os.fchown(descriptor, old.st_uid, old.st_gid)


def put_tpm(content: bytes, folder: Path, *, point: str) -> None:
    """The files of a TPM's state, in place of those that are there."""
    partial = folder.with_name(folder.name + _PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True, mode=0o711)
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            # It comes out of a vault: nothing outside the folder, no links, no devices. A Python
            # before 3.11.4, as Debian 12 has it, knows no filters of its own.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(partial, _files_of(archive))  # noqa: S202  looked at before
        _give_to_swtpm(partial)
        _make_durable(partial)
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(partial, folder)
        sync_folder(folder.parent)
    except tarfile.TarError as err:
        raise DiskLayoutBroken(point=point, disk="tpm", reason=err) from err
    except OSError as err:
        raise unwritable(str(folder), err) from err
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _files_of(archive: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """All there may be; links are what has led out of a filter before."""
    if any(not (each.isreg() or each.isdir()) for each in archive):
        raise tarfile.TarError("there is more than files in it")
    if any(each.name.startswith("/") or ".." in each.name.split("/") for each in archive):
        raise tarfile.TarError("it leads out of its folder")
    return archive.getmembers()


def _make_durable(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        sync(path)


def _give_to_swtpm(folder: Path) -> None:
    """Where libvirt runs it as a user of its own; elsewhere the files stay ours."""
    for name in _TPM_USERS:
        with contextlib.suppress(KeyError, PermissionError):
            user = pwd.getpwnam(name)
            for path in (folder, *folder.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid)
            return
