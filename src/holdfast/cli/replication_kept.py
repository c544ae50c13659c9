"""`holdfast replication kept-replicas`, `restore-replica` and `purge-replica`, typed at a site."""

from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _, ngettext
from holdfast.base.units import format_size
from holdfast.cli import shown
from holdfast.cli.command import Command
from holdfast.cli.output import encodable
from holdfast.cli.run import start

if TYPE_CHECKING:
    from holdfast.replication.replicas_away import Away


@click.command(
    "kept-replicas",
    cls=Command,
    needs_vault=False,
    help=N_(
        "List the replicas of this site that were removed and can still be had back.\n\n"
        "They go by themselves after a week, and sooner where replicas need their room."
    ),
    examples=[("holdfast replication kept-replicas", N_("What they take, and until when."))],
)
def kept_replicas() -> None:
    from holdfast.app.replication_kept import kept_replicas as kept
    from holdfast.cli.json_replicating import ReplicaKept
    from holdfast.replication.replica_folder import taken_by

    run = start()
    found = [(away, taken_by(away.path)) for away in kept(run.session)]
    if not found:
        run.out.remark(_("No removed replica is kept here"))
        return
    rows = [[_("VM"), _("Points"), _("Newest"), _("Room"), _("Until")]]
    head, *lines = shown.table([*rows, *(_row(away, size) for away, size in found)])
    for (away, size), line in zip(found, lines, strict=True):
        event = ReplicaKept(
            vm=encodable(away.name),
            uuid=away.vm,
            points=len(away.points),
            newest=away.points[-1].taken_at.isoformat() if away.points else None,
            bytes=size,
            until=away.until.isoformat(),
        )
        run.out.show(event, *([head] if away is found[0][0] else []), line)


def _row(away: "Away", size: int) -> list[str]:
    return [
        shown.line(away.name),
        str(len(away.points)),
        shown.moment(away.points[-1].taken_at) if away.points else "-",
        format_size(size),
        shown.moment(away.until),
    ]


@click.command(
    "restore-replica",
    cls=Command,
    needs_vault=False,
    exits=[Exit.DECIDE],
    help=N_(
        "Have a replica back that was removed from this site: its points can be started again.\n\n"
        "Replicate the machine once more, and what differs by now is compared and sent."
    ),
    examples=[("holdfast replication restore-replica web", N_("The one removed last."))],
)
@click.argument("vm")
def restore_replica(vm: str) -> None:
    from holdfast.app.replication_kept import restore_replica as restore
    from holdfast.cli.json_replicating import ReplicaRestored

    run = start()
    away = restore(run.session, vm)
    count = len(away.points)
    said = ngettext(
        "{vm} has its replica back, with {count} point",
        "{vm} has its replica back, with {count} points",
        count,
    ).format(vm=shown.line(away.name), count=count)
    event = ReplicaRestored(vm=encodable(away.name), uuid=away.vm, points=count)
    run.out.done(event, said)


@click.command(
    "purge-replica",
    cls=Command,
    needs_vault=False,
    help=N_("Delete the removed replicas of a machine for good, before they go by themselves."),
    examples=[("holdfast replication purge-replica web", N_("Its room is free at once."))],
)
@click.argument("vm")
def purge_replica(vm: str) -> None:
    from holdfast.app.replication_kept import purge_replica as purge
    from holdfast.cli.json_replicating import ReplicaPurged

    run = start()
    gone = purge(run.session, vm)
    said = _("Nothing of the replica of {vm} is left").format(vm=shown.line(gone[0].name))
    run.out.done(ReplicaPurged(vm=encodable(gone[0].name), replicas=len(gone)), said)
