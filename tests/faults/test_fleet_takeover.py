"""Two whole servers on one PostgreSQL: one dies, the database goes away, and the work is done."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.testing.chaos_fleet import ChaosFleet
from holdfast.testing.postgres import Postgres

pytestmark = [
    pytest.mark.faults,
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]
PATIENCE = 90.0


@pytest.fixture
def fleet(tmp_path: Path, postgres: Postgres) -> Iterator[ChaosFleet]:
    fleet = ChaosFleet(tmp_path, postgres)
    try:
        fleet.start()
        yield fleet
    finally:
        fleet.close()


def _comes_to(fleet: ChaosFleet, job_id: str, state: str) -> None:
    end = time.monotonic() + PATIENCE
    seen = None
    while True:
        answer = fleet.person.ask("GET", f"/jobs/{job_id}")
        if answer and answer.is_success:
            seen = answer.json()
            if seen["job"]["state"] == state:
                return
        assert time.monotonic() < end, seen
        time.sleep(0.2)


def test_orders_outlive_the_server_that_took_them_and_a_pause_of_the_database(
    fleet: ChaosFleet,
) -> None:
    away, here, _third = fleet.machines
    first, second = fleet.servers
    away.end(signal.SIGTERM)
    expiring = fleet.person.post(
        f"/machines/{away.id}/jobs", {"kind": "check", "wait_hours": 10 / 3600}
    )
    scrub = fleet.person.post(f"/machines/{here.id}/jobs", {"kind": "scrub"})
    backup = fleet.person.post(
        f"/machines/{here.id}/jobs",
        {"kind": "backup", "arguments": {"paths": [str(here.source("kept"))]}},
    )

    # `post` asks the first server first, so all three are its own.
    first.kill()
    fleet.postgres.stop(number=signal.SIGQUIT)
    fleet.postgres.start()

    _comes_to(fleet, expiring["id"], "failed")
    _comes_to(fleet, scrub["id"], "done")
    _comes_to(fleet, backup["id"], "done")
    assert second.is_running
    failed = fleet.person.get(f"/jobs/{expiring['id']}")
    assert failed["error"]["code"] == "machine-stayed-away"


def test_server_told_to_stop_while_the_database_is_away_ends(fleet: ChaosFleet) -> None:
    for server in fleet.servers:
        # After a crash it looks after everything at once, so that something is under way.
        server.kill()
        server.start()
    fleet.postgres.stop(number=signal.SIGQUIT)
    try:
        # Who waits for the database for ever is found out there.
        statuses = [server.stop() for server in fleet.servers]
    finally:
        fleet.postgres.start()

    assert statuses == [0, 0]
