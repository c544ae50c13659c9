"""Profiles on disk: HOME/planner/UUID, with a file that is only appended to.

machine.json      what the machine consists of, as it was seen last
profile.jsonl     a line for each minute and each window
checkpoints.json  checkpoints of a profile that runs, or that was killed
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from holdfast.machines.state_files import replace_file
from holdfast.replication.planner.machine_facts import MachineFacts
from holdfast.replication.planner.profile_errors import (
    ProfileRunning,
    ProfileUnreadable,
    ProfileUnwritable,
)
from holdfast.replication.planner.samples import Line

FOLDER = "planner"
_MACHINE, _LINES = "machine.json", "profile.jsonl"
_CHECKPOINTS, _LOCK = "checkpoints.json", "lock"
_PRIVATE = 0o600


class ProfileFolder:
    """Of one machine."""

    def __init__(self, home: str, uuid: str) -> None:
        self.uuid = uuid
        self.path = Path(home, FOLDER, uuid)

    @contextlib.contextmanager
    def held(self, name: str) -> Iterator[None]:
        """One profile of a machine at a time; the kernel frees it however this process ends."""
        with _writing(name, self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(self.path / _LOCK, flags, _PRIVATE)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "?"
                raise ProfileRunning(vm=name, pid=pid) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def append(self, name: str, lines: list[Line]) -> None:
        """Durable at once: a crash loses what has not been appended, and nothing more."""
        if not lines:
            return
        content = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        path = self.path / _LINES
        with _writing(name, self.path):
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(path, flags, _PRIVATE)
            try:
                os.write(descriptor, _after_torn(descriptor) + content)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def lines(self) -> Iterator[Line]:
        """In the order written; a line that a crash has torn is passed over."""
        decode = msgspec.json.Decoder(Line).decode
        with contextlib.suppress(FileNotFoundError), self._opened() as stream:
            for line in stream:
                with contextlib.suppress(msgspec.DecodeError, UnicodeError):
                    yield decode(line)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        try:
            with open(self.path / _LINES, "rb") as stream:
                yield stream
        except FileNotFoundError:
            raise
        except OSError as err:
            raise ProfileUnreadable(path=self.path, reason=err.strerror) from err

    def keep_machine(self, facts: MachineFacts) -> None:
        with _writing(facts.name, self.path):
            replace_file(self.path / _MACHINE, msgspec.json.encode(facts))

    def machine(self) -> MachineFacts | None:
        try:
            return msgspec.json.decode((self.path / _MACHINE).read_bytes(), type=MachineFacts)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeError) as err:
            raise ProfileUnreadable(path=self.path, reason=err) from err

    def keep_checkpoints(self, name: str, checkpoints: tuple[str, ...]) -> None:
        """Before they are made, and after they are gone."""
        with _writing(name, self.path):
            replace_file(self.path / _CHECKPOINTS, msgspec.json.encode(checkpoints))

    def checkpoints(self) -> tuple[str, ...]:
        with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeError):
            return msgspec.json.decode(
                (self.path / _CHECKPOINTS).read_bytes(), type=tuple[str, ...]
            )
        return ()


def all_profiles(home: str) -> list[ProfileFolder]:
    """Also of machines that are gone."""
    try:
        names = sorted(os.listdir(Path(home, FOLDER)))
    except OSError:
        return []
    found = [ProfileFolder(home, name) for name in names]
    return [one for one in found if (one.path / _MACHINE).exists()]


@contextlib.contextmanager
def _writing(name: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise ProfileUnwritable(vm=name, path=path, reason=err.strerror or err) from err


def _after_torn(descriptor: int) -> bytes:
    """A line end, where a crash has left a line without one."""
    size = os.fstat(descriptor).st_size
    is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
    return b"\n" if is_torn else b""
