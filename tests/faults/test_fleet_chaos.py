"""A fleet of real processes in chaos: whatever happened, at rest everything is true again."""

import shutil
from pathlib import Path

import pytest

from holdfast.testing.chaos import SECONDS_A_FAULT, run_chaos
from holdfast.testing.postgres import find_programs, running_postgres
from tests.faults.conftest import Faults

pytestmark = [
    pytest.mark.faults,
    pytest.mark.real,
    pytest.mark.interop,
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(shutil.which("restic") is None, reason="no restic on this machine"),
    pytest.mark.skipif(find_programs() is None, reason="no PostgreSQL on this machine"),
]
SECONDS = 60
SEED = 4


def test_after_a_minute_of_chaos_every_invariant_holds(tmp_path: Path, faults: Faults) -> None:
    said: list[str] = []
    with running_postgres() as postgres:
        outcome = run_chaos(tmp_path, postgres, seconds=SECONDS, seed=SEED, say=said.append)

    assert outcome.wrong == [], "\n".join(said)
    # On a machine with much to do a fault takes longer to be made.
    assert sum(outcome.faults.values()) >= SECONDS // (2 * SECONDS_A_FAULT)
    assert outcome.points > 0
    for _fault in range(sum(outcome.faults.values())):
        faults.inject()
        faults.survive()
