"""Logs that wait too long become fewer: two neighbours are made one, the newest data wins.

Which was begun to be sent stays as it is: it may be at the site already, and what is made of it
and others would not be known there.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from holdfast.replication.log_spool import Waiting
from holdfast.replication.merging import merge
from holdfast.replication.source_job import Kept, known

# A person wants recent points more than many of them.
MOST = 4


class Pair(NamedTuple):
    older: Waiting
    newer: Waiting


def pair_to_merge(logs: Sequence[Waiting], *, attempted: int = 0, most: int = MOST) -> Pair | None:
    """The two neighbours that are the least work, if more wait than should; pure."""
    steps = [log for log in logs if not log.is_slice and log.number > attempted]
    if len(steps) <= most:
        return None
    pairs = (Pair(*each) for each in pairwise(steps))
    return min(pairs, key=lambda pair: pair.older.size + pair.newer.size)


def merge_waiting(job: Kept, *, most: int = MOST) -> list[str]:
    """Returns the generations that have no point of their own any more."""
    gone: list[str] = []
    while True:
        with job.folder.lock:
            sent, walk = known(job)
            logs = job.spool.counted(sent, walk)
            pair = pair_to_merge(logs, attempted=sent.attempted, most=most)
            if pair is None:
                return gone
            # It takes the newer one's name in one step: from then on the older one leads nowhere.
            merge(pair.older.path, pair.newer.path, pair.newer.path)
            job.on_step("merged")
            job.spool.remove([pair.older])
            gone.append(pair.older.head.until)
