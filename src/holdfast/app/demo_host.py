"""A host with a virtual machine for the demonstration, in a process of its own that ends with us.

The host is the one the tests use: stock libvirt and QEMU in namespaces, unseen from outside.
"""

import contextlib
import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from holdfast.app.demo_child import NoHostHere, demo_child
from holdfast.app.wiring import Session
from holdfast.base.programs import administrators_path
from holdfast.base.texts import _

_CHILD = "holdfast.testing.demo_host"
_PACKAGES = {
    "libvirtd": "libvirt-daemon-system",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "qemu-ga": "qemu-guest-agent",
    "mke2fs": "e2fsprogs",
    "unshare": "util-linux",
    "ip": "iproute2",
}


class HostTold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the process says once, as a line of JSON: a host with its machine, or why there is none."""

    uri: str = ""
    folder: str = ""
    name: str = ""
    uuid: str = ""
    missing: str = ""


def require_host_tools(session: Session) -> None:
    """So that nobody waits for what cannot come."""
    if os.geteuid():
        raise NoHostHere(_("no virtual machine was shown: only root can make a host for it"))
    path = administrators_path(session.settings.harmless)
    missing = [name for tool, name in _PACKAGES.items() if not shutil.which(tool, path=path)]
    remedies = [f"`apt-get install {' '.join(missing)}`"] if missing else []
    if importlib.util.find_spec("libvirt") is None:
        remedies.append("`pip install 'holdfast[machines]'`")
    if remedies:
        sentence = _("no virtual machine was shown; what that needs is installed by {remedies}")
        raise NoHostHere(sentence.format(remedies=", ".join(remedies)))


@contextlib.contextmanager
def demo_host(session: Session, log: Path) -> Iterator[HostTold]:
    """Its machine runs and its agent answers; all of it is gone afterwards, also after Ctrl-C."""
    with demo_child(session, _CHILD, log) as child:
        told = child.first(HostTold, sentence=_("no virtual machine was shown: {reason}"))
        child.folders.append(told.folder)
        yield told
