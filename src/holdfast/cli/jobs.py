"""`holdfast jobs`: what was done and is being done; on a server also: have it done, stop it."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, Group, option
from holdfast.cli.jobs_options import replication_options
from holdfast.cli.jobs_restore_options import restore_options, with_mode
from holdfast.cli.parameters import DURATION
from holdfast.cli.recovery_options_sent import as_sent, recovery_options
from holdfast.cli.run import Run, start
from holdfast.cli.server_records import approval_option, pin_option
from holdfast.cli.vm_freeze import MOUNTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.app.jobs_server import ServerJobs
    from holdfast.app.jobs_view import Job, Source
    from holdfast.app.server_client import ServerClient

_KINDS = (
    *("backup", "retain", "prune", "check", "restore", "doctor", "scrub"),
    *("vm-restore", "protect", "unprotect", "replicate"),
    *("replication-pause", "replication-resume", "replication-resync", "replication-disable"),
    *("failover-test", "failover-planned", "failover-unplanned", "failover-change-point"),
    *("failover-undo", "failover-cleanup", "commit", "reprotect", "failback"),
    *("drill-schedule", "drill", "plan-run"),
)
# What is done to one virtual machine of the host.
_OF_VM = frozenset(_KINDS[_KINDS.index("vm-restore") : _KINDS.index("drill")])
_OF_POINT = frozenset(("restore", "vm-restore"))
_CLASSES = ("crash", "filesystem", "application")
_TRACKINGS = ("auto", "bitmap", "overlay", "hash")
_MEANT = frozenset(("never_freeze", "freeze_mounts"))
_LOOK = 1.0
_STATES = (
    *("waiting", "running", "done", "warnings", "failed"),
    *("cancelled", "skipped", "lost"),
)
_STATUSES = {"done": Exit.FINE, "warnings": Exit.WARNINGS, "damage": Exit.DAMAGE}


class _Jobs(Group):
    """A word that is no command is a job: `holdfast jobs 4f2a` shows it."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None:
            return super().resolve_command(ctx, ["show", *args])
        return super().resolve_command(ctx, args)


_local = option(
    "--local",
    is_flag=True,
    help=N_("Look at the records of this machine, not at the server one is logged in to."),
)
_follow = option("--follow", is_flag=True, help=N_("Stay until the end, and say what happens."))


@click.group(
    cls=_Jobs,
    invoke_without_command=True,
    needs_vault=False,
    help=N_(
        "List jobs, the newest first; with an id, say everything about one.\n\n"
        "Logged in to a server it shows the jobs of all machines there, "
        "else those of this machine."
    ),
    examples=[
        ("holdfast jobs", N_("The last jobs.")),
        ("holdfast jobs --state failed --since 2d", N_("What failed these two days.")),
        ("holdfast jobs 4f2a --follow", N_("One job, until its end.")),
    ],
)
@option("--machine", metavar="MACHINE", help=N_("Only those of this machine."))
@option("--kind", "kinds", multiple=True, help=N_("Only those of this kind."))
@option("--state", "states", multiple=True, type=click.Choice(_STATES), help=N_("Only those so."))
@option("--since", type=DURATION, help=N_("Only those of so long ago at most, as in 2d."))
@option(
    "--latest",
    type=click.IntRange(min=1),
    default=20,
    metavar="N",
    help=N_("Only the newest N; 20 if nothing is said."),
)
@_local
@click.pass_context
def jobs(
    ctx: click.Context,
    /,
    *,
    since: timedelta | None,
    local: bool,
    **given: Any,
) -> None:
    if ctx.invoked_subcommand is not None:
        return
    from holdfast.app.jobs_view import Wanted
    from holdfast.cli.jobs_report import tell_jobs

    run = start()
    now = run.session.clock.now()
    wanted = Wanted(since=now - since if since else None, **given)
    tell_jobs(run.out, _source(run, local=local).listed(wanted), now)


@jobs.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS, Exit.DAMAGE],
    help=N_("Say everything about one job: steps, log, error, and what the doctor found."),
    examples=[
        ("holdfast jobs show 4f2a", N_("As much of the id as tells which.")),
        ("holdfast jobs 4f2a --follow", N_("The same, and stay until its end.")),
    ],
)
@click.argument("job")
@_follow
@_local
def show(job: str, *, follow: bool, local: bool) -> int:
    from holdfast.cli.jobs_report import tell_job

    run = start()
    source = _source(run, local=local)
    if follow:
        return _followed(run, source, job)
    detail = source.show(job)
    lines = source.lines(detail.job.id, after=0)
    tell_job(run.out, detail, lines, run.session.clock.now())
    return Exit.FINE


