"""KVM hosts of the tests' own: stock libvirtd, in namespaces, with its folders for itself.

with KvmHost("north") as host:
    libvirt.open(host.uri)            # from here, or with `host.run("virsh", "list")` on it
    host.kill()                       # SIGKILL to libvirtd; its guests run on
    host.start()
    host.cut_power()                  # all that runs on it is gone, and so is what is in its memory

with two_hosts() as (north, south):   # joined by a cable, as 10.78.0.1 and 10.78.0.2

Nothing of it is seen on the machine under the tests: its processes, mounts and network end with
the first process of its namespaces, and that one with the tests, however they end.
"""

import contextlib
import os
import shutil
import signal
import subprocess  # noqa: TID251  hosts and what runs on them are processes
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from holdfast.testing.host_commands import children_of, entering, signal_to
from holdfast.testing.waiting import wait_until

PATIENCE = 120.0
NORTH, SOUTH = "10.78.0.1", "10.78.0.2"
_PROGRAMS = ("libvirtd", "qemu-system-x86_64", "qemu-img", "unshare", "nsenter", "ip")
# Each QEMU is an orphan: its end must not wait for a first process that does not listen.
_HOLD = """
import signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
sys.stdin.read()
"""
# Who is left: the first process of its namespaces, which holds them, and this shell.
_POWER_CUT = """
kill -KILL -1
while set -- /proc/[0-9]*; [ $# -gt 2 ]; do :; done
find /run -mindepth 1 -maxdepth 1 ! -name libvirt -exec rm -rf {} +
"""
_PRIVATE = {
    "state": "/var/lib/libvirt",
    "etc": "/etc/libvirt",
    "log": "/var/log",
    "cache": "/var/cache/libvirt",
}
# Only there where TPMs can be emulated, which get their certificates from here.
_AUTHORITY = "/var/lib/swtpm-localca"
_QEMU_CONF = """user = "root"
group = "root"
dynamic_ownership = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
swtpm_user = "root"
swtpm_group = "root"
"""
_LIBVIRTD_CONF = """host_uuid = "{uuid}"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
"""


class HostUnavailable(Exception):
    """No host can be made here; the message says what is missing."""


