"""What people and servers want of a replication that is at work: files that its loop looks at.

A pause stands in the settings, since it lasts; what is done once stands in wishes.json and goes
from there when it was taken up. It is there before there is a loop, and after one has died.
"""

import contextlib
from datetime import datetime

import msgspec

from holdfast.base.clock import Clock
from holdfast.machines.state_files import replace_file
from holdfast.replication.settings import Paused
from holdfast.replication.source_folder import WISHES, SourceFolder


class ResyncWish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    who: str
    asked_at: datetime
    # Not before that; empty: in the window of the settings.
    at: datetime | None = None
    # Whatever the window says.
    is_now: bool = False


class Wishes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    resync: ResyncWish | None = None
    # Try again what waits after a failure, or was given up.
    retry: datetime | None = None
    # A cycle now, whenever the next one is due.
    cycle: datetime | None = None


def read_wishes(folder: SourceFolder) -> Wishes:
    with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode((folder.path / WISHES).read_bytes(), type=Wishes)
    return Wishes()


def pause(folder: SourceFolder, clock: Clock, *, who: str) -> None:
    """Nothing is read or sent; what changes is recorded, which takes no room."""
    fresh = Paused(who=who, since=clock.now())
    folder.change_settings(
        lambda settings: msgspec.structs.replace(settings, paused=settings.paused or fresh)
    )


def resume(folder: SourceFolder, clock: Clock) -> None:
    """Also of what is not paused: what has failed is tried at once."""
    folder.change_settings(lambda settings: msgspec.structs.replace(settings, paused=None))
    with folder.changing():
        _put(folder, retry=clock.now())


def ask_for_resync(
    folder: SourceFolder,
    clock: Clock,
    *,
    who: str,
    at: datetime | None = None,
    is_now: bool = False,
) -> None:
    with folder.changing():
        wish = ResyncWish(who=who, asked_at=clock.now(), at=at, is_now=is_now)
        _put(folder, resync=wish, retry=clock.now())


def ask_for_cycle(folder: SourceFolder, clock: Clock) -> None:
    with folder.changing():
        _put(folder, cycle=clock.now())


def take_up(folder: SourceFolder, taken: Wishes) -> None:
    """These were seen, and need not be seen again; what came meanwhile stays."""
    with folder.changing():
        now = read_wishes(folder)
        left = Wishes(
            resync=None if now.resync == taken.resync else now.resync,
            retry=None if now.retry == taken.retry else now.retry,
            cycle=None if now.cycle == taken.cycle else now.cycle,
        )
        if left != now:
            replace_file(folder.path / WISHES, msgspec.json.encode(left))


def _put(folder: SourceFolder, **wishes: object) -> None:
    fresh = msgspec.structs.replace(read_wishes(folder), **wishes)
    replace_file(folder.path / WISHES, msgspec.json.encode(fresh))
