"""Boot a machine whose disks are in the vault: small overlays here, all else is read when wanted.

It begins paused, so that the record of its changes begins with its first instant.
"""

import contextlib
import os
import pwd
from collections.abc import Callable
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.disks.images import create, nbd_uri
from holdfast.disks.nbd_address import LONGEST_PATH, UnixAddress
from holdfast.hypervisor.checkpoints import create_checkpoint
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.console import Picture, screenshot
from holdfast.hypervisor.domains import Domain, define_domain
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.machines.boot_errors import (
    BootFolderTaken,
    BootFolderUnusable,
    BootStopped,
)
from holdfast.machines.boot_plan import BootPlan
from holdfast.machines.boot_records import Boot
from holdfast.machines.restoring import TPM_FOLDER
from holdfast.machines.state_files import put_tpm, replace_file

_POLL = 0.1
# Who goes by libvirt's name is not known before it asks; these are the names distributions use.
_QEMU_USERS = ("libvirt-qemu", "qemu")


def make_folder(boot: Boot) -> None:
    """Where its disks will lie; QEMU's own user must come through, whatever the umask."""
    if len(os.fsencode(boot.socket)) > LONGEST_PATH:
        reason = _("the path of the socket in it would be too long")
        raise BootFolderUnusable(folder=boot.folder, reason=reason)
    try:
        os.makedirs(os.path.dirname(boot.folder), exist_ok=True)
        os.mkdir(boot.folder)
        Path(boot.folder).chmod(0o711)
    except FileExistsError as err:
        raise BootFolderTaken(folder=boot.folder) from err
    except OSError as err:
        raise BootFolderUnusable(folder=boot.folder, reason=err.strerror) from err


def let_qemu_in(socket: Path) -> None:
    """Give the socket to the user QEMU runs as: libvirt does so for images, not for sockets."""
    if os.geteuid() != 0:
        return
    for name in _QEMU_USERS:
        with contextlib.suppress(KeyError):
            os.chown(socket, pwd.getpwnam(name).pw_uid, -1)
            return


def start(host: Host, plan: BootPlan) -> Domain:
    """Its overlays, its definition, its first checkpoint; then it runs."""
    boot = plan.boot
    _make_disks(plan)
    domain = define_domain(host, plan.description)
    domain.start(paused=True)
    if boot.checkpoint:
        create_checkpoint(domain, boot.checkpoint, disks=boot.targets)
    domain.resume()
    return domain


def wait_for_agent(
    domain: Domain, clock: Clock, *, within: float, met: Callable[[], bool] = lambda: False
) -> bool:
    """Whether its agent answered in time; `met` ends the waiting as well."""
    deadline = clock.monotonic() + within
    agent = GuestAgent(domain)
    while not met():
        if _answers(domain, agent):
            return True
        if clock.monotonic() >= deadline:
            return False
        clock.sleep(_POLL)
    return False


def picture_of(domain: Domain) -> tuple[Picture | None, str]:
    """What its screen shows, or why there is nothing to see."""
    try:
        return screenshot(domain), ""
    except HoldfastError as err:
        return None, str(err.fields.get("reason", err))


def _answers(domain: Domain, agent: GuestAgent) -> bool:
    standing = domain.standing()
    if not standing.is_active:
        raise BootStopped(name=domain.name, reason=standing.reason or standing.state.name.lower())
    if not domain.spec().is_agent_connected:
        return False
    try:
        agent.ping()
    except HoldfastError:
        return False
    return True


def _make_disks(plan: BootPlan) -> None:
    boot = plan.boot
    address = UnixAddress(path=boot.socket)
    for target in boot.targets:
        create(
            boot.disk(target),
            plan.sizes[target],
            backing=nbd_uri(address, target),
            backing_format="raw",
        )
    if plan.nvram is not None:
        replace_file(boot.nvram, plan.nvram)
    if plan.tpm is not None:
        # The hypervisor removes it with the machine.
        put_tpm(plan.tpm, TPM_FOLDER / boot.uuid, point=boot.point)
