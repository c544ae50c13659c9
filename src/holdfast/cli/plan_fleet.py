"""`holdfast plan server`: recovery plans that the server keeps, and runs across several hosts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli import shown
from holdfast.cli.command import Command, Group, option
from holdfast.cli.recovery_options import try_shut_down_option
from holdfast.cli.run import Run, start
from holdfast.cli.server_records import Column, Record, tell_done, tell_list, text

if TYPE_CHECKING:
    from holdfast.app.server_client import ServerClient


def _machines(record: Record) -> str:
    return shown.line(", ".join(record["machines"]))


_LINE: list[Column] = [
    (N_("Id"), text("id")),
    (N_("Plan"), text("name")),
    (N_("Version"), text("version")),
    (N_("Machines"), _machines),
    (N_("Changed by"), text("changed_by")),
]


@click.group(
    cls=Group,
    needs_vault=False,
    help=N_(
        "Plans that the server keeps and runs: of machines whose replicas lie on several hosts.\n\n"
        "It calls webhooks itself, lets hosts run scripts that their own administrators have put "
        "there, and reaches guests through their hosts. A run is a job that goes on whatever "
        "becomes of the server; each machine is a job of its host."
    ),
    examples=[
        ("holdfast plan server put main shop.yaml", N_("For the machines of the vault main.")),
        ("holdfast plan server run shop --test --follow", N_("A drill of all of it.")),
    ],
)
def server() -> None:
    pass


@server.command(
    cls=Command,
    needs_vault=False,
    help=N_("Let the server keep the plan in FILE; one of the same name is replaced."),
    examples=[("holdfast plan server put main shop.yaml", N_("Under the name it has inside."))],
)
@click.argument("vault")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
def put(vault: str, file: str) -> None:
    run = start()
    body = {"text": Path(file).read_text(encoding="utf-8")}
    record = _client(run).put(f"/vaults/{vault}/recovery-plans", body)
    said = _("The server keeps version {version} of {name}")
    tell_done(run, "recovery-plan", record, said.format(**record))


@server.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS],
    help=N_(
        "Say what is wrong with the plan in FILE for a server, and what hosts lack for it.\n\n"
        "Nothing is kept. Status 3: it can be kept, and a run would be refused now."
    ),
    examples=[("holdfast plan server check main shop.yaml", N_("Before it is put there."))],
)
@click.argument("vault")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
def check(vault: str, file: str) -> int:
    from holdfast.cli.json_plans import PlanProblem

    run = start()
    body = {"text": Path(file).read_text(encoding="utf-8")}
    seen = _client(run).post(f"/vaults/{vault}/recovery-plans/check", body)
    for one in (*seen["problems"], *seen["missing"]):
        event = PlanProblem(file=file, **one)
        place = f"{file}:{one['line']}" if one["line"] else file
        said = shown.line(f"{place}: {one['problem']}")
        run.out.show(event, said, f"    → {shown.line(one['cure'])}")
    if seen["problems"]:
        return Exit.FAILED
    if seen["missing"]:
        return Exit.WARNINGS
    run.out.remark(_("Nothing is wrong with the plan"))
    return Exit.FINE


@server.command(
    "list",
    cls=Command,
    needs_vault=False,
    help=N_("List the plans that the server keeps."),
    examples=[("holdfast plan server list", N_("With the machines of each."))],
)
def list_all() -> None:
    run = start()
    tell_list(run, "recovery-plan", _client(run).get("/recovery-plans"), _LINE)


@server.command(
    "run",
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS],
    help=N_("Run a plan of the server: each machine at the host that has its replica."),
    examples=[
        ("holdfast plan server run shop --test", N_("Cleans up by itself.")),
        ("holdfast plan server run shop --unplanned --source-is-down", N_("Their host is gone.")),
    ],
)
@click.argument("plan", metavar="ID|NAME")
@option("--test", "act", flag_value="test", help=N_("In isolation; replication goes on."))
@option("--planned", "act", flag_value="planned", help=N_("Nothing is lost."))
@option("--unplanned", "act", flag_value="unplanned", help=N_("The sources are gone."))
@option("--source-is-down", is_flag=True, help=N_("A person knows that nothing runs there."))
@try_shut_down_option
@option("--keep", metavar="TIME", help=N_("Of a test: leave it so long, as in 2h."))
@option("--follow", is_flag=True, help=N_("Stay until the end, and say what happens."))
def run_plan(
    plan: str, *, act: str | None, tries_shut_down: bool, follow: bool, **given: Any
) -> int:
    if act is None:
        raise click.UsageError(_("Say one of --test, --planned and --unplanned"))
    if tries_shut_down and act != "unplanned":
        raise click.UsageError(_("--try-shut-down is said with --unplanned"))
    run = start()
    client = _client(run)
    wanted = {"act": act, "try_shut_down": tries_shut_down, **given}
    body = {name: value for name, value in wanted.items() if value}
    return _told(run, client.post(f"/recovery-plans/{_id(client, plan)}/runs", body), follow=follow)


@server.command(
    cls=Command,
    needs_vault=False,
    help=N_("Answer what the run JOB asks, or say what becomes of a step that failed."),
    examples=[("holdfast plan server answer 4f2a second/pre-1 yes", N_("It goes on."))],
)
@click.argument("job")
@click.argument("step")
@click.argument("decision", type=click.Choice(("yes", "no", "again", "go-on", "stop")))
def answer(job: str, step: str, decision: str) -> int:
    from holdfast.app.jobs_server import ServerJobs

    run = start()
    client = _client(run)
    whole = ServerJobs(client).whole_id(job)
    told = {"step": step, "decision": decision}
    return _told(run, client.post(f"/recovery-plan-runs/{whole}/answers", told), follow=False)


@server.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS],
    help=N_("Go on with the run JOB: what failed is tried again, what is done stays done."),
    examples=[("holdfast plan server resume 4f2a", N_("After what it failed with is put right."))],
)
@click.argument("job")
@option("--follow", is_flag=True, help=N_("Stay until the end, and say what happens."))
def resume(job: str, *, follow: bool) -> int:
    from holdfast.app.jobs_server import ServerJobs

    run = start()
    client = _client(run)
    whole = ServerJobs(client).whole_id(job)
    return _told(run, client.post(f"/recovery-plan-runs/{whole}/resume"), follow=follow)


@server.command(
    cls=Command,
    needs_vault=False,
    help=N_("Let the server forget a plan; runs that are under way go on."),
    examples=[("holdfast plan server remove shop", N_("The file you have stays."))],
)
@click.argument("plan", metavar="ID|NAME")
def remove(plan: str) -> None:
    run = start()
    client = _client(run)
    number = _id(client, plan)
    record = client.get(f"/recovery-plans/{number}")
    client.delete(f"/recovery-plans/{number}")
    tell_done(run, "recovery-plan", record, _("Removed {name}").format(**record))


def _told(run: Run, made: Record, *, follow: bool) -> int:
    from holdfast.app.jobs_server import ServerJobs
    from holdfast.cli.jobs import ordered

    return ordered(run, ServerJobs(_client(run)), made["id"], follow=follow)


def _id(client: "ServerClient", plan: str) -> str:
    """Of the one of that name; what is no name is taken for an id."""
    named = [one["id"] for one in client.get("/recovery-plans") if one["name"] == plan]
    return str(named[0]) if len(named) == 1 else plan


def _client(run: Run) -> "ServerClient":
    from holdfast.app.server_client import connect

    return connect(run.session.settings.home)
