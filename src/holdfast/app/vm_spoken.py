"""Which virtual machines were spoken of on this host; cheap, for most hosts have none."""

import os
from collections import deque
from collections.abc import Iterator

from holdfast.app.job_records import records

_FOLDER = "vms"
_LAST_JOBS = 50
_OF_HOSTS = frozenset(("libvirt-missing", "host-unreachable", "host-refused", "host-lost"))


def has_vms(home: str) -> bool:
    """Whether one is protected, was worked on, or was what a job failed with."""
    return os.path.isdir(os.path.join(home, _FOLDER)) or any(True for _ in spoken_of(home))


def spoken_of(home: str) -> Iterator[str]:
    """By jobs that failed; "" for a host that one of them did not reach."""
    for record in deque(records(home), _LAST_JOBS):
        fields = record.get("fields")
        if record.get("error") in _OF_HOSTS:
            yield ""
        elif record.get("error") and isinstance(fields, dict) and "about" in fields:
            yield str(fields["about"])
