"""An act: steps with names, each of which asks the world whether it is done and else does it.

The same act performed again goes on where the world is: notes are for people, and killed at any
moment it leaves nothing that the next run does not find. A lock keeps a second one out.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.machines.work_lock import Holder, is_held, work_lock
from holdfast.recovery.act_errors import ActRuns, StepHadNoEffect
from holdfast.recovery.record import Act, StepNote, StepState
from holdfast.recovery.record_folder import RecordFolder

_LOCK = "lock"

OnStep = Callable[[StepNote], None]


class StepSkipped(Exception):
    """Raised by a step that has nothing to do here, or could do without; says why.

    `code` is of the error that it could do without.
    """

    def __init__(self, said: str, *, code: str = "") -> None:
        super().__init__(said)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`do` returns what there is to say of it, for people; it must bear being done again.

    `is_done` asks the world, before and after; without it the step is done anew each time. A step
    that takes long says with `goes` how far it is, before what `do` has left to do.
    """

    name: str
    do: Callable[[], str]
    is_done: Callable[[], bool] | None = None
    goes: Callable[[], Iterator[str]] | None = None


def nobody_listens(_note: StepNote) -> None:
    """Steps are not shown."""


def perform(
    act: Act,
    steps: Sequence[Step],
    *,
    clock: Clock,
    keep: Callable[[Act], None],
    on_step: OnStep = nobody_listens,
) -> Act:
    """Bring the world through the steps; `keep` is called with each note.

    What a step itself puts into the record must stay, so `keep` writes the notes and no more:
    `RecordFolder.keep_notes` does.
    """
    notes = {note.name: note for note in act.steps}
    for step in steps:
        for note in _taken(step, notes.get(step.name), clock):
            notes[step.name] = note
            act = msgspec.structs.replace(act, steps=tuple(notes.values()))
            keep(act)
            on_step(note)
    return act


def _taken(step: Step, before: StepNote | None, clock: Clock) -> Iterator[StepNote]:
    """Its notes, as it begins and as it ends; raises what it fails with, once that is noted."""
    if step.is_done is not None and step.is_done():
        yield _already(step, before, clock)
        return
    begun = StepNote(name=step.name, state=StepState.RUNNING, began_at=clock.now())
    yield begun
    try:
        for so_far in step.goes() if step.goes else ():
            yield msgspec.structs.replace(begun, said=so_far)
        state, said, code = StepState.DONE, step.do(), ""
        if step.is_done is not None and not step.is_done():
            raise StepHadNoEffect(step=step.name)
    except StepSkipped as err:
        state, said, code = StepState.SKIPPED, str(err), err.code
    except HoldfastError as err:
        yield _ended(begun, StepState.FAILED, clock, said=str(err), error=err.code)
        raise
    yield _ended(begun, state, clock, said=said, error=code)


def _already(step: Step, before: StepNote | None, clock: Clock) -> StepNote:
    now = clock.now()
    if before is None:
        return StepNote(name=step.name, state=StepState.DONE, began_at=now, ended_at=now)
    return msgspec.structs.replace(
        before, state=StepState.DONE, ended_at=before.ended_at or now, error=""
    )


def _ended(
    begun: StepNote, state: StepState, clock: Clock, *, said: str, error: str = ""
) -> StepNote:
    return msgspec.structs.replace(begun, state=state, ended_at=clock.now(), said=said, error=error)


@contextlib.contextmanager
def at_work(folder: RecordFolder, clock: Clock, *, about: str, work: str) -> Iterator[None]:
    """One act at a time upon a machine; the kernel frees the lock however this process ends."""
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def refused(holder: Holder) -> ActRuns:
        return ActRuns(about=about, work=holder.work, pid=holder.pid, age=holder.age)

    with work_lock(str(folder.path / _LOCK), clock, work=work, refused=refused):
        yield


def is_at_work(folder: RecordFolder) -> bool:
    """Whether some process performs an act upon the machine now."""
    return is_held(str(folder.path / _LOCK))
