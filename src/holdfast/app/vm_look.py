"""Look at the machines of a host: what the planner's sheet and the doctor are told of each."""

import contextlib
import os
from pathlib import Path

from holdfast.base.errors import HoldfastError
from holdfast.disks.image_facts import Image
from holdfast.disks.images import inspect
from holdfast.hypervisor.checkpoint_xml import is_ours
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.connection import is_here
from holdfast.hypervisor.domain_disks import disk_size
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec
from holdfast.hypervisor.states import State
from holdfast.machines.preflight import AgentSeen, DiskSeen, MachineSeen

_AGENT_SECONDS = 5.0
_OF_FILES = ("file", "block")


def look_at(domain: Domain, *, ask_agent: bool = True) -> MachineSeen:
    """Reads only; what cannot be looked at is told as such, and is no error."""
    spec, standing = domain.spec(), domain.standing()
    runs = standing.state in (State.RUNNING, State.BLOCKED)
    return MachineSeen(
        spec=spec,
        standing=standing,
        is_persistent=domain.is_persistent(),
        disks={one.target: _disk(domain, one, is_live=standing.is_active) for one in spec.disks},
        agent=ask(domain, spec) if runs and ask_agent else None,
        foreign_checkpoints=_foreign(domain),
    )


def ask(domain: Domain, spec: DomainSpec) -> AgentSeen:
    """What the guest agent says of itself; where nobody is connected nobody is waited for."""
    if not spec.has_agent_channel:
        return AgentSeen(error="guest-agent-channel-missing")
    if spec.is_agent_connected is False:
        return AgentSeen(error="guest-agent-absent")
    agent = GuestAgent(domain)
    try:
        info = agent.info(within=_AGENT_SECONDS)
        frozen = "guest-fsfreeze-status" in info.commands and agent.is_frozen(within=_AGENT_SECONDS)
    except HoldfastError as err:
        return AgentSeen(error=err.code)
    return AgentSeen(answers=True, version=info.version, commands=info.commands, is_frozen=frozen)


def answers(domain: Domain) -> bool:
    """Whether the guest agent is there and well, found as cheaply as can be."""
    if not domain.spec().is_agent_connected:
        return False
    try:
        GuestAgent(domain).ping(within=1.0)
    except HoldfastError:
        return False
    return True


def _disk(domain: Domain, disk: DiskSpec, *, is_live: bool) -> DiskSeen:
    if not disk.is_data:
        return DiskSeen()
    size, unseen = _size(domain, disk)
    if disk.kind not in _OF_FILES or disk.source is None or not is_here(domain.host.uri):
        return DiskSeen(size=size, unseen=unseen)
    if not os.path.exists(disk.source):
        return DiskSeen(size=size, is_missing=True)
    image, reason = _image(disk, is_live=is_live)
    return DiskSeen(
        size=size or (image.virtual_size if image else None),
        image=image,
        unseen=reason,
        may_write=_may_write(disk.source),
    )


def _size(domain: Domain, disk: DiskSpec) -> tuple[int | None, str]:
    try:
        return disk_size(domain, disk.target).capacity, ""
    except HoldfastError as err:
        return None, str(err.fields.get("reason", err))


def _image(disk: DiskSpec, *, is_live: bool) -> tuple[Image | None, str]:
    assert disk.source is not None
    try:
        return inspect(Path(disk.source), format_=disk.format, is_live=is_live), ""
    except HoldfastError as err:
        return None, str(err.fields.get("reason", err))


def _may_write(path: str) -> bool:
    """Both the image and its folder, where a new one would be put beside it."""
    folder = os.path.dirname(os.path.realpath(path))
    try:
        is_fixed = bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        return False
    return not is_fixed and os.access(path, os.W_OK) and os.access(folder, os.W_OK)


def _foreign(domain: Domain) -> int:
    with contextlib.suppress(HoldfastError):
        return sum(not is_ours(one.name) for one in list_checkpoints(domain))
    return 0
