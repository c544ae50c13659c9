"""The steps of `replication enable` as they come, and what it has come to."""

from typing import TYPE_CHECKING

from holdfast.base.texts import _
from holdfast.cli.json_replicating import ReplicationEnabled, ReplicationStep
from holdfast.cli.output import Output, encodable
from holdfast.cli.run import Run
from holdfast.cli.vm_report import step_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.app.replication_works import Enabled
    from holdfast.app.vm_records import Step


def told_steps(run: Run, vm: str) -> "Callable[[Step], None]":
    """To be called with each step that has ended; the first has begun already."""
    from holdfast.app.replication_enable import TITLES
    from holdfast.app.vm_records import Step

    names = list(TITLES)

    def tell_begun(name: str) -> None:
        run.out.done(_event(vm, Step(name=name, state="running", at=run.session.clock.now())))

    def on_step(step: "Step") -> None:
        run.out.done(_event(vm, step), _line(step))
        following = names[names.index(step.name) + 1 :]
        if following and step.state != "failed":
            tell_begun(following[0])

    tell_begun(names[0])
    return on_step


def tell_enabled(out: Output, done: "Enabled") -> None:
    import msgspec

    settings = done.settings
    event = ReplicationEnabled(
        vm=encodable(settings.name),
        uuid=settings.vm,
        site=encodable(settings.to.site),
        every=settings.every,
        settings=msgspec.to_builtins(settings),
        is_followed=done.is_followed,
    )
    said = _("{vm} is replicated to {site}").format(vm=settings.name, site=settings.to.site)
    out.done(event, said)
    if not done.is_followed:
        out.warning(not_followed())


def not_followed() -> str:
    return _(
        "nothing on this host goes on with it: let `holdfast replication run` be at work, "
        "or the agent (`holdfast agent install`)"
    )


def _event(vm: str, step: "Step") -> ReplicationStep:
    return ReplicationStep(
        vm=encodable(vm),
        step=step.name,
        state=step.state,
        at=step.at.isoformat(),
        said=encodable(step.said),
        error=step.error or None,
    )


def _line(step: "Step") -> str:
    from holdfast.app.replication_enable import TITLES

    return step_line(step, TITLES)
