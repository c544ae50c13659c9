"""Two hosts on which nothing of ours is installed, and what a page's words call there.

with bare_hosts() as ground, ground.typing("south", folder) as shell:
    shell.type("ssh north hostname")

They have this machine's programs, of which nothing is changed here; their homes, their /srv and
their /tmp are their own. Nobody there has keys of ssh, a network to fetch packages from, or a
service manager: small programs in their place do what is asked of them, or refuse.
"""

import contextlib
import shutil
import signal
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from holdfast.testing.guest_image import CACHE
from holdfast.testing.host_commands import signal_to
from holdfast.testing.hosts import NORTH, PATIENCE, SOUTH, KvmHost, two_hosts
from holdfast.testing.typed import Shell
from holdfast.testing.waiting import wait_until

_ROOT = Path(__file__).parents[2]
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NAMES = f"{NORTH} north north.example\n{SOUTH} south south.example\n"
_PATIENCE = 600.0
# The folders of these hosts, and of what they share, are all that is left in /tmp.
_BARE = f"""
mount -t tmpfs -o mode=0755 host /mnt
for place in usr etc var opt; do
  mkdir -p /mnt/$place/above /mnt/$place/work
  mount -t overlay -o lowerdir=/$place,upperdir=/mnt/$place/above,workdir=/mnt/$place/work host /$place
done
mkdir /mnt/guest /mnt/tmp
mount --bind "{CACHE}" /mnt/guest
mount --bind /tmp /mnt/tmp
for place in "{_ROOT}" /root /srv; do mount -t tmpfs -o mode=0700 host "$place"; done
mount -t tmpfs -o mode=1777 host /tmp
for place in /mnt/tmp/hf-*/; do
  mkdir "${{place#/mnt}}"
  # One of another test may be gone by now.
  mount --bind "$place" "${{place#/mnt}}" 2>/dev/null || rmdir "${{place#/mnt}}"
done
mkdir -p "{CACHE}"
mount --bind /mnt/guest "{CACHE}"
rm -rf /var/lib/holdfast /etc/holdfast
"""
# Whoever calls has it run with streams of its own.
_ANSWERING = """
import os, socket, subprocess, sys
line = socket.socket(socket.AF_UNIX)
line.bind(sys.argv[1])
line.listen()
while True:
    caller, _ = line.accept()
    said, streams, *_ = socket.recv_fds(caller, 65536, 3)
    done = subprocess.run(["bash", "-c", said], stdin=streams[0], stdout=streams[1], stderr=streams[2])
    for each in streams:
        os.close(each)
    caller.sendall(str(done.returncode).encode())
    caller.close()
"""
_SSH = """#!/usr/bin/python3
import os, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect(os.path.join(os.path.dirname(__file__), sys.argv[1] + ".line"))
socket.send_fds(line, [" ".join(sys.argv[2:]).encode()], [0, 1, 2])
sys.exit(int(line.recv(8) or b"255"))
"""
# Into a folder there.
_SCP = """#!/bin/sh
for to; do :; done
folder=${to#*:}
while [ $# -gt 1 ]; do
  ssh "${to%%:*}" "cat >${folder:-./}${1##*/}" <"$1" || exit
  shift
done
"""
# A file is installed; what would be fetched is there, or is what the tests themselves run with.
_APT = """#!/bin/sh
[ "$1 $2" = "install -y" ] || exit 1
shift 2
for wanted; do
  case $wanted in
    /*) dpkg --force-unsafe-io --install "$wanted" ;;
    python3-libvirt) dpkg -s "$wanted" || cp "${0%/*}"/libvirt* /usr/lib/python3/dist-packages ;;
    qemu-utils) command -v qemu-img ;;
    *) false ;;
  esac >/dev/null || exit
done
"""
# Whatever else it is asked, it is no service manager.
_SYSTEMCTL = f"""#!/bin/sh
of() {{ sed -n "s/^$1=//p" "/etc/systemd/system/$unit"; }}
case "$1 $2" in
  "daemon-reload ") ;;
  "enable --now")
    shift 2
    for unit; do
      env -i PATH={_PATH} $(of Environment) setsid -f $(of ExecStart) \\
        </dev/null >>"/var/log/$unit.log" 2>&1 || exit
    done
    ;;
  *) exit 1 ;;
esac
"""
_WORDS = {"ssh": _SSH, "scp": _SCP, "apt": _APT, "systemctl": _SYSTEMCTL}


@dataclass(frozen=True, slots=True)
class BareHosts:
    hosts: tuple[KvmHost, KvmHost]
    # Seen by both, and from here.
    shared: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.shared}:{_PATH}", "HOME": "/root", "LC_ALL": "C.UTF-8"}

    @contextlib.contextmanager
    def typing(self, host: KvmHost, folder: Path) -> Iterator[Shell]:
        words = host.words("sh", "-c", 'cd "$0" && exec bash', folder)
        with Shell(words, self.environment, patience=_PATIENCE) as shell:
            yield shell


@contextlib.contextmanager
def bare_hosts() -> Iterator[BareHosts]:
    """North and south, each of which is called by its name."""
    with (
        tempfile.TemporaryDirectory(prefix="hf-shared-", dir="/tmp") as shared,
        two_hosts(first=_BARE) as hosts,
        contextlib.ExitStack() as stack,
    ):
        ground = BareHosts(hosts, Path(shared))
        _write_words(ground.shared)
        for host in hosts:
            with (host.folder / "hosts").open("a", encoding="utf-8") as names:
                names.write(_NAMES)
            # The sign that there is one.
            host.run("mkdir", "-p", "/run/systemd/system")
            stack.enter_context(_answering(ground, host))
        yield ground


def _write_words(folder: Path) -> None:
    for word, text in _WORDS.items():
        (folder / word).write_text(text, encoding="utf-8")
        (folder / word).chmod(0o755)
    for module in Path(sysconfig.get_path("platlib")).glob("libvirt*.*"):
        if module.is_file():
            shutil.copy(module, folder)


@contextlib.contextmanager
def _answering(ground: BareHosts, host: KvmHost) -> Iterator[None]:
    """To `ssh`, until the host is off."""
    line = ground.shared / f"{host.name}.line"
    words = host.words("sh", "-c", 'cd && exec python3 -c "$0" "$1"', _ANSWERING, line)
    with subprocess.Popen(words, env=ground.environment, stdin=subprocess.DEVNULL) as process:
        wait_until(line.exists)
        try:
            yield
        finally:
            signal_to(process, signal.SIGKILL)
            process.wait(PATIENCE)
