"""Which of the replicas that were removed a name or a UUID means."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.app.replication_kept import of_machine
from holdfast.recovery.act_errors import NameOfSeveral
from holdfast.replication.replica_errors import ReplicaNotAway
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.replicas_away import Away

NOW = datetime(2026, 5, 4, tzinfo=UTC)


def away(vm: str, name: str, number: int = 0) -> Away:
    facts = ReplicaFacts(vm=vm, name=name, source="host-1")
    return Away(path=Path(f".away-{vm}-{number}"), vm=vm, until=NOW, facts=facts)


TWICE = [away("uuid-1", "web", 1), away("uuid-1", "web", 2)]
OTHER = away("uuid-2", "web")


def test_all_of_one_machine_by_its_name_or_its_uuid() -> None:
    assert of_machine(TWICE, "web") == TWICE
    assert of_machine([*TWICE, OTHER], "uuid-1") == TWICE


def test_a_name_that_two_machines_have_had_is_none_of_them() -> None:
    with pytest.raises(NameOfSeveral) as caught:
        of_machine([*TWICE, OTHER], "web")

    assert "uuid-1, uuid-2" in str(caught.value)


def test_what_is_not_kept_is_said() -> None:
    with pytest.raises(ReplicaNotAway):
        of_machine(TWICE, "mail")
