"""Reasons of a replication's health, in the words that people read."""

from datetime import UTC, datetime

from holdfast.base.texts import speaking
from holdfast.replication.health_texts import sentence
from holdfast.replication.status import Health, Reason

BEHIND = Reason(
    code="rpo-high",
    health=Health.CRITICAL,
    since=datetime(2026, 1, 1, tzinfo=UTC),
    figures={"rpo_seconds": "5400"},
)


def test_a_time_is_told_in_words_and_not_as_on_a_clock() -> None:
    assert sentence(BEHIND) == "A failover now would lose 1 h 30 min of work"


def test_it_is_told_in_the_language_of_who_asks() -> None:
    with speaking("ko"):
        assert "1시간 30분" in sentence(BEHIND)
