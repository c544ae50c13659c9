"""Which virtual machines this host protects, and how far the work of protecting each came."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from datetime import datetime

import msgspec

from holdfast.app.vm_errors import VmProtectionUnreadable
from holdfast.storage.durable import sync_folder

FOLDER = "vms"
_VERSION = 1
_PRIVATE = 0o600


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of enabling protection: how it ended last, and what it said."""

    name: str
    # done, left-out or failed
    state: str
    at: datetime
    said: str = ""
    error: str = ""


class FreezeSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether and when a guest is held still for a point; as they are, for every one."""

    never: bool = False
    # Only the file systems mounted there; none named: all that the guest agent finds.
    mounts: tuple[str, ...] = ()
    # For each so many-th point, or when so many seconds have passed since it was frozen last.
    every: int = 1
    every_seconds: int = 0


class Protection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of one machine; it is protected when `since` says from when on."""

    version: int = _VERSION
    uuid: str
    name: str
    host: str
    # The least class a point may have: application, filesystem or crash.
    consistency: str = "crash"
    # How its changes are recorded: auto, bitmap, overlay or hash.
    tracking: str = "auto"
    # Disks that cannot be taken, with the reason each was accepted for.
    left_out: dict[str, str] = {}
    freeze: FreezeSettings = FreezeSettings()
    # Where QEMU keeps what this machine overwrites during a backup; empty: as the settings say.
    scratch: str = ""
    since: datetime | None = None
    steps: tuple[Step, ...] = ()

    def step(self, name: str) -> Step | None:
        return next((one for one in self.steps if one.name == name), None)

    def with_step(self, step: Step) -> "Protection":
        others = tuple(one for one in self.steps if one.name != step.name)
        return msgspec.structs.replace(self, steps=(*others, step))


class LastPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the newest point of a machine came about, for whoever asks why it is no better."""

    at: datetime
    consistency: str
    # The least that was asked for.
    wanted: str = "crash"
    # Codes, with what was seen.
    downgrades: dict[str, str] = {}
    freeze_ms: int | None = None
    # When it was held still last, and how many points were made since without that.
    frozen_at: datetime | None = None
    unfrozen: int = 0


def load(home: str, uuid: str) -> Protection | None:
    file = _file(home, uuid)
    try:
        with open(file, "rb") as stream:
            return _read(file, stream.read())
    except FileNotFoundError:
        return None
    except OSError as err:
        raise VmProtectionUnreadable(file=file, reason=err.strerror) from err


def load_all(home: str) -> Iterator[Protection]:
    try:
        names = sorted(os.listdir(os.path.join(home, FOLDER)))
    except OSError:
        return
    for name in names:
        uuid, dot, kind = name.partition(".")
        if dot and kind == "json" and (found := load(home, uuid)) is not None:
            yield found


def load_last(home: str, uuid: str) -> LastPoint | None:
    """None also for a note that does not read: it is made anew with each point."""
    try:
        with open(_last_file(home, uuid), "rb") as stream:
            return msgspec.json.decode(stream.read(), type=LastPoint)
    except (OSError, msgspec.DecodeError, UnicodeError):
        return None


def save_last(home: str, uuid: str, last: LastPoint) -> None:
    _write(_last_file(home, uuid), last)


def save(home: str, protection: Protection) -> None:
    _write(_file(home, protection.uuid), protection)


def _write(file: str, content: msgspec.Struct) -> None:
    """Whole and durable, in place of what was known before."""
    folder = os.path.dirname(file)
    os.makedirs(folder, 0o700, exist_ok=True)
    fresh = f"{file}.{secrets.token_hex(4)}.part"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(fresh, file)
    sync_folder(folder)


def remove(home: str, uuid: str) -> None:
    for file in (_last_file(home, uuid), _file(home, uuid)):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(file)
            sync_folder(os.path.dirname(file))


def _file(home: str, uuid: str) -> str:
    return os.path.join(home, FOLDER, f"{uuid}.json")


def _last_file(home: str, uuid: str) -> str:
    return os.path.join(home, FOLDER, f"{uuid}.last.json")


def _read(file: str, content: bytes) -> Protection:
    try:
        return msgspec.json.decode(content, type=Protection)
    except (msgspec.DecodeError, UnicodeError) as err:
        raise VmProtectionUnreadable(file=file, reason=err) from err
