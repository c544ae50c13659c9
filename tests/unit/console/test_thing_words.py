"""What things are called: every state that there is has a word."""

from datetime import UTC, datetime

from holdfast.app.control.safety import Safety, Why
from holdfast.catalog.points import CLASSES
from holdfast.console.thing_words import (
    CONSISTENCY,
    HEALTH,
    SAFETY,
    WHY,
    proven_text,
    reasons,
    tone,
    wished,
    word,
)
from holdfast.machines.points import Consistency


def test_every_verdict_and_every_reason_has_words() -> None:
    assert set(SAFETY) == {one.value for one in Safety}
    assert set(WHY) == {one.value for one in Why}


def test_every_class_of_a_point_has_a_word() -> None:
    assert set(CONSISTENCY) == {one.value for one in Consistency} == set(CLASSES)


def test_what_is_not_known_is_shown_as_it_is() -> None:
    assert (word(HEALTH, "new-one"), tone(HEALTH, "new-one")) == ("new-one", "idle")
    assert (word(HEALTH, None), tone(HEALTH, None)) == ("-", None)
    assert reasons(["silent", "new-one"]) == "its agent is silent; new-one"


def test_a_query_wishes_for_nothing_or_for_what_the_list_offers() -> None:
    assert wished(HEALTH, "") == ""
    assert wished(HEALTH, "silent") == word(HEALTH, "silent")


def test_what_was_never_shown_to_come_back_was_not_yet() -> None:
    assert proven_text(None, datetime(2026, 3, 1, tzinfo=UTC)) == "not yet"
