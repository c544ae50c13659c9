"""What starts a machine with a systemd of its own, and cleans up after it.

It stays outside of that machine and holds what is the machine's: its mounts and its control group.
Called with `inside` it is the machine's first process, which becomes systemd.
"""

import contextlib
import os
import subprocess  # noqa: TID251  a machine is made of commands
import sys
from pathlib import Path

SYSTEMD = "/lib/systemd/systemd"
_UNITS = Path("/usr/lib/systemd/system")
_GROUPS = "/sys/fs/cgroup"
_INSIDE = "inside"
_NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc")
# Empty on this machine: nothing of the host is started, and nothing of it written to.
_EMPTY = ("/run", "/tmp", "/var", "/usr/lib/systemd/system-generators")  # noqa: S108  covered
# Limits of the kernel are everybody's.
_READ_ONLY = ("/proc/sys",)


def _run(command: str) -> None:
    subprocess.run(command.split(), check=True)  # noqa: S603  our own lists


def _program() -> list[Path]:
    """Where the program under test lies, wherever this folder was put."""
    return [Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[3]]


def _cover(place: str) -> None:
    """An empty file system in its place, but for the program."""
    kept = {path: os.open(path, os.O_PATH) for path in _program() if path.is_relative_to(place)}
    _run(f"mount -n -t tmpfs -o mode=0755,size=256m machine {place}")
    for path, descriptor in kept.items():
        path.mkdir(parents=True, exist_ok=True)
        _run(f"mount -n --bind /proc/{os.getpid()}/fd/{descriptor} {path}")
        os.close(descriptor)


def _furnish() -> None:
    """Targets are all that is known of the host's units; its own /etc says nothing of services."""
    targets = {path.name: path.read_bytes() for path in _UNITS.glob("*.target")}
    _run("mount -n -t tmpfs -o mode=0755,size=256m machine /mnt")
    _run("cp -a /etc/. /mnt/")
    _run("rm -rf /mnt/systemd /mnt/init.d")
    _run("mount -n --move /mnt /etc")
    for place in (*_EMPTY, str(_UNITS)):
        _cover(place)
    for name, content in targets.items():
        (_UNITS / name).write_bytes(content)
    for place in ("/etc/systemd/system", "/var/lib", "/var/tmp"):  # noqa: S108  of this machine
        os.makedirs(place, exist_ok=True)
    for place in _READ_ONLY:
        _run(f"mount -n --bind {place} {place}")
        _run(f"mount -n -o remount,bind,ro {place}")
    _run("hostname booted")


def _become_systemd() -> None:
    """In a namespace of control groups, so that its own is the root of those it sees."""
    _furnish()
    mount = f"umount -R {_GROUPS}; mount -n -t cgroup2 none {_GROUPS}"
    words = f"{SYSTEMD} --system --unit=multi-user.target --log-target=null --show-status=0"
    # systemd leaves the host's clock, kernel and console alone where it is told it is a guest.
    os.environ.update(container="guest")  # noqa: TID251  it is read from there
    os.execvp("unshare", ["unshare", "--cgroup", "sh", "-c", f"{mount}; exec {words}"])  # noqa: S606, S607  becomes it


def _remove(group: Path) -> None:
    """With all groups in it; their processes are gone."""
    for folder, _folders, _files in os.walk(group, topdown=False):
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(folder)


def _look_after() -> None:
    _run(f"mount -n -t cgroup2 none {_GROUPS}")
    group = Path(_GROUPS) / f"holdfast-{os.getpid()}"
    group.mkdir()
    own = ("--fork", "--kill-child", "--mount-proc", "--propagation", "private")
    words = ["unshare", *_NAMESPACES, *own, sys.executable, "-m", __spec__.name, _INSIDE]
    # Should this process be killed, the machine must not outlive it.
    enter = f"echo $$ > {group}/cgroup.procs; exec setpriv --pdeathsig KILL {' '.join(words)}"
    machine = subprocess.Popen(["sh", "-c", enter], stdin=subprocess.DEVNULL)  # noqa: S603, S607  our own
    try:
        sys.stdout.write(f"{machine.pid}\n")
        sys.stdout.flush()
        while os.read(sys.stdin.fileno(), 1):
            pass
    finally:
        machine.kill()
        machine.wait()
        _wait_until_empty(group)
        _remove(group)


def _wait_until_empty(group: Path) -> None:
    """The kernel takes its time with the last of them."""
    from holdfast.testing.waiting import wait_until

    (group / "cgroup.kill").write_text("1", encoding="ascii")
    wait_until(lambda: "populated 0" in (group / "cgroup.events").read_text(encoding="ascii"))


if __name__ == "__main__":
    if _INSIDE in sys.argv:
        _become_systemd()
    else:
        _look_after()
