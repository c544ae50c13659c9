"""Where a machine lives now: on its own host, on another one that is known, or nobody knows."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.barred import FENCED, is_barred
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, find_by_uuid
from holdfast.hypervisor.errors import VmMissing
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.source_errors import HostNotRegistered, SourceNotThere

_MOVED = "migrated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    domain: Domain
    uri: str


class Finder:
    """Keeps connections; to be used from any thread."""

    def __init__(self, connect: Callable[[str], Host], *, here: str) -> None:
        self._connect = connect
        self._here = here
        self._hosts: dict[str, Host] = {}
        self._lock = threading.Lock()

    def find(self, settings: ReplicationSettings, others: Callable[[], Iterator[str]]) -> Found:
        """Where it is, or where it was moved to; HostNotRegistered if no known host has it."""
        home = settings.hypervisor or self._here
        found = self._at(home, settings.vm)
        if found is not None and not _has_left(found):
            return Found(domain=found, uri=home)
        for uri in others():
            if uri == home:
                continue
            # One that does not answer may have it, and then it says so later.
            with contextlib.suppress(HoldfastError):
                there = self._at(uri, settings.vm)
                if there is not None and not _has_left(there):
                    return Found(domain=there, uri=uri)
        if found is not None:
            raise HostNotRegistered(about=settings.name)
        raise SourceNotThere(about=settings.name, reason="libvirt does not know it")

    def close(self) -> None:
        for host in self._hosts.values():
            host.close()
        self._hosts.clear()

    def _at(self, uri: str, uuid: str) -> Domain | None:
        with self._lock:
            host = self._hosts.get(uri)
            if host is None:
                host = self._hosts[uri] = self._connect(uri)
        try:
            return find_by_uuid(host, uuid)
        except VmMissing:
            return None


def _has_left(domain: Domain) -> bool:
    """Its definition stayed, and it runs elsewhere with these disks.

    One that is barred was handed over by us, and what is left of it is here.
    """
    standing = domain.standing()
    if standing.is_active or standing.reason != _MOVED:
        return False
    return not is_barred(domain.xml(inactive=True), mark=FENCED)
