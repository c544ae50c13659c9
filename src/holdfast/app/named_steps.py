"""Steps with names that are kept as they ended, so that the same command goes on with one."""

from collections.abc import Callable
from typing import Protocol

from holdfast.app.vm_records import Step
from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.machines.extension.errors import ExtensionBroken, ExtensionStartTimedOut


class LeftOut(Exception):
    """A step that has nothing to do on this machine; says why."""


class HasExtension(Protocol):
    def install_extension(self) -> str:
        """Install or update it; what there is to say. Raises what went wrong."""

    def remove_extension(self) -> None: ...


def taken(name: str, do: Callable[[], str], clock: Clock) -> tuple[Step, HoldfastError | None]:
    """How it ended, and the error it failed with, to be raised when the step is kept."""
    failure = None
    try:
        state, said = "done", do()
    except LeftOut as err:
        state, said = "left-out", str(err)
    except HoldfastError as err:
        state, said, failure = "failed", str(err), err
    error = failure.code if failure else ""
    return Step(name=name, state=state, at=clock.now(), said=said, error=error), failure


def with_extension(works: HasExtension) -> str:
    """One in a bad state is taken away and put there anew; what fails then is told."""
    try:
        return works.install_extension()
    except (ExtensionBroken, ExtensionStartTimedOut):
        works.remove_extension()
        return works.install_extension()
