"""`holdfast drill list`, `show` and `report`."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_
from holdfast.cli.command import Command, option
from holdfast.cli.run import start


@click.command(
    "list",
    cls=Command,
    needs_vault=False,
    help=N_("List the drills of this host and how each went last, or all runs of VM."),
    examples=[
        ("holdfast drill list", N_("A line for each machine.")),
        ("holdfast drill list web", N_("Each run of it, the newest first.")),
    ],
)
@click.argument("vm", required=False)
def list_all(vm: str | None) -> int:
    from holdfast.app.drills import find_drill, list_drills
    from holdfast.cli.drill_report import tell_drills, tell_runs

    run = start()
    if vm is None:
        tell_drills(run.out, list_drills(run.session))
    else:
        tell_runs(run.out, find_drill(run.session, vm).runs)
    return Exit.FINE


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Show all that was seen in a drill: RUN by its name, or a machine's newest."),
    examples=[("holdfast drill show web", N_("The newest run of it."))],
)
@click.argument("run")
def show(run: str) -> int:
    from holdfast.app.drills import find_run
    from holdfast.cli.drill_report import tell_all_of

    started = start()
    tell_all_of(started.out, find_run(started.session, run)[0])
    return Exit.FINE


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Write a report of a drill: RUN by its name, or a machine's newest.\n\n"
        "One page with everything in it, the picture of its screen and the drills before it too; "
        "it prints well, and a browser makes a PDF of it. A name that ends in .json gives the same "
        "for programs."
    ),
    examples=[
        ("holdfast drill report web", N_("drill-web-DATE.html, in this folder.")),
        ("holdfast drill report web --output web.json", N_("For programs.")),
    ],
)
@click.argument("run")
@option(
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help=N_("Where to; what is there is replaced."),
)
def report(run: str, *, output: str | None) -> int:
    from holdfast.app.drills import write_report
    from holdfast.cli.drill_report import tell_written

    started = start()
    written, path = write_report(started.session, run, output)
    tell_written(started.out, written, path)
    return Exit.FINE
