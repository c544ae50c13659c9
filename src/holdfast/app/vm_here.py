"""Whether a host has virtual machines to tell of, found without asking anybody."""

import importlib.util
import os

from holdfast.app.vm_spoken import has_vms

_OF_THIS_HOST = "qemu:///system"
_SOCKETS = ("/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock")


def may_have_vms(home: str, libvirt: str) -> bool:
    """False for the many hosts that run none: nothing is started there to look for them."""
    if importlib.util.find_spec("libvirt") is None:
        return False
    if has_vms(home) or libvirt != _OF_THIS_HOST:
        return True
    return any(map(os.path.exists, _SOCKETS))
