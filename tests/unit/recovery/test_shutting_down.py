"""A guest is asked by its agent, then by its button, then switched off; never sooner than agreed."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from holdfast.hypervisor.errors import AgentSilent, VmInWrongState
from holdfast.hypervisor.failures import OPERATION_INVALID, Failure, error_of
from holdfast.recovery.promotion_errors import ShutDownTooSlow
from holdfast.recovery.shutting_down import ShuttingDown
from holdfast.replication.site_orders import OrderKind, SiteOrder
from holdfast.testing.clock import FakeClock

_OF_QEMU = 10
# As libvirt says it.
NOT_RUNNING = "Requested operation is not valid: domain is not running"
IN_WRONG_STATE = "Requested operation is not valid: domain is not in state running"
ORDER = SiteOrder(kind=OrderKind.HAND_OVER, act="one", patience=30.0)
FORCED = SiteOrder(kind=OrderKind.HAND_OVER, act="one", patience=30.0, is_forced=True)


@dataclass(slots=True)
class Machine:
    """It runs on, whatever it is asked."""

    name: str = "web"
    has_agent: bool = True
    asked: list[str] = field(default_factory=list)

    def ask_to_shut_down(self, *, by_agent: bool = False) -> None:
        if by_agent and not self.has_agent:
            raise AgentSilent(about=self.name, seconds=5)
        self.asked.append("agent" if by_agent else "button")

    def is_active(self) -> bool:
        return True

    def destroy(self, *, graceful: bool = False) -> None:
        self.asked.append("plug" if not graceful else "end")


@dataclass(slots=True)
class MachineThatGoesOff(Machine):
    """Its agent went with it, and so late that its button is still reached for."""

    has_agent: bool = False
    is_on: bool = True
    stays_paused: bool = False
    said: str = NOT_RUNNING

    def ask_to_shut_down(self, *, by_agent: bool = False) -> None:
        Machine.ask_to_shut_down(self, by_agent=by_agent)
        self._refuse()

    def destroy(self, *, graceful: bool = False) -> None:
        Machine.destroy(self, graceful=graceful)
        self._refuse()

    def _refuse(self) -> None:
        self.is_on = self.stays_paused
        failure = Failure(number=OPERATION_INVALID, origin=_OF_QEMU, message=self.said)
        raise error_of(failure, about=self.name)

    def is_active(self) -> bool:
        return self.is_on


def looked(machine: Any, clock: FakeClock, order: SiteOrder, *, seconds: int) -> ShuttingDown:
    shutting = ShuttingDown(clock)
    for _second in range(seconds):
        shutting.look(machine, order)
        clock.sleep(1.0)
    return shutting


def test_the_agent_has_a_third_of_the_time_to_itself() -> None:
    machine, clock = Machine(), FakeClock()

    shutting = looked(machine, clock, ORDER, seconds=10)
    assert machine.asked == ["agent"]
    shutting.look(machine, ORDER)  # type: ignore[arg-type]  # as far as it is used

    assert machine.asked == ["agent", "button"]
    assert shutting.how == "power-button"


def test_without_an_agent_the_button_is_pressed_at_once_and_once() -> None:
    machine = Machine(has_agent=False)

    looked(machine, FakeClock(), ORDER, seconds=29)

    assert machine.asked == ["button"]


def test_a_guest_that_runs_on_is_an_error_and_is_left_alone() -> None:
    machine = Machine()

    with pytest.raises(ShutDownTooSlow):
        looked(machine, FakeClock(), ORDER, seconds=31)

    assert machine.asked == ["agent", "button"]


def test_by_force_it_is_switched_off_when_its_time_is_over() -> None:
    machine = Machine()

    shutting = looked(machine, FakeClock(), FORCED, seconds=31)

    assert machine.asked == ["agent", "button", "end"]
    assert shutting.how == "forced"


def test_the_same_act_ordered_anew_is_asked_anew() -> None:
    machine, clock = Machine(), FakeClock()
    shutting = looked(machine, clock, ORDER, seconds=5)

    shutting.look(machine, FORCED)  # type: ignore[arg-type]  # as far as it is used

    assert machine.asked == ["agent", "agent"]


@pytest.mark.parametrize("said", [NOT_RUNNING, IN_WRONG_STATE])
def test_a_machine_that_goes_off_before_its_button_is_pressed_is_off(said: str) -> None:
    machine = MachineThatGoesOff(said=said)

    looked(machine, FakeClock(), ORDER, seconds=1)

    assert machine.asked == ["button"]


def test_a_machine_that_goes_off_before_it_is_switched_off_is_off() -> None:
    machine = MachineThatGoesOff()
    ended = msgspec.structs.replace(FORCED, patience=0.0)

    shutting = looked(machine, FakeClock(), ended, seconds=2)

    assert (machine.asked, shutting.how) == (["button", "end"], "")


def test_a_machine_that_is_paused_cannot_be_shut_down_and_that_is_said() -> None:
    machine = MachineThatGoesOff(stays_paused=True, said=IN_WRONG_STATE)

    with pytest.raises(VmInWrongState):
        looked(machine, FakeClock(), ORDER, seconds=1)
