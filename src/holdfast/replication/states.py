"""What a replication can be in, and what leads from one state to another.

A halt (paused, suspended, host not registered) remembers where it came from, and the end of it
leads back there; a comparison that has become necessary meanwhile comes first.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_, _
from holdfast.replication.status import State


class Event(StrEnum):
    ENABLED = "enabled"
    # The first copy waits: for its turn, its seed or its window.
    COPY_WAITS = "copy-waits"
    COPY_BEGAN = "copy-began"
    COPY_DONE = "copy-done"
    PAUSED = "paused"
    RESUMED = "resumed"
    RESYNC_NEEDED = "resync-needed"
    RESYNC_BEGAN = "resync-began"
    RESYNC_DONE = "resync-done"
    # A failure that no waiting mends.
    GAVE_UP = "gave-up"
    HOST_GONE = "host-gone"
    HOST_FOUND = "host-found"
    # The machine is off, and the other site has all of it.
    ALL_SHIPPED = "all-shipped"
    # It runs again, and writes.
    WENT_ON = "went-on"
    FAILOVER_BEGAN = "failover-began"
    FAILOVER_UNDONE = "failover-undone"
    FAILOVER_DONE = "failover-done"
    DISABLED = "disabled"


STATES: Final[Mapping[State, str]] = {
    State.OFF: N_("off"),
    State.READY_FOR_INITIAL_COPY: N_("ready for the first copy"),
    State.WAITING_FOR_INITIAL_COPY: N_("waiting for the first copy"),
    State.INITIAL_COPY: N_("first copy"),
    State.REPLICATING: N_("replicating"),
    State.SYNCED: N_("in step, machine off"),
    State.FAILOVER_WAITING: N_("failover waits to be completed"),
    State.FAILED_OVER: N_("failed over"),
    State.SUSPENDED: N_("suspended"),
    State.PAUSED: N_("paused"),
    State.RESYNC_REQUIRED: N_("resync required"),
    State.RESYNCHRONIZING: N_("resynchronizing"),
    State.HOST_NOT_REGISTERED: N_("host not registered"),
}
_EVENTS: Final[Mapping[Event, str]] = {
    Event.ENABLED: N_("enable"),
    Event.COPY_WAITS: N_("wait for the first copy"),
    Event.COPY_BEGAN: N_("begin the first copy"),
    Event.COPY_DONE: N_("end the first copy"),
    Event.PAUSED: N_("pause"),
    Event.RESUMED: N_("resume"),
    Event.RESYNC_NEEDED: N_("ask for a resync"),
    Event.RESYNC_BEGAN: N_("begin a resync"),
    Event.RESYNC_DONE: N_("end a resync"),
    Event.GAVE_UP: N_("give up"),
    Event.HOST_GONE: N_("miss the host"),
    Event.HOST_FOUND: N_("find the host"),
    Event.ALL_SHIPPED: N_("be in step"),
    Event.WENT_ON: N_("go on"),
    Event.FAILOVER_BEGAN: N_("begin a failover"),
    Event.FAILOVER_UNDONE: N_("undo a failover"),
    Event.FAILOVER_DONE: N_("complete a failover"),
    Event.DISABLED: N_("disable"),
}


class ReplicationStateForbids(HoldfastError):
    code = "replication-state-forbids"
    sentence = N_("The replication cannot {wanted}: it is in the state '{state}'")
    remedy = N_(
        "`holdfast replication status` shows the state and what leads out of it; "
        "nothing was changed."
    )
    exit_status = Exit.USAGE


_S, _E = State, Event
_FIRST = (_S.READY_FOR_INITIAL_COPY, _S.WAITING_FOR_INITIAL_COPY, _S.INITIAL_COPY)
_GOING = (_S.REPLICATING, _S.SYNCED, _S.RESYNC_REQUIRED, _S.RESYNCHRONIZING)
# What halts it comes from anywhere, and goes back to where it came from.
HALTED: Final = frozenset({_S.PAUSED, _S.SUSPENDED, _S.HOST_NOT_REGISTERED})
_WORKING = (*_FIRST, *_GOING)

_MOVES: Final[Mapping[tuple[State, Event], State]] = {
    (_S.OFF, _E.ENABLED): _S.READY_FOR_INITIAL_COPY,
    (_S.READY_FOR_INITIAL_COPY, _E.COPY_WAITS): _S.WAITING_FOR_INITIAL_COPY,
    (_S.INITIAL_COPY, _E.COPY_WAITS): _S.WAITING_FOR_INITIAL_COPY,
    **{(state, _E.COPY_BEGAN): _S.INITIAL_COPY for state in _FIRST},
    (_S.INITIAL_COPY, _E.COPY_DONE): _S.REPLICATING,
    **{(state, _E.RESYNC_NEEDED): _S.RESYNC_REQUIRED for state in _GOING},
    (_S.RESYNC_REQUIRED, _E.RESYNC_BEGAN): _S.RESYNCHRONIZING,
    # What is found to be less than was feared needs no comparison.
    (_S.RESYNC_REQUIRED, _E.RESYNC_DONE): _S.REPLICATING,
    (_S.RESYNCHRONIZING, _E.RESYNC_DONE): _S.REPLICATING,
    (_S.REPLICATING, _E.ALL_SHIPPED): _S.SYNCED,
    (_S.SYNCED, _E.ALL_SHIPPED): _S.SYNCED,
    (_S.SYNCED, _E.WENT_ON): _S.REPLICATING,
    # Nobody asks the source when it is gone.
    **{(state, _E.FAILOVER_BEGAN): _S.FAILOVER_WAITING for state in (*_GOING, *HALTED)},
    (_S.FAILOVER_WAITING, _E.FAILOVER_UNDONE): _S.REPLICATING,
    (_S.FAILOVER_WAITING, _E.FAILOVER_DONE): _S.FAILED_OVER,
    # Nothing came of it over there, or all of it was given up.
    (_S.FAILED_OVER, _E.FAILOVER_UNDONE): _S.REPLICATING,
    # The way back: what is written over there is compared with what is here.
    (_S.FAILED_OVER, _E.RESYNC_NEEDED): _S.RESYNC_REQUIRED,
    **{(state, _E.PAUSED): _S.PAUSED for state in _WORKING},
    (_S.SUSPENDED, _E.PAUSED): _S.PAUSED,
    **{(state, _E.GAVE_UP): _S.SUSPENDED for state in _WORKING},
    **{(state, _E.HOST_GONE): _S.HOST_NOT_REGISTERED for state in (*_WORKING, *HALTED)},
    **{(state, _E.DISABLED): _S.OFF for state in _S if state is not _S.OFF},
}
# What ends which halt; it is left for the state that was halted.
_BACK: Final[frozenset[tuple[State, Event]]] = frozenset(
    {
        (_S.PAUSED, _E.RESUMED),
        (_S.SUSPENDED, _E.RESUMED),
        (_S.HOST_NOT_REGISTERED, _E.HOST_FOUND),
    }
)
# To be told that it is so once more changes nothing.
_SAME: Final[frozenset[tuple[State, Event]]] = frozenset(
    {
        (_S.WAITING_FOR_INITIAL_COPY, _E.COPY_WAITS),
        (_S.REPLICATING, _E.WENT_ON),
        (_S.RESYNCHRONIZING, _E.RESYNC_BEGAN),
        (_S.SUSPENDED, _E.GAVE_UP),
    }
)


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A state; of one that is halted, `halted` is where it goes on."""

    state: State = State.OFF
    halted: State = State.REPLICATING


def is_legal(standing: Standing, event: Event) -> bool:
    found = (standing.state, event)
    return found in _MOVES or found in _BACK or found in _SAME or _is_noted(*found)


def after(standing: Standing, event: Event) -> Standing:
    """Where this event leads; one that cannot be is an error, and nothing has changed."""
    state = standing.state
    if _is_noted(state, event):
        # A first copy that is lost begins again as what it is.
        is_first = standing.halted in _FIRST
        return standing if is_first else Standing(state=state, halted=State.RESYNC_REQUIRED)
    if (state, event) in _BACK:
        return Standing(state=standing.halted)
    if (state, event) in _SAME:
        return standing
    to = _MOVES.get((state, event))
    if to is None:
        raise ReplicationStateForbids(wanted=_(_EVENTS[event]), state=_(STATES[state]))
    if to not in HALTED:
        return Standing(state=to)
    return Standing(state=to, halted=standing.halted if state in HALTED else state)


def _is_noted(state: State, event: Event) -> bool:
    """A halt stays, but it is left for the comparison."""
    return state in HALTED and event is Event.RESYNC_NEEDED
