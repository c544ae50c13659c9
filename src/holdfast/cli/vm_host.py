"""The option of every command about virtual machines: on which host they are."""

from typing import Any

from holdfast.base.texts import N_
from holdfast.cli.command import option
from holdfast.cli.run import Run, start

host_option = option(
    "--host",
    "--libvirt",  # as of `backup`, where --host is the name in the point
    "host",
    metavar="URI",
    help=N_("The hypervisor, as libvirt names it; qemu:///system if nothing is said."),
)


def start_on(host: str | None, **more: Any) -> Run:
    """As `start`; `run.session.settings.libvirt` is the host then."""
    return start(libvirt=host, **more)
