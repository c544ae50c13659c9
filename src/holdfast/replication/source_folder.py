"""The folder of one replication at its source: settings, what was sent, a walk, wishes, the spool.

    settings.json  sent.json  walk.json  wishes.json  status.json  cycles.json
    spool/000001.log ...
    maps/<generation>          which blocks of each disk had data
    suspects                   of a machine that came from there, where its old host differs

Every small file is replaced as a whole. One that does not read is as good as none: what the site
has is asked for then, and a comparison makes up for what is not known.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from holdfast.base.clock import Clock
from holdfast.machines.state_files import replace_file
from holdfast.replication.adoption import Suspects
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.source_errors import SettingsUnreadable, SourceFolderBroken
from holdfast.replication.source_facts import Sent, Walk
from holdfast.replication.spare_room import written

FOLDER = "replication"
SETTINGS, SENT, WALK, WISHES, STATUS = (
    "settings.json",
    "sent.json",
    "walk.json",
    "wishes.json",
    "status.json",
)
_LOCK, _HOLD, _TAKEN = "wishes.lock", "loop.lock", "taken.lock"
_POLL = 0.2
_SUSPECTS = "suspects"
_T = TypeVar("_T", bound=msgspec.Struct)


class _Kept(msgspec.Struct):
    generation: str
    disks: dict[str, Suspects]


class SourceFolder:
    def __init__(self, home: str, uuid: str) -> None:
        self.path = Path(home, FOLDER, uuid)
        # Threads that take steps and threads that send change the same files.
        self.lock = threading.RLock()
        self.spool = self.path / "spool"
        self.maps = self.path / "maps"

    def make(self) -> None:
        for folder in (self.path, self.spool, self.maps):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def is_there(self) -> bool:
        return (self.path / SETTINGS).exists()

    def settings(self) -> ReplicationSettings | None:
        return self._read(SETTINGS, ReplicationSettings)

    def require_settings(self) -> ReplicationSettings:
        settings = self.settings()
        if settings is None:
            raise SettingsUnreadable(about=self.path.name, path=self.path / SETTINGS)
        return settings

    def keep_settings(self, settings: ReplicationSettings) -> None:
        self._keep(SETTINGS, settings)

    def change_settings(
        self, change: Callable[[ReplicationSettings], ReplicationSettings]
    ) -> ReplicationSettings | None:
        """As they are then; None: it is not replicated."""
        with self.changing():
            settings = self.settings()
            if settings is None:
                return None
            fresh = change(settings)
            if fresh != settings:
                self.keep_settings(fresh)
            return fresh

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """One at a time, of all processes, reads what people want and writes it anew."""
        self.make()
        descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def sent(self) -> Sent | None:
        return self._read(SENT, Sent)

    def keep_sent(self, sent: Sent) -> None:
        self._keep(SENT, sent)

    def walk(self) -> Walk | None:
        return self._read(WALK, Walk)

    def keep_walk(self, walk: Walk | None) -> None:
        if walk is None:
            (self.path / WALK).unlink(missing_ok=True)
        else:
            self._keep(WALK, walk)

    def data_map(self, generation: str) -> dict[str, bytes]:
        """By disk, a bit for each block that had data; empty where nobody knows."""
        with contextlib.suppress(OSError, msgspec.DecodeError):
            content = (self.maps / generation).read_bytes()
            return msgspec.msgpack.decode(content, type=dict[str, bytes])
        return {}

    def keep_data_map(self, generation: str, found: dict[str, bytes]) -> None:
        replace_file(self.maps / generation, msgspec.msgpack.encode(found))

    def drop_data_maps(self, keep: frozenset[str]) -> None:
        """Those of generations nothing is relative to any more."""
        with contextlib.suppress(OSError):
            for entry in os.scandir(self.maps):
                if entry.name not in keep:
                    os.unlink(entry.path)

    def suspects(self, generation: str) -> dict[str, Suspects]:
        """By disk, where the old host, which has that generation, may have something else."""
        with contextlib.suppress(OSError, msgspec.DecodeError):
            kept = msgspec.msgpack.decode((self.path / _SUSPECTS).read_bytes(), type=_Kept)
            return kept.disks if kept.generation == generation else {}
        return {}

    def keep_suspects(self, generation: str, found: dict[str, Suspects]) -> None:
        content = msgspec.msgpack.encode(_Kept(generation=generation, disks=found))
        replace_file(self.path / _SUSPECTS, content)

    @contextlib.contextmanager
    def taken(self, clock: Clock) -> Iterator[None]:
        """Its loop lets go of it meanwhile: whoever is killed here has given it back with that.

        A log that is on its way comes to its end before.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            taking = os.open(self.path / _TAKEN, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            stack.callback(os.close, taking)
            fcntl.flock(taking, fcntl.LOCK_EX)
            stack.callback(os.close, self.once_let_go(clock))
            yield

    def is_taken(self) -> bool:
        with contextlib.suppress(FileNotFoundError), (self.path / _TAKEN).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def once_let_go(self, clock: Clock) -> int:
        """Held by us, as soon as its loop has seen that it is to let go."""
        while (held := self.hold(wait=False)) is None:
            clock.sleep(_POLL)
        return held

    def hold(self, *, wait: bool = True) -> int | None:
        """While the descriptor is open nobody else works on it; None: somebody does.

        Of whoever runs its loop, of whoever ends it for good, and of whoever has taken it.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path / _HOLD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _keep(self, name: str, value: msgspec.Struct) -> None:
        content = msgspec.json.encode(value)
        written(self.path, lambda: replace_file(self.path / name, content))

    def _read(self, name: str, type_: type[_T]) -> _T | None:
        path = self.path / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=type_)
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Not ours, or of a newer release: what it would say can be found out.
            return None
        except OSError as err:
            raise SourceFolderBroken(path=path, reason=err.strerror) from err


def replicated_here(home: str) -> list[str]:
    """The UUIDs of the machines this host replicates."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(
            each for each in os.listdir(os.path.join(home, FOLDER)) if _has_settings(home, each)
        )
    return []


def _has_settings(home: str, uuid: str) -> bool:
    return SourceFolder(home, uuid).is_there()
