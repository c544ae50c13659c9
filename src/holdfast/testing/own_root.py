"""This machine's files as a copy that may be broken: a root of its own above them, in memory.

with own_root(hidden=("/srv",)) as root:
    root.run("rm", "/etc/fstab")          # gone there, and still here
    root.shell("cd /etc && ls")

with own_root(folder=bare):               # or of what lies in a folder, with this network

Processes, mounts and network are its own, and end with it.
"""

import contextlib
import os
import shutil
import subprocess  # noqa: TID251  a machine beside this one is a process
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_NEEDED = ("unshare", "nsenter", "mount")
_PATIENCE = 240.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc")
_SHARED = "--net"
_COVERED = ("/run", "/tmp")  # noqa: S108  covered
_ABOVE_THIS = """
mkdir /mnt/above /mnt/work
mount -t overlay -o lowerdir=/,upperdir=/mnt/above,workdir=/mnt/work machine /mnt/root
"""
_IN_A_FOLDER = 'mount --bind "{folder}" /mnt/root'
# Theirs, whatever it is made of: devices as they are, processes and runtime files of its own.
_FURNISH = """
set -e
mount -t tmpfs -o mode=0755 machine /mnt
mkdir /mnt/root
{made}
cd /mnt/root
mount -t proc proc proc
mount -t sysfs sys sys
mount --rbind /dev dev
for place in {covered}; do
  mkdir -p "./$place"
  mount -t tmpfs -o mode=0755 machine "./$place"
done
chmod 1777 tmp
for place in {kept}; do
  mkdir -p "./$place"
  mount --bind "$place" "./$place"
done
ip link set lo up
mkdir -p old
pivot_root . old
umount -l old
echo ready
exec cat
"""


class RootUnavailable(Exception):
    """No such root can be made here; the message says why."""


@dataclass(frozen=True, slots=True)
class OwnRoot:
    pid: int
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(
        self, *words: str | Path, status: int | None = 0, more: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """To its end; `status` is the one wanted, None for whichever."""
        done = subprocess.run(  # noqa: S603  a test's own command
            self.words(words),
            env={
                "PATH": _PATH,
                "HOME": "/root",
                "LC_ALL": "C.UTF-8",
                **self.environment,
                **(more or {}),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        assert status is None or done.returncode == status, f"{words}: {done.stdout}{done.stderr}"
        return done

    def shell(self, script: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
        return self.run("bash", "-c", script, status=status)

    def words(self, words: Sequence[str | Path]) -> list[str]:
        enter = ["nsenter", f"--target={self.pid}", *_NAMESPACES, "--root", "--"]
        return [*enter, "sh", "-c", 'cd /root && exec "$@"', "sh", *map(str, words)]

    def path(self, inside: str) -> Path:
        """The same file, as one can open it from here."""
        return Path(f"/proc/{self.pid}/root{inside}")


@contextlib.contextmanager
def own_root(
    *,
    hidden: Sequence[str] = (),
    kept: Sequence[str | Path] = (),
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[OwnRoot]:
    """`hidden` folders are empty there, as /run and /tmp are; `kept` ones below them are these.

    Made of a `folder`, it changes that folder, has the machine's network, and all `kept`.
    """
    if os.geteuid() or any(shutil.which(name) is None for name in _NEEDED):
        raise RootUnavailable("namespaces need root and util-linux")
    covered = (*_COVERED, *hidden)
    # All else is there in any case, as a copy that may be broken.
    shown = [
        str(place) for place in kept if folder or any(_is_below(place, each) for each in covered)
    ]
    made = _IN_A_FOLDER.format(folder=folder) if folder else _ABOVE_THIS
    script = _FURNISH.format(made=made, covered=" ".join(covered), kept=" ".join(shown))
    own = [name for name in _NAMESPACES if not (folder and name == _SHARED)]
    words = ["unshare", *own, "--fork", "--kill-child", "--propagation", "private"]
    process = subprocess.Popen(  # noqa: S603  our own words
        [*words, "sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                assert process.stderr is not None
                raise RootUnavailable(process.stderr.read())
            yield OwnRoot(_child_of(process.pid), environment or {})
        finally:
            process.kill()


def _is_below(place: str | Path, folder: str) -> bool:
    return Path(place).is_relative_to(folder)


def _child_of(parent: int) -> int:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return int(children[0])


def program_places() -> list[Path]:
    """What a root must keep to run the program under test."""
    return [Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[3]]
