"""What things are called: every state that there is has a word."""

from holdfast.app.control.safety import Safety, Why
from holdfast.catalog.points import CLASSES
from holdfast.console.thing_words import CONSISTENCY, HEALTH, SAFETY, WHY, reasons, tone, word
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
