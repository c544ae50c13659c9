"""The two hosts of `holdfast demo`, until whoever started it is gone.

python -m holdfast.testing.demo_sites DESCRIPTOR   # of a socket to that one
"""

import contextlib
import signal
import socket
import subprocess  # noqa: TID251  images are compared by QEMU's own program
import sys
from collections.abc import Callable

import msgspec

from holdfast.app.demo_sites import SiteDone, SitesTold, SiteTask
from holdfast.testing.demo_host import NAME, cache
from holdfast.testing.guest_image import GuestUnavailable, guest_image
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import HostUnavailable, two_hosts
from holdfast.testing.two_sites import Station, TwoSites, two_sites


def main(descriptor: int) -> None:
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit())
    with socket.socket(fileno=descriptor) as starter:
        try:
            _serve(starter)
        except (HostUnavailable, GuestUnavailable) as err:
            _tell(starter, SitesTold(missing=str(err)))


def _serve(starter: socket.socket) -> None:
    image = guest_image(cache())
    with two_hosts() as hosts, two_sites(*hosts) as sites:
        recipe = Recipe(writer="ordered", counts_boots=True)
        guest = Guest(sites.north.host, NAME, recipe, image=image)
        guest.start()
        sites.work()
        told = SitesTold(
            name=NAME,
            uuid=guest.uuid,
            uris={each.name: each.host.uri for each in (sites.north, sites.south)},
            folders=tuple(str(host.folder) for host in hosts),
            disk_bytes=recipe.disks * recipe.disk_size,
        )
        _tell(starter, told)
        with starter.makefile("rb") as lines:
            for line in lines:
                _tell(starter, _done(sites, msgspec.json.decode(line, type=SiteTask)))


def _done(sites: TwoSites, task: SiteTask) -> SiteDone:
    station = sites.north if task.where == sites.north.name else sites.south
    if task.what == "run":
        said = station.run(*task.words, status=None)
        return SiteDone(status=said.status, out=said.out, err=said.err)
    try:
        _ACTS[task.what](station)
    except (AssertionError, RuntimeError, OSError, subprocess.SubprocessError) as err:
        return SiteDone(status=1, err=str(err))
    return SiteDone()


def _die(station: Station) -> None:
    """As when its power goes: the machine, libvirt and all of Holdfast in one moment."""
    station.kill()
    station.host.kill_guest(NAME)
    station.host.kill()


def _return(station: Station) -> None:
    """The power is back; the machine's definition is still there."""
    station.host.start()
    station.work()


_ACTS: dict[str, Callable[[Station], None]] = {
    "work": Station.work,
    "die": _die,
    "return": _return,
}


def _tell(starter: socket.socket, value: msgspec.Struct) -> None:
    with contextlib.suppress(BrokenPipeError):
        starter.sendall(msgspec.json.encode(value) + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
