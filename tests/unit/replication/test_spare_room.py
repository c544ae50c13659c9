"""Room is held for what must be written when there is none left."""

import errno
import os
from pathlib import Path

import pytest

from holdfast.base.units import KIB
from holdfast.replication.spare_room import written

FULL = OSError(errno.ENOSPC, "no room")


class Writing:
    """Fails with what is said, as often as that is said, and works then."""

    def __init__(self, *errors: OSError) -> None:
        self.errors, self.times = list(errors), 0

    def __call__(self) -> None:
        self.times += 1
        if self.errors:
            raise self.errors.pop(0)


def test_what_lacks_room_is_written_with_what_was_held(tmp_path: Path) -> None:
    written(tmp_path, Writing())
    (held,) = tmp_path.iterdir()
    assert held.stat().st_blocks

    writing = Writing(FULL)
    written(tmp_path, writing)

    assert writing.times == 2
    # It is held anew.
    assert held.stat().st_blocks


def test_without_any_it_fails_as_it_would(tmp_path: Path) -> None:
    writing = Writing(FULL)

    with pytest.raises(OSError, match="no room"):
        written(tmp_path, writing)

    assert writing.times == 1


def test_another_failure_costs_no_room(tmp_path: Path) -> None:
    written(tmp_path, Writing())
    writing = Writing(OSError(errno.EIO, "broken"))

    with pytest.raises(OSError, match="broken"):
        written(tmp_path, writing)

    assert writing.times == 1


def test_of_the_room_that_is_not_there_any_more_less_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scarce(descriptor: int, start: int, length: int) -> None:
        if length > 40 * KIB:
            raise FULL
        os.ftruncate(descriptor, start + length)

    monkeypatch.setattr(os, "posix_fallocate", scarce)
    written(tmp_path, Writing())
    (held,) = tmp_path.iterdir()

    assert held.stat().st_size == 32 * KIB
