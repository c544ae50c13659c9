"""What `plan run` begins for a step that is none of the person's own programs; it is not typed."""

from pathlib import Path

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_
from holdfast.cli.command import Command
from holdfast.cli.output import encodable
from holdfast.cli.run import start


@click.command(
    cls=Command, needs_vault=False, hidden=True, help=N_("One step of a plan, begun by its run.")
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
def act(folder: str) -> int:
    from holdfast.app.plan_acts import (
        clean_tests,
        read_context,
        read_task,
        run_in_guest,
        tell_webhook,
    )
    from holdfast.cli.json_plans import PlanActed
    from holdfast.recovery.plans.plan import ActionKind
    from holdfast.recovery.plans.steps import Doing

    run = start()
    task = read_task(Path(folder))
    if task.doing in {Doing.START, Doing.CLEAN_UP}:
        clean_tests(run.session, task)
        return _typed(task.words) if task.doing is Doing.START else Exit.FINE
    assert task.action is not None
    context = read_context(Path(folder))
    if task.action.kind is ActionKind.GUEST_SCRIPT:
        said = run_in_guest(run.session, task, context)
    else:
        said = tell_webhook(run.session, task, context)
    run.out.show(PlanActed(said=encodable(said)), said)
    return Exit.FINE


def _typed(words: tuple[str, ...]) -> int:
    from holdfast.cli.main import cli

    status = cli.main(list(words), prog_name="holdfast", standalone_mode=False)
    return status if isinstance(status, int) else Exit.FINE


@click.command(
    cls=Command,
    needs_vault=False,
    hidden=True,
    help=N_("One action of a plan that the server runs, begun by the agent."),
)
@click.option("--task", required=True)
def action(task: str) -> int:
    from holdfast.app.plan_actions_here import do_action
    from holdfast.app.plan_packing import unpacked
    from holdfast.app.stop_signals import stopped_by_signals
    from holdfast.cli.json_plans import PlanActed

    run = start()
    try:
        wanted = unpacked(task)
    except ValueError as err:
        raise click.UsageError(str(err)) from err
    with stopped_by_signals() as stop:
        said = do_action(run.session, wanted, stop)
    run.out.show(PlanActed(said=encodable(said)), said)
    return Exit.FINE
