"""Whatever happens to a replica, in whatever order, each point stays what it was.

REPLICA_WALK_STEPS=2000 REPLICA_WALK_SEED=7 pytest tests/faults/test_replica_walk.py
"""

import os
from pathlib import Path

import pytest

from tests.faults.conftest import Faults
from tests.faults.replica_walk import ReplicaWalk

STEPS = int(os.environ.get("REPLICA_WALK_STEPS", "40"))
SEED = int(os.environ.get("REPLICA_WALK_SEED", "3"))
_TOLD_LAST = 60

pytestmark = [
    pytest.mark.faults,
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(400 + STEPS * 4),
]


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_each_point_stays_what_it_was(seed: int, tmp_path: Path, faults: Faults) -> None:
    walk = ReplicaWalk(tmp_path, seed, faults)

    try:
        walk.go(STEPS)
    except BaseException as err:
        err.add_note(f"seed {seed}, and the last steps:")
        err.add_note("\n".join(walk.told[-_TOLD_LAST:]))
        raise
    print(f"seed {seed}, {STEPS} steps\n{walk.figures()}")  # noqa: T201  shown with -s
