"""A volume that is looked into again and again is mounted once, and not for ever."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.machines.held_volume import HeldVolume


class Mount:
    def __init__(self) -> None:
        self.mounted, self.ended = 0, threading.Event()

    @contextlib.contextmanager
    def opened(self) -> Iterator[Path]:
        self.mounted += 1
        try:
            yield Path("/mounted-nowhere")
        finally:
            self.ended.set()


def test_many_looks_are_one_mount() -> None:
    mount = Mount()
    held = HeldVolume(mount.opened)

    looks = [held.look(str), held.look(lambda root: root.name)]
    found = [look.result() for look in looks if look is not None]
    held.close()

    assert found == ["/mounted-nowhere", "mounted-nowhere"]
    assert (mount.mounted, mount.ended.is_set()) == (1, True)


def test_look_that_fails_ends_nothing() -> None:
    held = HeldVolume(Mount().opened)

    failed, after = held.look(Path.rmdir), held.look(str)
    assert failed is not None
    assert after is not None

    with pytest.raises(FileNotFoundError):
        failed.result()
    assert after.result() == "/mounted-nowhere"
    held.close()


def test_volume_that_cannot_be_mounted_says_so_at_once() -> None:
    @contextlib.contextmanager
    def opening() -> Iterator[Path]:
        raise FileNotFoundError("no such volume")
        yield Path("/")

    with pytest.raises(FileNotFoundError):
        HeldVolume(opening)


def test_volume_that_nobody_looks_into_is_taken_down() -> None:
    mount = Mount()

    held = HeldVolume(mount.opened, idle=0.0)
    assert mount.ended.wait(10)
    held.close()

    assert held.is_over
    assert held.look(str) is None
