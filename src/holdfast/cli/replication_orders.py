"""`holdfast replication pause`, `resume`, `resync` and `disable`."""

from datetime import datetime

import click

from holdfast.base.texts import N_, _
from holdfast.cli import shown
from holdfast.cli.command import Command, option
from holdfast.cli.output import Output, encodable
from holdfast.cli.parameters import MOMENT
from holdfast.cli.run import start


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Send nothing more of a virtual machine until it is resumed.\n\n"
        "What changes meanwhile is recorded; who paused it and when is shown by the status."
    ),
    examples=[("holdfast replication pause web", N_("Its points at the site stay."))],
)
@click.argument("vm")
def pause(vm: str) -> None:
    from holdfast.app.replication_orders import pause as pause_replication

    run = start()
    name, is_followed = pause_replication(run.session, vm)
    _tell(run.out, name, "pause", _("{vm} is paused").format(vm=name), is_followed=is_followed)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Go on with a paused replication, or try one again at once that waits after a failure."
    ),
    examples=[("holdfast replication resume web", N_("One cycle brings all since the pause."))],
)
@click.argument("vm")
def resume(vm: str) -> None:
    from holdfast.app.replication_orders import resume as resume_replication

    run = start()
    name, is_followed = resume_replication(run.session, vm)
    _tell(run.out, name, "resume", _("{vm} goes on").format(vm=name), is_followed=is_followed)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Compare all of a machine with its replica, and send what differs.\n\n"
        "It begins in the window that is set for it, at once with --now, or at a time."
    ),
    examples=[
        ("holdfast replication resync web --now", N_("Whatever the window says.")),
        ("holdfast replication resync web --at 2026-03-28T22:00", N_("Not before that.")),
    ],
)
@click.argument("vm")
@option("--now", is_flag=True, help=N_("Begin at once."))
@option("--at", type=MOMENT, metavar="TIME", help=N_("Begin then."))
def resync(vm: str, *, now: bool, at: datetime | None) -> None:
    from holdfast.app.replication_orders import resync as resync_replication

    if now and at is not None:
        raise click.UsageError(_("--now and --at cannot be said together"))
    run = start()
    name, is_followed = resync_replication(run.session, vm, at=at, now=now)
    said = _("{vm} will be compared with its replica").format(vm=name)
    _tell(run.out, name, "resync", said, is_followed=is_followed)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "End the replication of a virtual machine: its records of changes, its change logs and "
        "its replica are removed.\n\n"
        "A site that is away is no hindrance: its replica stays then, and this is said. For a week "
        "a site can have a removed replica back, if there is room for it."
    ),
    examples=[
        ("holdfast replication disable web", N_("Nothing of it is left.")),
        ("holdfast replication disable web --keep-replica", N_("Its points stay at the site.")),
    ],
)
@click.argument("vm")
@option("--keep-replica", is_flag=True, help=N_("Leave the replica at the site as it is."))
def disable(vm: str, *, keep_replica: bool) -> None:
    from holdfast.app.replication_ending import disable as disable_replication
    from holdfast.cli.json_replicating import ReplicationDisabled

    run = start()
    done = disable_replication(run.session, vm, keep_replica=keep_replica)
    for err in done.left:
        run.out.warning(f"{err} {err.advice}")
    event = ReplicationDisabled(
        vm=encodable(done.settings.name),
        site=encodable(done.settings.to.site),
        keep_replica=keep_replica,
        left_at_site=done.left_at_site.code if done.left_at_site else None,
    )
    lines = [_("{vm} is no longer replicated").format(vm=done.settings.name)]
    if done.left_at_site is not None:
        run.out.warning(
            _("the replica stays at {site}: {reason}").format(
                site=done.settings.to.site, reason=done.left_at_site
            )
        )
    elif not keep_replica:
        lines.append(
            _(
                "For a week {site} can have it back: `holdfast replication restore-replica {vm}`"
            ).format(site=shown.line(done.settings.to.site), vm=shown.line(done.settings.name))
        )
    run.out.done(event, *lines)


def _tell(out: Output, vm: str, what: str, said: str, *, is_followed: bool) -> None:
    from holdfast.cli.json_replicating import ReplicationOrdered
    from holdfast.cli.replication_steps import not_followed

    event = ReplicationOrdered(vm=encodable(vm), what=what, is_followed=is_followed)
    out.done(event, said)
    if not is_followed:
        out.warning(not_followed())
