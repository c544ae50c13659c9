"""What is known of machines that run off a vault: written before anything of them is made.

HOME/boots/UUID/boot.json    the record
HOME/boots/UUID/serve.lock   held by the process that serves the disks; says which it is
HOME/boots/UUID/make.lock    held by the command that prepares the machine
HOME/boots/UUID/serve.log    what that process says

So whatever is killed, all that it leaves is named here: machine, disks, process.
"""

import contextlib
import fcntl
import os
import shutil
import struct
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from holdfast.machines.boot_errors import BootMissing, BootNameTaken, BootRecordBroken, ServerRuns
from holdfast.storage.durable import sync_folder

FOLDER = "boots"
_VERSION = 1
_RECORD = "boot.json"
_NEXT = "boot.next"
_SERVE, _MAKE = "serve.lock", "make.lock"
# The kernel's `struct flock`: a lock of the open file on all of it, for writing.
_FLOCK = struct.Struct("@hhqqi4x")
_WHOLE = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


class Stage(StrEnum):
    # Begun; whoever finds it so, and nobody at work, found what a killed command left.
    PREPARING = "preparing"
    RUNNING = "running"
    # Its disks are its own; only the definition and this record are to be tidied.
    MOVED = "moved"


class Boot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One machine; `folder` is where its own disks lie, `targets` the disks it has."""

    version: int = _VERSION
    uuid: str
    name: str
    host: str
    vault: str
    point: str
    folder: str
    targets: tuple[str, ...]
    made_at: datetime
    stage: Stage = Stage.PREPARING
    checkpoint: str = ""
    # Made by `check --boot`, which ends it itself.
    is_check: bool = False

    def disk(self, target: str) -> Path:
        return Path(self.folder, f"{target}.qcow2")

    @property
    def nvram(self) -> Path:
        return Path(self.folder, "nvram")

    @property
    def console(self) -> Path:
        return Path(self.folder, "console.log")

    @property
    def socket(self) -> Path:
        return Path(self.folder, "vault.sock")

    @property
    def files(self) -> tuple[Path, ...]:
        """All that is made in the folder."""
        return (*map(self.disk, self.targets), self.nvram, self.console, self.socket)


class Boots:
    """The records of one home."""

    def __init__(self, home: str) -> None:
        self._folder = Path(home, FOLDER)

    def all(self) -> list[Boot]:
        """The oldest first; one that cannot be read is an error, for it may be about disks."""
        names = [each.parent.name for each in self._folder.glob(f"*/{_RECORD}")]
        # One that is just being ended must not hide the others.
        found = [boot for boot in map(self.known, names) if boot is not None]
        return sorted(found, key=lambda each: (each.made_at, each.uuid))

    def find(self, name: str) -> Boot:
        """By name or UUID."""
        for each in self.all():
            if name in (each.name, each.uuid):
                return each
        raise BootMissing(name=name)

    def known(self, uuid: str) -> Boot | None:
        try:
            return self._read(uuid)
        except FileNotFoundError:
            return None

    def add(self, boot: Boot) -> None:
        if any(each.name == boot.name for each in self.all()):
            raise BootNameTaken(name=boot.name)
        self.save(boot)

    def save(self, boot: Boot) -> None:
        """Whole and durable, in place of the one before."""
        folder = self.place(boot.uuid)
        with open(folder / _NEXT, "wb") as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(boot), indent=2) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(folder / _NEXT, folder / _RECORD)
        sync_folder(str(folder))

    def forget(self, uuid: str) -> None:
        """The record first: what is left of the folder is about nothing then."""
        folder = self._folder / uuid
        with contextlib.suppress(FileNotFoundError):
            os.unlink(folder / _RECORD)
        shutil.rmtree(folder, ignore_errors=True)

    def place(self, uuid: str) -> Path:
        folder = self._folder / uuid
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def log(self, uuid: str) -> Path:
        return self.place(uuid) / "serve.log"

    @contextlib.contextmanager
    def serving(self, uuid: str, *, name: str) -> Iterator[None]:
        """Be the one process that serves; the kernel tells when it is gone, however it went."""
        with self._holding(self.place(uuid) / _SERVE, name=name):
            yield

    @contextlib.contextmanager
    def making(self, uuid: str, *, name: str) -> Iterator[None]:
        """Be the command that prepares it."""
        with self._holding(self.place(uuid) / _MAKE, name=name):
            yield

    def server(self, uuid: str) -> int | None:
        """The process that serves now."""
        return _holder(self._folder / uuid / _SERVE)

    def maker(self, uuid: str) -> int | None:
        """The command that prepares it now."""
        return _holder(self._folder / uuid / _MAKE)

    @contextlib.contextmanager
    def _holding(self, file: Path, *, name: str) -> Iterator[None]:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not _try_lock(descriptor):
                raise ServerRuns(name=name, pid=_pid_in(descriptor) or "?")
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def _read(self, uuid: str) -> Boot:
        file = self._folder / uuid / _RECORD
        try:
            return msgspec.json.decode(file.read_bytes(), type=Boot)
        except (msgspec.DecodeError, UnicodeDecodeError) as err:
            raise BootRecordBroken(file=file, reason=err) from err


def _holder(file: Path) -> int | None:
    """Asked without taking the lock, or whoever takes it just then would find it taken."""
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        try:
            told = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _WHOLE)
            kind, *_rest = _FLOCK.unpack(told)
            return None if kind == fcntl.F_UNLCK else _pid_in(descriptor)
        finally:
            os.close(descriptor)
    return None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _WHOLE)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _pid_in(descriptor: int) -> int | None:
    """What the holder wrote; it may not have written yet."""
    with contextlib.suppress(ValueError):
        return int(os.pread(descriptor, 20, 0))
    return None
