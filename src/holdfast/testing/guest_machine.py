"""The first process of a guest: a machine of its own as far as its agent can tell.

It has its own processes, network, host name, /etc, /run, /var/log and a small /var/lib/waagent,
and its own platform. Everything of it ends with it.
"""

import os
import shutil
import signal
import subprocess  # noqa: TID251  a machine is made of commands
import sys
from pathlib import Path

from holdfast.testing.platform_server import ADDRESS, METADATA, serve

READY = "ready"
CONF = Path("/etc/waagent.conf")
STATE = Path("/var/lib/waagent")
_DISK = "24m"
_NETWORK = (
    "ip link set lo up",
    "ip link add eth0 type veth peer name uplink",
    "ip link set uplink up",
    "ip addr add 10.0.0.4/24 dev eth0",
    "ip link set eth0 up",
    # Nobody is at the gateway: what is sent there is lost, as behind a firewall that drops.
    "ip neigh add 10.0.0.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent",
    "ip route add default via 10.0.0.1 dev eth0",
    f"ip route add {ADDRESS}/32 via 10.0.0.1 dev eth0",
    f"ip addr add {ADDRESS}/32 dev lo",
    f"ip addr add {METADATA}/32 dev lo",
)
# The machine around it is not the agent's: no disk is formatted, no name, key or rule changed.
_SETTINGS = {
    "Extensions.Enabled": "y",
    "Provisioning.Agent": "auto",
    "Provisioning.DeleteRootPassword": "n",
    "Provisioning.RegenerateSshHostKeyPair": "n",
    "Provisioning.MonitorHostName": "n",
    "ResourceDisk.Format": "n",
    "ResourceDisk.EnableSwap": "n",
    "OS.RootDeviceScsiTimeout": "None",
    "OS.EnableFirewall": "n",
    "AutoUpdate.Enabled": "n",
    "Extensions.GoalStatePeriod": "1",
    "Logs.Console": "n",
    "Logs.Collect": "n",
}


def _run(command: str) -> None:
    subprocess.run(command.split(), check=True)  # noqa: S603  our own lists


def _fresh(place: Path, *, size: str, keep: bool = False) -> None:
    """Put an empty file system there, or one with a copy of what was there."""
    staging = Path("/mnt")
    _run(f"mount -n -t tmpfs -o mode=0755,size={size} guest {staging}")
    if keep:
        shutil.copytree(place, staging, symlinks=True, dirs_exist_ok=True)
    _run(f"mount -n --move {staging} {place}")


def _furnish() -> None:
    _fresh(Path("/etc"), size="256m", keep=True)
    _fresh(Path("/run"), size="16m")
    _fresh(Path("/var/log"), size="16m")
    _fresh(STATE, size=_DISK)
    # An empty mark of provisioning: the agent has nothing to do to this machine.
    (STATE / "provisioned").touch()
    lines = [f"{key}={value}\n" for key, value in _SETTINGS.items()]
    CONF.write_text("# The guest's agent.\n" + "".join(lines), encoding="utf-8")


def main() -> None:
    for command in ("hostname guest", *_NETWORK):
        _run(command)
    _furnish()
    serve()
    # The first process inherits the orphans of all others and has to let them go.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    while os.read(sys.stdin.fileno(), 1):
        pass


if __name__ == "__main__":
    main()