@jobs.command(
    cls=Command,
    needs_vault=False,
    help=N_("Stop a job. What waits ends at once; what runs is told to stop."),
    examples=[("holdfast jobs cancel 4f2a", N_("Stop it, wherever it runs."))],
)
@click.argument("job")
def cancel(job: str) -> None:
    from holdfast.cli.jobs_report import tell_state

    run = start()
    tell_state(run.out, _server(run).cancel(job), run.session.clock.now())


@jobs.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS, Exit.DAMAGE, Exit.DECIDE],
    help=N_("Have the same done once more, as a new job."),
    examples=[("holdfast jobs retry 4f2a", N_("Try again what failed."))],
)
@click.argument("job")
@pin_option
@approval_option
@_follow
def retry(job: str, *, pin: str | None, approval: str | None, follow: bool) -> int:
    from holdfast.app.asking_twice import do_dangerous
    from holdfast.app.jobs_server import ServerJobs

    run = start()
    made = do_dangerous(
        run.session,
        lambda client: ServerJobs(client).retry(job),
        pin=pin,
        approval=approval,
    )
    return ordered(run, _server(run), made.id, follow=follow)


@jobs.command(
    "run",
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS, Exit.DAMAGE, Exit.DECIDE],
    help=N_(
        "Have a machine do something now.\n\n"
        "While another job works on the same source nothing is begun, and that is noted."
    ),
    examples=[
        ("holdfast jobs run web1 backup /etc /srv", N_("Make a recovery point of these.")),
        ("holdfast jobs run kvm1 protect --vm db", N_("Protect a virtual machine of that host.")),
        (
            "holdfast jobs run kvm1 protect --vm db --freeze-every 6h",
            N_("Change one of its settings, and keep the others."),
        ),
        ("holdfast jobs run kvm1 backup --vm db --vm web", N_("Two of them, a job for each.")),
        (
            "holdfast jobs run kvm1 replicate --vm db --to south --every 30s",
            N_("Keep a replica of it at a site."),
        ),
        ("holdfast jobs run kvm1 replication-pause --vm db", N_("Until it is resumed.")),
        ("holdfast jobs run south failover-unplanned --vm db", N_("Start its replica there.")),
        ("holdfast jobs run web1 check --read-data 10%", N_("Verify a tenth of the content.")),
        ("holdfast jobs run web1 restore --point latest --to /srv/back", N_("Bring it back.")),
        (
            "holdfast jobs run kvm1 vm-restore --vm db --point latest --name db-back --start",
            N_("A second machine beside that one, as it was, running."),
        ),
    ],
)
@click.argument("machine")
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("path", nargs=-1)
@option(
    "--vm",
    "vms",
    multiple=True,
    metavar="NAME",
    help=N_("A virtual machine of that host, to back up, restore, protect, replicate and so on."),
)
@option(
    "--consistency", type=click.Choice(_CLASSES), help=N_("Of protect: the least a point must be.")
)
@option(
    "--tracking",
    type=click.Choice(_TRACKINGS),
    help=N_("Of protect: how changes are recorded, as `holdfast vm protect` takes it."),
)
@option("--partly", is_flag=True, help=N_("Agree to disks that cannot be protected."))
@option(
    "--never-freeze/--may-freeze",
    default=None,
    help=N_("Of protect: leave the guest alone, or freeze it again for its points."),
)
@option(
    "--freeze-mounts",
    type=MOUNTS,
    metavar="PATH,…",
    help=N_("Of protect: freeze only the file systems mounted there; `all` again all of them."),
)
@option(
    "--freeze-every",
    metavar="N|TIME",
    help=N_("Of protect: freeze for every N-th point only, or when TIME has passed, as in 6h."),
)
@option(
    "--scratch",
    metavar="FOLDER",
    help=N_("Of protect: where QEMU keeps what the guest overwrites; `default` as the host says."),
)
@option("--assignment", metavar="ID", help=N_("By the paths, options and rules of this one."))
@option("--tag", "tags", multiple=True, help=N_("Mark the point with this."))
@option("--point", help=N_("The point to restore."))
@option("--to", metavar="DIR|SITE", help=N_("Where to restore it, or to replicate it."))
@option("--include", multiple=True, metavar="GLOB", help=N_("Restore only what matches."))
@restore_options
@option("--read-data", metavar="PART", help=N_("Read so much content, as in 10%; or all."))
@replication_options
@recovery_options
@option("--plan", metavar="NAME", help=N_("Of plan-run and drill: a plan of that host."))
@option(
    "--act",
    type=click.Choice(("test", "planned", "unplanned")),
    help=N_("Of plan-run: what is done to its machines; test if nothing is said."),
)
@option("--dry-run", is_flag=True, help=N_("Only say what would be done."))
@option("--symptom", "symptoms", multiple=True, help=N_("What to ask the doctor about."))
@option(
    "--wait",
    type=DURATION,
    default=timedelta(hours=24),
    help=N_("Give it up when the machine does not come for so long; 24h if nothing is said."),
)
@pin_option
@approval_option
@_follow
def run_job(
    machine: str,
    kind: str,
    *,
    wait: timedelta,
    follow: bool,
    pin: str | None,
    approval: str | None,
    **given: Any,
) -> int:
    from holdfast.app.asking_twice import do_dangerous
    from holdfast.app.jobs_server import ServerJobs

    run = start()
    given["paths"] = given.pop("path")
    hours = wait.total_seconds() / 3600
    told = {name: _plain(value) for name, value in given.items() if _says(name, value)}
    orders = list(_orders(kind, as_sent(with_mode(told))))

    def ask(arguments: dict[str, Any]) -> "Job":
        def order(client: "ServerClient") -> "Job":
            return ServerJobs(client).order(machine, kind, arguments, hours=hours)

        return do_dangerous(run.session, order, pin=pin, approval=approval)

    made = [ask(arguments) for arguments in orders]
    server = _server(run)
    return max(ordered(run, server, one.id, follow=follow) for one in made)


