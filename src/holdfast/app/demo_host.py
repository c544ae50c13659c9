"""A host with a virtual machine for the demonstration, in a process of its own that ends with us.

The host is the one the tests use: stock libvirt and QEMU in namespaces, unseen from outside.
"""

import contextlib
import importlib.util
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from holdfast.app.wiring import Session
from holdfast.base.programs import administrators_path, last_words, start_service
from holdfast.base.texts import _

_CHILD = "holdfast.testing.demo_host"
# A guest whose processor is emulated, on a machine that has much else to do; and a download.
PATIENCE = 600.0
ENDING = 60.0
_LONGEST = 32
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


class NoHostHere(Exception):
    """No machine can be shown; the message is for people."""


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
    ours, theirs = socket.socketpair()
    # The process ends when we do, however we end: then nobody holds the other end any more.
    with ours, theirs, log.open("wb") as said:
        service = start_service(
            [sys.executable, "-m", _CHILD, str(theirs.fileno())],
            environment=environment(session),
            log=said,
            inherits=theirs.fileno(),
        )
        theirs.close()
        told = HostTold()
        try:
            told = _told(ours, log)
            yield told
        finally:
            service.end(patience=ENDING)
            if told.folder:
                shutil.rmtree(told.folder, ignore_errors=True)


def environment(session: Session) -> dict[str, str]:
    harmless = dict(session.settings.harmless)
    # In the host's folder are sockets, whose paths must be short.
    if len(harmless.get("TMPDIR", "")) > _LONGEST:
        harmless["TMPDIR"] = "/tmp"  # noqa: S108  a folder of its own is made in there
    return {**harmless, "PATH": administrators_path(harmless)}


def _told(ours: socket.socket, log: Path) -> HostTold:
    ours.settimeout(PATIENCE)
    with ours.makefile("rb") as lines:
        line = lines.readline()
    told = msgspec.json.decode(line, type=HostTold) if line.endswith(b"\n") else None
    reason = told.missing if told else last_words(log.read_bytes())
    if told is None or reason:
        sentence = _("no virtual machine was shown: {reason}")
        raise NoHostHere(sentence.format(reason=reason))
    return told
