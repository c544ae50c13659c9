"""Whoever looks into a disk and is killed leaves no mount, no loop device and no program behind."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.testing.waiting import wait_until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.real,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root"),
]

LOOK = """
import sys
from collections.abc import Iterator
from pathlib import Path
from holdfast.base.clock import SystemClock
from holdfast.disks.spans import Span
from holdfast.machines.file_systems import Content
from holdfast.machines.looking_inside import opened_volume
from holdfast.machines.volumes import Volume

class Image:
    def __init__(self, content):
        self.content, self.size = content, len(content)
    def read(self, offset, length):
        return self.content[offset : offset + length]
    def spans_with_data(self):
        return [Span(0, self.size)]

source = Image(Path(sys.argv[1]).read_bytes())
volume = Volume(name="vda", size=source.size, content=Content(kind="ext4"), source=source)
with opened_volume(volume, clock=SystemClock()) as root:
    print(root.parent, (root / "lost+found").is_dir(), flush=True)
    sys.stdin.read()
"""


def users_of(scratch: str) -> list[str]:
    """Programs that were started with a path in there, and loop devices on a file of it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if scratch.encode() in words:
            found.append(words.decode(errors="replace"))
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            name = backing.read_text()
        except OSError:
            continue
        if scratch in name:
            found.append(name)
    return found


@contextlib.contextmanager
def looking_into(image: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Where a process that has the volume open keeps it, and the process."""
    words = [sys.executable, "-c", LOOK, str(image)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as looking:
        assert looking.stdout is not None
        scratch, is_there = looking.stdout.readline().split()
        assert is_there == "True"
        yield scratch, looking
        if looking.poll() is None:
            looking.communicate()


def test_nothing_is_left_of_a_look_that_was_killed(tmp_path: Path) -> None:
    image = tmp_path / "image"
    with image.open("wb") as made:
        made.truncate(16 << 20)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", str(image)], check=True)
    with looking_into(image) as (scratch, looking):
        during = users_of(scratch)
        looking.kill()
        looking.wait()

    left = Path(scratch).exists()
    with looking_into(image) as (beside, _looking), looking_into(image):
        is_spared = Path(beside, "above").exists()

    assert (left, Path(scratch).exists(), is_spared) == (True, False, True)
    assert len(during) >= 2
    wait_until(lambda: users_of(scratch) == [], within=90)
    assert scratch not in Path("/proc/self/mounts").read_text()
