"""An answer that is still to come: waited for in a thread, or without one."""

import asyncio
from collections.abc import Callable
from concurrent.futures import TimeoutError as TooLate
from typing import Any, Generic, TypeVar

import msgspec

from holdfast.app.control.browse_errors import (
    AnswerNotCome,
    AnswerNotUnderstood,
    MachineNotListening,
    MachineSaid,
)
from holdfast.app.control.desk import Desk, Pending
from holdfast.app.control.retelling import retold
from holdfast.base.errors import HoldfastError
from holdfast.fleet.questions import Answer

_A = TypeVar("_A")

# For its agent to come for the question: usually it waits for one already.
TAKEN_WITHIN = 10.0
_MORE = 5.0
Refusal = Callable[[dict[str, Any]], HoldfastError | None]


def _as_it_is(_error: dict[str, Any]) -> HoldfastError | None:
    """What the machine said is told as it said it."""
    return None


def _without_a_trace() -> None:
    """Nothing was begun that would have to be undone."""


class Asked(Generic[_A]):
    """`finish` makes the result of what came; `refusal` may call an error of it by another name."""

    def __init__(
        self,
        desk: Desk,
        pending: Pending,
        finish: Callable[[dict[str, Any]], _A],
        *,
        machine: str,
        refusal: Refusal = _as_it_is,
        given_up: Callable[[], None] = _without_a_trace,
    ) -> None:
        self._desk, self._pending, self._finish = desk, pending, finish
        self._machine, self._refusal, self._given_up = machine, refusal, given_up
        self._within = pending.question.seconds + _MORE

    def wait(self) -> _A:
        """In a thread, which waits as long."""
        try:
            self._pending.taken.result(TAKEN_WITHIN)
            answer = self._pending.answered.result(self._within)
        except TooLate as err:
            raise self._late() from err
        finally:
            self._desk.forget(self._pending)
        return self._result(answer)

    async def arrive(self) -> _A:
        """Meanwhile no thread is held."""
        try:
            taken = asyncio.wrap_future(self._pending.taken)
            await asyncio.wait_for(asyncio.shield(taken), TAKEN_WITHIN)
            answered = asyncio.wrap_future(self._pending.answered)
            answer = await asyncio.wait_for(asyncio.shield(answered), self._within)
        except TimeoutError as err:
            raise self._late() from err
        except asyncio.CancelledError:
            self._given_up()
            raise
        finally:
            self._desk.forget(self._pending)
        return await asyncio.to_thread(self._result, answer)

    def _late(self) -> HoldfastError:
        self._given_up()
        if not self._pending.taken.done():
            return MachineNotListening(machine=self._machine)
        return AnswerNotCome(machine=self._machine, seconds=round(self._within))

    def _result(self, answer: Answer) -> _A:
        if answer.error is not None:
            raise self._refusal(answer.error) or said_by(self._machine, answer.error)
        try:
            return self._finish(answer.result or {})
        except msgspec.ValidationError as err:
            raise AnswerNotUnderstood(machine=self._machine, reason=err) from err


def said_by(machine: str, error: dict[str, Any]) -> HoldfastError:
    """In the language of whoever asked, where we know the words."""
    told = retold(error) or error
    return MachineSaid(
        machine=machine,
        message=str(told.get("message", "")),
        said=str(told.get("code", "")),
        advice=str(told.get("remedy", "")),
    )


def reader_of(kind: type[_A]) -> Callable[[dict[str, Any]], _A]:
    """Makes the message of this kind out of what a machine sent."""

    def read(result: dict[str, Any]) -> _A:
        return msgspec.convert(result, kind)

    return read
