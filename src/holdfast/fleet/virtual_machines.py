"""Virtual machines of a host, as assignments and jobs name them."""

from collections.abc import Sequence

# In place of a name: every machine of the host that is protected.
ALL = "*"
MOST = 500
_LONGEST = 200
_MARK = "vm:"
_REPLICATION, _PAUSE = "replication:", "replication-pause:"
_RECOVERY, _TRIAL = "recovery:", "recovery-test:"
_RESTORED = "vm-restore:"


def read_vms(given: Sequence[str], *, may_be_all: bool = True) -> list[str]:
    """Each name once, in the order given; ValueError says which is none."""
    if len(given) > MOST:
        raise ValueError(f"at most {MOST} virtual machines")
    for name in given:
        if not _is_name(name) or (name == ALL and not may_be_all):
            raise ValueError(f"{name[:80]!a} is no name of a virtual machine")
    return list(dict.fromkeys(given))


def source_of_vm(name: str) -> str:
    """What a job about a machine works on."""
    return f"{_MARK}{name}"


def sources_text(paths: Sequence[str], vms: Sequence[str]) -> str:
    """What an assignment is about, on one line."""
    return " ".join((*paths, *map(source_of_vm, vms)))


def is_of_vm(source: str) -> bool:
    return source.startswith(_MARK)


def source_of_replication(name: str, *, pause: bool = False) -> str:
    """What a job about its replication works on; to be paused it need not have come to an end."""
    return f"{_PAUSE if pause else _REPLICATION}{name}"


def is_of_replication(source: str) -> bool:
    return source.startswith((_REPLICATION, _PAUSE))


def source_of_recovery(name: str, *, trial: bool = False) -> str:
    """What a job about its recovery works on; a test goes on beside what is for good."""
    return f"{_TRIAL if trial else _RECOVERY}{name}"


def is_of_recovery(source: str) -> bool:
    return source.startswith((_RECOVERY, _TRIAL))


def source_of_restored(name: str) -> str:
    """What a job works on that makes a machine of this name out of a recovery point."""
    return f"{_RESTORED}{name}"


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _LONGEST and name.isprintable() and "/" not in name
