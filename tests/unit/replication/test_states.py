import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.replication.states import (
    HALTED,
    STATES,
    Event,
    ReplicationStateForbids,
    Standing,
    after,
    is_legal,
)
from holdfast.replication.status import State

_STANDINGS = st.builds(
    Standing,
    state=st.sampled_from(State),
    halted=st.sampled_from([state for state in State if state not in HALTED]),
)


def _walked(*events: Event) -> State:
    standing = Standing()
    for event in events:
        standing = after(standing, event)
    return standing.state


def test_a_replication_is_enabled_copied_paused_and_ended() -> None:
    begun = (Event.ENABLED, Event.COPY_WAITS, Event.COPY_BEGAN, Event.COPY_DONE)

    assert _walked(*begun) is State.REPLICATING
    assert _walked(*begun, Event.PAUSED) is State.PAUSED
    assert _walked(*begun, Event.PAUSED, Event.RESUMED) is State.REPLICATING
    assert _walked(*begun, Event.DISABLED) is State.OFF


def test_a_pause_in_the_first_copy_leads_back_to_it() -> None:
    assert (
        _walked(Event.ENABLED, Event.COPY_BEGAN, Event.PAUSED, Event.RESUMED) is State.INITIAL_COPY
    )


def test_what_was_suspended_and_then_paused_leads_back_to_where_it_was() -> None:
    standing = Standing(state=State.RESYNCHRONIZING)

    for event in (Event.GAVE_UP, Event.PAUSED, Event.RESUMED):
        standing = after(standing, event)

    assert standing.state is State.RESYNCHRONIZING


def test_a_comparison_that_became_necessary_in_a_halt_comes_after_it() -> None:
    paused = after(Standing(state=State.REPLICATING), Event.PAUSED)

    noted = after(paused, Event.RESYNC_NEEDED)

    assert noted.state is State.PAUSED
    assert after(noted, Event.RESUMED).state is State.RESYNC_REQUIRED


def test_a_halted_first_copy_stays_a_first_copy_whatever_is_lost() -> None:
    paused = after(Standing(state=State.INITIAL_COPY), Event.PAUSED)

    assert after(after(paused, Event.RESYNC_NEEDED), Event.RESUMED).state is State.INITIAL_COPY


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (State.OFF, Event.PAUSED),
        (State.OFF, Event.DISABLED),
        (State.REPLICATING, Event.RESUMED),
        (State.REPLICATING, Event.ENABLED),
        (State.PAUSED, Event.PAUSED),
        (State.FAILED_OVER, Event.PAUSED),
        (State.READY_FOR_INITIAL_COPY, Event.FAILOVER_BEGAN),
    ],
)
def test_what_cannot_be_is_refused_in_words(state: State, event: Event) -> None:
    with pytest.raises(ReplicationStateForbids) as refused:
        after(Standing(state=state), event)

    assert STATES[state] in str(refused.value)


@given(standing=_STANDINGS, event=st.sampled_from(Event))
def test_what_is_legal_leads_somewhere_and_the_rest_is_an_error(
    standing: Standing, event: Event
) -> None:
    if is_legal(standing, event):
        assert after(standing, event).state in State
    else:
        with pytest.raises(ReplicationStateForbids):
            after(standing, event)


@given(standing=_STANDINGS, events=st.lists(st.sampled_from(Event), max_size=30))
def test_whatever_happens_it_can_be_switched_off_and_a_halt_ends_at_work(
    standing: Standing, events: list[Event]
) -> None:
    for event in events:
        if is_legal(standing, event):
            standing = after(standing, event)

    assert standing.halted not in HALTED
    if standing.state is not State.OFF:
        assert after(standing, Event.DISABLED).state is State.OFF


def test_every_state_has_a_word() -> None:
    assert STATES.keys() == set(State)
