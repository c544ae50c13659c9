"""What happens to machines, as it happens.

libvirt calls from the one event thread of the process; a call only puts a value on the queue of
whoever subscribed, so no subscriber can hold up another.
"""

import contextlib
import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as value
from enum import Enum
from typing import Any, Self

from holdfast.hypervisor.binding import load, translated
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain


class EventKind(Enum):
    LIFECYCLE = "lifecycle"
    IO_ERROR = "io_error"
    AGENT = "agent"
    BLOCK_JOB = "block_job"
    JOB_COMPLETED = "job_completed"
    BLOCK_THRESHOLD = "block_threshold"
    DEVICE_ADDED = "device_added"
    DEVICE_REMOVED = "device_removed"
    # The connection is gone: what happened since is unknown, so look, and subscribe anew.
    HOST_LOST = "host_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`word` is what happened (started, paused, enospc, connected, …); `about` the disk or device."""

    kind: EventKind
    machine: str = ""
    uuid: str = ""
    word: str = ""
    about: str = ""
    numbers: Mapping[str, int] = value(default_factory=dict)


_LIFECYCLE = (
    "defined", "undefined", "started", "suspended", "resumed", "stopped", "shutdown",
    "pmsuspended", "crashed",
)  # fmt: skip
_AGENT = ("unknown", "connected", "disconnected")
_JOB = ("completed", "failed", "canceled", "ready")

_Reader = Callable[..., tuple[str, str, dict[str, int]]]


def _word(words: tuple[str, ...], number: int) -> str:
    return words[number] if 0 <= number < len(words) else str(number)


def _lifecycle(event: int, detail: int) -> tuple[str, str, dict[str, int]]:
    return _word(_LIFECYCLE, event), "", {"detail": detail}


def _io_error(path: str, device: str, action: int, reason: str) -> tuple[str, str, dict[str, int]]:
    return reason or "other", device or path, {"action": action}


def _agent(state: int, reason: int) -> tuple[str, str, dict[str, int]]:
    return _word(_AGENT, state), "", {"reason": reason}


def _block_job(disk: str, kind: int, status: int) -> tuple[str, str, dict[str, int]]:
    return _word(_JOB, status), disk, {"kind": kind}


def _job_completed(found: Mapping[str, Any]) -> tuple[str, str, dict[str, int]]:
    return "", "", {name: number for name, number in found.items() if isinstance(number, int)}


def _threshold(
    device: str, path: str, threshold: int, excess: int
) -> tuple[str, str, dict[str, int]]:
    return "", device or path, {"threshold": threshold, "excess": excess}


def _device(alias: str) -> tuple[str, str, dict[str, int]]:
    return "", alias, {}


# Libvirt's name of the event, and who reads what it tells.
_SOURCES: Mapping[EventKind, tuple[str, _Reader]] = {
    EventKind.LIFECYCLE: ("LIFECYCLE", _lifecycle),
    EventKind.IO_ERROR: ("IO_ERROR_REASON", _io_error),
    EventKind.AGENT: ("AGENT_LIFECYCLE", _agent),
    EventKind.BLOCK_JOB: ("BLOCK_JOB_2", _block_job),
    EventKind.JOB_COMPLETED: ("JOB_COMPLETED", _job_completed),
    EventKind.BLOCK_THRESHOLD: ("BLOCK_THRESHOLD", _threshold),
    EventKind.DEVICE_ADDED: ("DEVICE_ADDED", _device),
    EventKind.DEVICE_REMOVED: ("DEVICE_REMOVED", _device),
}


class Subscription:
    """Events of a host, or of one machine of it, from the moment it exists until it is closed."""

    def __init__(self, host: Host, kinds: frozenset[EventKind], domain: Domain | None) -> None:
        self._host = host
        # None is for who waits and need not any longer.
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._registered: list[int] = []
        self._connection = host.connection
        host.watch_loss(self._lost)
        try:
            self._register_all(kinds, domain)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def next(self, *, within: float) -> Event | None:
        """The next event; None if none came in so many seconds, or before `interrupt`."""
        try:
            return self._events.get(timeout=within)
        except queue.Empty:
            return None

    def interrupt(self) -> None:
        """Let a thread that waits for the next event go on without one."""
        self._events.put(None)

    def close(self) -> None:
        self._host.unwatch_loss(self._lost)
        # A connection that is gone took its registrations along.
        with contextlib.suppress(load().libvirtError):
            for number in self._registered:
                self._connection.domainEventDeregisterAny(number)
        self._registered.clear()

    def _register_all(self, kinds: frozenset[EventKind], domain: Domain | None) -> None:
        about = self._host.uri if domain is None else domain.name
        with translated(about):
            handle = None if domain is None else self._connection.lookupByUUIDString(domain.uuid)
            for kind in kinds & _SOURCES.keys():
                self._register(kind, handle)

    def _register(self, kind: EventKind, handle: Any) -> None:
        source, read = _SOURCES[kind]
        number = getattr(load(), f"VIR_DOMAIN_EVENT_ID_{source}")

        def come(_connection: Any, domain: Any, *told: Any) -> None:
            # The last is the opaque value given at the registration.
            word, about, numbers = read(*told[:-1])
            machine, uuid = domain.name(), domain.UUIDString()
            event = Event(
                kind=kind, machine=machine, uuid=uuid, word=word, about=about, numbers=numbers
            )
            self._events.put(event)

        self._registered.append(self._connection.domainEventRegisterAny(handle, number, come, None))

    def _lost(self) -> None:
        self._events.put(Event(kind=EventKind.HOST_LOST))


def subscribe(host: Host, *kinds: EventKind, domain: Domain | None = None) -> Subscription:
    """Whoever looks at a state and then waits for a change of it subscribes before looking."""
    return Subscription(host, frozenset(kinds), domain)
