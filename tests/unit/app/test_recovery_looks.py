"""Which act the doctor looks at for a machine: what a person would do with it next."""

import pytest

from holdfast.app.recovery_looks import next_act
from holdfast.recovery.policy import Place, Standing
from holdfast.recovery.record import Act, ActKind, Stage
from tests.unit.replication.observing import NOON


def standing(place: Place, stage: Stage, under_way: ActKind | None = None) -> Standing:
    act = Act(id="a1", kind=under_way, who="me", begun_at=NOON) if under_way else None
    return Standing(about="web", place=place, stage=stage, under_way=act)


@pytest.mark.parametrize(
    ("place", "stage", "act"),
    [
        (Place.SITE, Stage.PROTECTED, ActKind.UNPLANNED),
        (Place.SITE, Stage.PROTECTED_IN_REVERSE, ActKind.FAILBACK),
        (Place.HOME, Stage.PROTECTED_IN_REVERSE, ActKind.FAILBACK),
        (Place.PROMOTED, Stage.FAILED_OVER, ActKind.REPROTECT),
        (Place.PROMOTED, Stage.COMMITTED, ActKind.REPROTECT),
        (Place.PROMOTED, Stage.PROTECTED_IN_REVERSE, None),
        (Place.PROMOTED, Stage.MIGRATED, None),
        (Place.HOME, Stage.PROTECTED, None),
    ],
)
def test_it_is_the_next_one_at_this_host(place: Place, stage: Stage, act: ActKind | None) -> None:
    assert next_act(standing(place, stage)) is act


def test_what_was_begun_is_looked_at_first() -> None:
    begun = standing(Place.SITE, Stage.FAILING_OVER, ActKind.PLANNED)

    assert next_act(begun) is ActKind.PLANNED


def test_an_undo_needs_nothing_of_the_host() -> None:
    assert next_act(standing(Place.PROMOTED, Stage.UNDOING, ActKind.UNDO)) is None
