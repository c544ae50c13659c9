"""Who works on a vault: what lands in keys, locks and snapshots."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    username: str
    hostname: str
    uid: int
    gid: int
    pid: int
