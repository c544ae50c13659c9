"""The table of what is legal when has no holes, no dead ends, and no advice that is refused."""

import re
import shlex
from datetime import UTC, datetime
from itertools import product

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.cli.main import cli
from holdfast.recovery.policy import (
    AFTER,
    COMMANDS,
    DURING,
    FAILOVERS,
    UNDOABLE,
    Place,
    Standing,
    is_legal,
    legal_acts,
    refusal,
)
from holdfast.recovery.record import Act, ActKind, Stage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BESIDE = {ActKind.TEST, ActKind.CLEAN_UP}
_COMMAND = re.compile(r"`holdfast ([^`]+)`")


def act(kind: ActKind, *, epoch: int = 0) -> Act:
    return Act(id="one", kind=kind, who="ada", begun_at=NOON, epoch=epoch)


acts = st.builds(
    act, st.sampled_from([kind for kind in ActKind if kind not in BESIDE]), epoch=st.integers(0, 2)
)
standings = st.builds(
    Standing,
    about=st.sampled_from(["web", "with space"]),
    place=st.sampled_from(Place),
    stage=st.sampled_from(Stage),
    epoch=st.integers(0, 3),
    is_fenced=st.booleans(),
    under_way=st.none() | acts,
    has_replica=st.booleans(),
    is_home_again=st.booleans(),
)
kinds = st.sampled_from(ActKind)


@given(kinds, standings)
def test_each_act_is_legal_or_refused_with_a_command_that_can_be_typed(
    kind: ActKind, standing: Standing
) -> None:
    error = refusal(kind, standing)

    if error is not None:
        assert _named(error.advice)
        assert "<" not in str(error) + error.advice


@given(standings, acts)
def test_the_same_command_again_always_goes_on(standing: Standing, under_way: Act) -> None:
    standing = _with(standing, under_way)

    assert is_legal(under_way.kind, standing)


@given(standings, acts)
def test_nothing_else_goes_on_beside_an_act_but_its_undo_tests_and_a_disaster(
    standing: Standing, under_way: Act
) -> None:
    allowed = {under_way.kind, ActKind.UNDO, ActKind.UNPLANNED} | BESIDE

    assert legal_acts(_with(standing, under_way)) <= allowed


@given(standings, acts)
def test_a_disaster_takes_over_only_before_the_machine_was_given_away(
    standing: Standing, under_way: Act
) -> None:
    standing = _with(standing, under_way)

    if under_way.epoch and under_way.kind is not ActKind.UNPLANNED:
        assert not is_legal(ActKind.UNPLANNED, standing)


@given(standings)
def test_where_there_is_no_replica_nothing_is_tested_or_failed_over(standing: Standing) -> None:
    standing = _fields(standing, has_replica=False, place=Place.NOTHING, under_way=None)

    assert not legal_acts(standing) & (FAILOVERS | BESIDE)


@given(standings)
def test_a_machine_is_never_failed_over_to_where_it_runs(standing: Standing) -> None:
    standing = _fields(standing, place=Place.PROMOTED, under_way=None)

    assert not legal_acts(standing) & FAILOVERS


@given(standings)
def test_what_is_migrated_has_no_way_back(standing: Standing) -> None:
    standing = _fields(standing, stage=Stage.MIGRATED, under_way=None)

    assert legal_acts(standing) <= BESIDE


@given(standings)
def test_an_undo_is_there_until_the_commit(standing: Standing) -> None:
    standing = _fields(standing, place=Place.PROMOTED, stage=Stage.FAILED_OVER, under_way=None)

    assert {ActKind.UNDO, ActKind.CHANGE_POINT, ActKind.COMMIT} <= legal_acts(standing)
    assert ActKind.UNDO not in legal_acts(_fields(standing, stage=Stage.COMMITTED))


# Where a machine may rest while nothing is done, at the host where the next thing is to be done.
_RESTING = [
    (Place.SITE, Stage.PROTECTED),
    (Place.SITE, Stage.UNDOING),
    (Place.SITE, Stage.PROTECTED_IN_REVERSE),
    (Place.PROMOTED, Stage.FAILED_OVER),
    (Place.PROMOTED, Stage.COMMITTED),
]


@pytest.mark.parametrize(("place", "stage"), _RESTING)
def test_from_wherever_it_rests_there_is_a_way_on(place: Place, stage: Stage) -> None:
    standing = Standing(about="web", place=place, stage=stage, has_replica=True)

    assert legal_acts(standing) - BESIDE


def test_at_home_again_it_is_protected_anew_only_after_the_commit() -> None:
    home = Standing(about="web", place=Place.PROMOTED, stage=Stage.FAILED_OVER, is_home_again=True)

    error = refusal(ActKind.REPROTECT, home)

    assert error is not None
    assert "holdfast commit web" in error.advice


def test_every_act_has_a_command_and_stages() -> None:
    lasting = set(ActKind) - BESIDE

    assert set(COMMANDS) == set(ActKind)
    assert set(AFTER) == lasting
    assert set(DURING) <= lasting
    assert lasting >= UNDOABLE


@pytest.mark.parametrize(("place", "stage"), list(product(Place, Stage)))
def test_every_refusal_names_commands_that_exist(place: Place, stage: Stage) -> None:
    standing = Standing(about="web", place=place, stage=stage, is_fenced=True)

    for kind in ActKind:
        error = refusal(kind, standing)
        for typed in _named(error.advice) if error else ():
            assert _is_known(shlex.split(typed)), typed


@pytest.mark.parametrize("kind", COMMANDS)
def test_the_command_of_each_act_exists(kind: ActKind) -> None:
    typed = COMMANDS[kind].format(about="web").removeprefix("holdfast ")

    assert _is_known(shlex.split(typed))


def _named(advice: str) -> list[str]:
    return _COMMAND.findall(advice)


def _is_known(words: list[str]) -> bool:
    command: click.Command = cli
    while isinstance(command, click.Group) and words:
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            return False
        command, words = found, words[1:]
    options = {name for param in command.get_params(click.Context(command)) for name in param.opts}
    return all(word in options for word in words if word.startswith("--"))


def _with(standing: Standing, under_way: Act) -> Standing:
    return _fields(standing, under_way=under_way)


def _fields(standing: Standing, **changes: object) -> Standing:
    known = {name: getattr(standing, name) for name in Standing.__slots__}
    return Standing(**{**known, **changes})
