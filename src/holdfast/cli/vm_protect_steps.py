"""The steps of `vm protect` as they come: programs are told of each when it begins, too."""

from typing import TYPE_CHECKING

from holdfast.cli.run import Run
from holdfast.cli.vm_json import step_event
from holdfast.cli.vm_report import tell_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.app.vm_records import Step


def told_steps(run: Run, vm: str) -> "Callable[[Step], None]":
    """To be called with each step that has ended; the first has begun already."""
    from holdfast.app.vm_protect import TITLES
    from holdfast.app.vm_records import Step

    names = list(TITLES)

    def tell_begun(name: str) -> None:
        begun = Step(name=name, state="running", at=run.session.clock.now())
        run.out.done(step_event(vm, begun))

    def on_step(step: "Step") -> None:
        tell_step(run.out, vm, step)
        following = names[names.index(step.name) + 1 :]
        if following and step.state != "failed":
            tell_begun(following[0])

    tell_begun(names[0])
    return on_step
