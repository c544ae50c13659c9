"""Which of our errors a libvirt error is: by its number, then by the few words that tell more."""

import re
from dataclasses import dataclass
from typing import Final

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor import errors

# Names and numbers as in libvirt's virterror.h.
INTERNAL_ERROR: Final = 1
NO_SUPPORT: Final = 3
NO_CONNECT: Final = 5
INVALID_DOMAIN: Final = 7
INVALID_ARG: Final = 8
OPERATION_FAILED: Final = 9
NO_NAME: Final = 21
XML_ERROR: Final = 27
DOM_EXIST: Final = 28
OPERATION_DENIED: Final = 29
XML_DETAIL: Final = 35
SYSTEM_ERROR: Final = 38
RPC: Final = 39
NO_DOMAIN: Final = 42
AUTH_FAILED: Final = 45
OPERATION_INVALID: Final = 55
CONFIG_UNSUPPORTED: Final = 67
OPERATION_TIMEOUT: Final = 68
ARGUMENT_UNSUPPORTED: Final = 74
AUTH_CANCELLED: Final = 79
BLOCK_COPY_ACTIVE: Final = 83
OPERATION_UNSUPPORTED: Final = 84
AGENT_UNRESPONSIVE: Final = 86
RESOURCE_BUSY: Final = 87
ACCESS_DENIED: Final = 88
XML_INVALID_SCHEMA: Final = 92
AUTH_UNAVAILABLE: Final = 94
AGENT_UNSYNCED: Final = 97
NO_DOMAIN_CHECKPOINT: Final = 103
NO_DOMAIN_BACKUP: Final = 104
CHECKPOINT_INCONSISTENT: Final = 109

# Where an error arose: libvirt's own wire, not the machine.
_FROM_RPC: Final = 7
_FROM_REMOTE: Final = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A libvirt error as a value."""

    number: int
    origin: int = 0
    message: str = ""


def error_of(failure: Failure, *, about: str) -> HoldfastError:
    """Our error for one of libvirt's; `about` is the machine it was asked about."""
    kind = _lost_wire(failure) or _by_words(failure) or _BY_NUMBER.get(failure.number)
    if kind is None:
        kind = errors.HypervisorFailed
    return kind(about=about, uri=about, reason=failure.message, number=failure.number)


def opening_error_of(failure: Failure, *, uri: str) -> HoldfastError:
    """The same for a connection that could not be opened."""
    refused = failure.number in _REFUSALS or "permission denied" in failure.message.lower()
    kind = errors.HostRefused if refused else errors.HostUnreachable
    return kind(uri=uri, reason=failure.message)


def _lost_wire(failure: Failure) -> type[HoldfastError] | None:
    if failure.origin not in (_FROM_RPC, _FROM_REMOTE):
        return None
    if failure.number in (INTERNAL_ERROR, SYSTEM_ERROR, RPC, NO_CONNECT, OPERATION_INVALID):
        return errors.HostLost
    return None


def _by_words(failure: Failure) -> type[HoldfastError] | None:
    for numbers, words, kind in _BY_WORDS:
        if failure.number in numbers and words.search(failure.message):
            return kind
    return None


_REFUSALS = frozenset(
    {AUTH_FAILED, AUTH_CANCELLED, AUTH_UNAVAILABLE, ACCESS_DENIED, OPERATION_DENIED}
)

_GENERAL = frozenset({INTERNAL_ERROR, INVALID_ARG, OPERATION_FAILED, OPERATION_INVALID})
_ANY = _GENERAL | {SYSTEM_ERROR, CONFIG_UNSUPPORTED, OPERATION_UNSUPPORTED, RESOURCE_BUSY}
_ANY |= {ARGUMENT_UNSUPPORTED, AGENT_UNRESPONSIVE}


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# The first that fits; libvirt files half of its errors under two numbers, so words must help.
_BY_WORDS: Final = (
    (_ANY, _words(r"agent is not configured"), errors.AgentChannelMissing),
    (_ANY, _words(r"no disk named|invalid path .* not assigned|disk .* not found"),
     errors.VmDiskMissing),
    (_ANY, _words(r"cannot (delete|undefine) .*with \d+ checkpoints"), errors.VmHasCheckpoints),
    (_ANY, _words(r"domain is not running|inactive domain"), errors.VmNotRunning),
    (_ANY, _words(r"bitmap.*(already exists)|moment .*already exists"), errors.CheckpointExists),
    (_ANY, _words(r"bitmap.*(not found|does ?n.t exist|inconsistent|in-use)"), errors.TrackingLost),
    (_ANY, _words(r"has a block ?job assigned|block job .*active|in use as|already in a? ?block"),
     errors.VmBusy),
    (_ANY, _words(r"no space left|disk quota exceeded"), errors.HypervisorFull),
    (_ANY, _words(r"permission denied|operation not permitted"), errors.HypervisorDenied),
    (_GENERAL, _words(r"not supported|does ?n.t support|cannot store (dirty )?bitmaps"),
     errors.HypervisorIncapable),
)  # fmt: skip

_BY_NUMBER: Final[dict[int, type[HoldfastError]]] = {
    NO_CONNECT: errors.HostLost,
    RPC: errors.HostLost,
    AUTH_FAILED: errors.HostRefused,
    AUTH_CANCELLED: errors.HostRefused,
    AUTH_UNAVAILABLE: errors.HostRefused,
    ACCESS_DENIED: errors.HostRefused,
    OPERATION_DENIED: errors.HostRefused,
    NO_DOMAIN: errors.VmMissing,
    INVALID_DOMAIN: errors.VmMissing,
    DOM_EXIST: errors.VmExists,
    OPERATION_INVALID: errors.VmInWrongState,
    OPERATION_TIMEOUT: errors.VmBusy,
    BLOCK_COPY_ACTIVE: errors.VmBusy,
    RESOURCE_BUSY: errors.VmBusy,
    NO_SUPPORT: errors.HypervisorIncapable,
    CONFIG_UNSUPPORTED: errors.HypervisorIncapable,
    OPERATION_UNSUPPORTED: errors.HypervisorIncapable,
    ARGUMENT_UNSUPPORTED: errors.HypervisorIncapable,
    AGENT_UNRESPONSIVE: errors.AgentSilent,
    AGENT_UNSYNCED: errors.AgentSilent,
    NO_NAME: errors.VmDescriptionBroken,
    XML_ERROR: errors.VmDescriptionBroken,
    XML_DETAIL: errors.VmDescriptionBroken,
    XML_INVALID_SCHEMA: errors.VmDescriptionBroken,
    NO_DOMAIN_CHECKPOINT: errors.CheckpointMissing,
    NO_DOMAIN_BACKUP: errors.NoBackupRunning,
    CHECKPOINT_INCONSISTENT: errors.TrackingLost,
}