def _orders(kind: str, given: dict[str, Any]) -> "Iterator[dict[str, Any]]":
    """What is asked of each job: one for each virtual machine, so that each has an end of its own."""
    vms = given.pop("vms", [])
    if kind in _OF_VM and not vms:
        raise click.UsageError(_("Name virtual machines with --vm"))
    if kind in _OF_POINT and "point" not in given:
        raise click.UsageError(_("Name a recovery point with --point, or its newest with latest"))
    if given.get("paths") or not vms:
        yield given
    rest = {name: value for name, value in given.items() if name != "paths"}
    for vm in vms:
        yield {**rest, "vms": [vm]} if kind == "backup" else {**rest, "vm": vm}


def _says(name: str, value: Any) -> bool:
    """Of a few, no and nothing mean something too."""
    return value is not None if name in _MEANT else bool(value)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def ordered(run: Run, server: "ServerJobs", job_id: str, *, follow: bool) -> int:
    from holdfast.cli.jobs_report import tell_state

    if follow:
        return _followed(run, server, job_id)
    tell_state(run.out, server.show(job_id).job, run.session.clock.now())
    return Exit.FINE


def _followed(run: Run, source: "Source", job_id: str) -> int:
    from holdfast.cli.jobs_report import percent, tell_job, tell_line, tell_state

    clock, seen, told = run.session.clock, 0, None
    while True:
        detail = source.show(job_id)
        job = detail.job
        for line in source.lines(job.id, after=seen):
            seen = line.id
            tell_line(run.out, job.id, line)
        if job.is_over:
            tell_job(run.out, detail, [], clock.now())
            return _STATUSES.get(job.state, Exit.FAILED)
        if told != (job.state, percent(job.progress)):
            told = (job.state, percent(job.progress))
            tell_state(run.out, job, clock.now())
        clock.sleep(_LOOK)


def _source(run: Run, *, local: bool) -> "Source":
    """The server one is logged in to; else the records of this machine and of its agent."""
    from holdfast.app.jobs_view import Records, Several
    from holdfast.app.login_file import has_login
    from holdfast.cli.jobs_journal import JournalJobs

    home = run.session.settings.home
    if not local and has_login(home):
        return _server(run)
    return Several(JournalJobs(home), Records(home))


def _server(run: Run) -> "ServerJobs":
    from holdfast.app.jobs_server import ServerJobs
    from holdfast.app.server_client import connect

    return ServerJobs(connect(run.session.settings.home))
