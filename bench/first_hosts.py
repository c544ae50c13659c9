"""Two hosts with libvirt, QEMU and a virtual machine, and the package for them: to a drill."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import bare_root
from bench.first_steps import PATH, host_steps, install_steps
from holdfast.base.clock import SystemClock
from holdfast.testing.guest_image import CACHE, guest_image
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import NORTH, SOUTH, KvmHost, two_hosts
from holdfast.testing.typed import Shell, environment, play

_HERE = Path(__file__).parent.parent
_NAMES = f"{NORTH} north north.example\n{SOUTH} south south.example\n"
# In place of the one that needs keys and a daemon; it copies to the other's home as well.
_SCP = '#!/bin/sh\nexec cp "$1" "{place}/${{2%:}}/"\n'
_PATIENCE = 600.0
_AT_HOME = ("sh", "-c", "cd && exec bash")
# On a busy machine it may well be further behind than is good.
_LATE = ("holdfast replication status", "holdfast drill run")
# This machine's programs, of which nothing is changed, and an empty home; of ours there is nothing.
_BARE = f"""
mount -t tmpfs -o mode=0755 host /mnt
for place in usr etc var opt; do
  mkdir -p /mnt/$place/above /mnt/$place/work
  mount -t overlay -o lowerdir=/$place,upperdir=/mnt/$place/above,workdir=/mnt/$place/work host /$place
done
mkdir /mnt/guest
mount --bind "{CACHE}" /mnt/guest
for place in "{_HERE}" /root /srv; do mount -t tmpfs -o mode=0700 host "$place"; done
mkdir -p "{CACHE}"
mount --bind /mnt/guest "{CACHE}"
rm -rf /var/lib/holdfast /etc/holdfast
"""
_clock = SystemClock()


def to_a_passed_drill(package: Path) -> dict[str, float]:
    """What it takes, by its kinds; that north runs a machine comes before it begins."""
    guest_image()
    with (
        tempfile.TemporaryDirectory(prefix="hf-first-") as place,
        two_hosts(first=_BARE) as hosts,
        _machine(hosts[0]),
    ):
        _furnish(hosts, Path(place))
        began = _clock.monotonic()
        for host in hosts:
            _install(host, package, Path(place))
        installed = _clock.monotonic()
        _play(hosts, Path(place))
        return {"packages": installed - began, "work": _clock.monotonic() - installed}


@contextlib.contextmanager
def _machine(host: KvmHost) -> Iterator[None]:
    guest = Guest(host, "web")
    try:
        guest.start()
        yield
    finally:
        guest.remove()


def _furnish(hosts: tuple[KvmHost, KvmHost], place: Path) -> None:
    """Homes that are seen from here, names for each other, and apt settings of their own."""
    (place / "scp").write_text(_SCP.format(place=place), encoding="utf-8")
    (place / "scp").chmod(0o755)
    (place / "apt.conf").write_text(bare_root.settings_of_apt(), encoding="utf-8")
    for host in hosts:
        with (host.folder / "hosts").open("a", encoding="utf-8") as names:
            names.write(_NAMES)
        (place / host.name).mkdir()
        host.run("mount", "--bind", place / host.name, "/root")


def _install(host: KvmHost, package: Path, place: Path) -> None:
    """With the network of this machine, for what apt fetches."""
    shutil.copy(package, place / host.name)
    enter = ["nsenter", f"--target={host.pid}", "--mount", "--uts", "--"]
    given = _environment(**bare_root.environment(), APT_CONFIG=str(place / "apt.conf"))
    with Shell([*enter, *_AT_HOME], given, patience=_PATIENCE) as shell:
        play(install_steps(package.name), {"": shell})


def _play(hosts: tuple[KvmHost, KvmHost], place: Path) -> None:
    given = _environment()
    given["PATH"] = f"{place}:{given['PATH']}"
    with contextlib.ExitStack() as stack:
        shells = {
            host.name: stack.enter_context(Shell(host.words(*_AT_HOME), given, patience=_PATIENCE))
            for host in hosts
        }
        play(host_steps(), shells, warned=_LATE, passing=["web  south"])


def _environment(**more: str) -> dict[str, str]:
    return {**environment(HOME="/root", **more), "PATH": PATH}