class KvmHost:
    """Its folder is short, for the sockets in it, and the same path on the host and here.

    `first` is a script that is run in its namespaces before it moves in.
    """

    def __init__(self, name: str, *, first: str = "") -> None:
        if missing := [program for program in _PROGRAMS if shutil.which(program) is None]:
            raise HostUnavailable(f"not installed: {', '.join(missing)}")
        self.name = name
        self._daemon: subprocess.Popen[bytes] | None = None
        self._holder = _hold()
        self.folder = Path(tempfile.mkdtemp(prefix=f"hf-{name}-"))
        self.images = self.folder / "images"
        (self.pid,) = children_of(self._holder.pid)
        try:
            self._furnish(first)
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def uri(self) -> str:
        return f"qemu+unix:///system?socket={self._socket}"

    @property
    def log(self) -> Path:
        return self.folder / "libvirtd.log"

    @contextlib.contextmanager
    def connected(self) -> Iterator[Any]:
        import libvirt

        # It would print each error that we are about to catch.
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        connection = libvirt.open(self.uri)
        try:
            yield connection
        finally:
            connection.close()

    def start(self) -> None:
        """Comes back when it answers."""
        with self.log.open("ab") as log:
            self._daemon = subprocess.Popen(  # noqa: S603  our own words
                self.words("libvirtd", "--pid-file", "/run/libvirtd.pid"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
            )
        wait_until(self._answers, within=PATIENCE)

    def kill(self) -> None:
        """SIGKILL to libvirtd; the guests stay."""
        self._end_daemon(signal.SIGKILL)

    def stop(self) -> None:
        """In order; the guests stay too."""
        self._end_daemon(signal.SIGTERM)

    def restart(self) -> None:
        """As after a crash; the agents of the guests are connected a moment later."""
        self.kill()
        self.start()

    def kill_guest(self, name: str) -> None:
        """SIGKILL to its QEMU: a power cut, for the guest."""
        # The shell's own: a bare system has no program of that name.
        self.run("sh", "-c", f"kill -KILL {self._qemu_of(name)}")

    def end_guest(self, name: str) -> None:
        """As `kill_guest`; comes back when libvirt has seen it.

        Whoever tends the machine may have started it again by then, before anybody sees it off.
        """
        killed = self._qemu_of(name)
        self.kill_guest(name)
        wait_until(lambda: self._qemu_of(name) != killed)

    def _qemu_of(self, name: str) -> str:
        """Its process, as its own host counts them; nothing when it is off."""
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "run" / "qemu" / f"{name}.pid").read_text().strip()
        return ""

    def cut_power(self) -> None:
        """Every process of it is killed at once; `start` is its next start, by another boot id.

        What was written and not flushed stays, which no file system of ours could lose here.
        """
        daemon, self._daemon = self._daemon, None
        assert daemon is not None
        self.run("sh", "-c", _POWER_CUT)
        daemon.wait(PATIENCE)
        for left in (self.folder / "run").iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        self._boot_anew()

    def _boot_anew(self) -> None:
        told, kept = Path("/proc/sys/kernel/random/boot_id"), self.folder / "boot_id"
        is_known = kept.exists()
        kept.write_text(f"{uuid.uuid4()}\n")
        if not is_known:
            self.run("mount", "--bind", kept, told)

    def words(self, *words: str | Path) -> list[str]:
        """The same command, on this host."""
        return [*entering(self.pid), "--", *map(str, words)]

    def run(self, *words: str | Path) -> str:
        """A command on this host, which must succeed."""
        done = subprocess.run(  # noqa: S603  of the tests' own
            self.words(*words), capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        if done.returncode:
            raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def close(self) -> None:
        """All of its processes end with the first one; then nothing holds its files."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        for process in filter(None, (self._daemon, self._holder)):
            process.wait(PATIENCE)
        for pipe in filter(None, (self._holder.stdin, self._holder.stdout, self._holder.stderr)):
            pipe.close()
        shutil.rmtree(self.folder)

    @property
    def _socket(self) -> Path:
        return self.folder / "run" / "libvirt-sock"

    def _furnish(self, first: str) -> None:
        for folder in (self.images, self.folder / "run", *map(self.folder.joinpath, _PRIVATE)):
            folder.mkdir()
        (self.folder / "etc" / "qemu.conf").write_text(_QEMU_CONF)
        (self.folder / "etc" / "libvirtd.conf").write_text(_LIBVIRTD_CONF.format(uuid=uuid.uuid4()))
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n")
        self.run("sh", "-ec", f"{first}\n{self._moving_in()}")

    def _moving_in(self) -> str:
        """In one go: what others of this machine see there, this host does not, and back."""
        lines = [f"hostname {self.name}", "ip link set lo up"]
        for name, place in _PRIVATE.items():
            lines.append(f"mkdir -p {place}; mount --bind {self.folder / name} {place}")
        lines.append(f"! [ -d {_AUTHORITY} ] || mount -t tmpfs ca {_AUTHORITY}")
        lines.append(f"mount --bind {self.folder / 'hosts'} /etc/hosts")
        # An own /run: no D-Bus, no udev, and a place to mount on that is not left behind.
        lines.append("mount -t tmpfs -o mode=0755 run /run; mkdir /run/libvirt")
        lines.append(f"mount --bind {self.folder / 'run'} /run/libvirt")
        # libvirt would look for the network cards of another namespace.
        lines.append("mount -t sysfs sys /sys")
        return "\n".join(lines)

    def _answers(self) -> bool:
        import libvirt

        assert self._daemon is not None
        if self._daemon.poll() is not None:
            raise RuntimeError(f"libvirtd ended: {self.log.read_text()[-2000:]}")
        try:
            with self.connected():
                return True
        except libvirt.libvirtError:
            return False

    def _end_daemon(self, number: signal.Signals) -> None:
        daemon, self._daemon = self._daemon, None
        assert daemon is not None
        signal_to(daemon, number)
        daemon.wait(PATIENCE)


def _hold() -> subprocess.Popen[bytes]:
    """The first process of new namespaces; it ends with its input, and all the others with it."""
    words = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child"]
    words += ["--mount-proc", "--propagation", "private", sys.executable, "-ISc", _HOLD]
    pipe = subprocess.PIPE
    holder = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe)  # noqa: S603  our own words
    assert holder.stdout is not None
    if holder.stdout.readline() != b"ready\n":
        _, said = holder.communicate()
        raise HostUnavailable(f"no namespaces can be made here: {said.decode()}")
    return holder


@contextlib.contextmanager
def two_hosts(*, first: str = "") -> Iterator[tuple[KvmHost, KvmHost]]:
    """Two of them, joined by a cable."""
    with KvmHost("north", first=first) as north, KvmHost("south", first=first) as south:
        join(north, south, addresses=(NORTH, SOUTH))
        yield north, south


def join(one: KvmHost, other: KvmHost, *, addresses: tuple[str, str], card: str = "eth0") -> None:
    """By a cable of their own, with a network card of that name at either end."""
    peer = ["peer", "name", card, "netns", str(other.pid)]
    # By its own process ids: those of this machine mean nothing inside.
    enter = ["nsenter", f"--target={one.pid}", "--net"]
    add = [*enter, "ip", "link", "add", card, "type", "veth", *peer]
    subprocess.run(add, check=True, capture_output=True)  # noqa: S603  our own words
    for host, address in zip((one, other), addresses, strict=True):
        host.run("ip", "addr", "add", f"{address}/24", "dev", card)
        host.run("ip", "link", "set", card, "up")
