"""`holdfast prune`: free what no recovery point needs."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_
from holdfast.cli.command import Command, option
from holdfast.cli.parameters import SHARE, SIZE
from holdfast.cli.run import start
from holdfast.cli.waiting import told_once, wait_option

if TYPE_CHECKING:
    from holdfast.cli.output import Output
    from holdfast.vault.policy.prune import PruneLimits
    from holdfast.vault.repository import Repository


@click.command(
    cls=Command,
    help=N_(
        "Free the space that no recovery point needs any more.\n\n"
        "Backups go on meanwhile, except for the short deletion at the end. "
        "A prune that was interrupted is simply run again."
    ),
    exits=[Exit.LOCKED, Exit.DAMAGE],
    examples=[
        ("holdfast prune --dry-run", N_("Say what would be done.")),
        ("holdfast prune --max-unused 0%", N_("Leave nothing unused, however much is copied.")),
    ],
)
@option("--dry-run", is_flag=True, help=N_("Say what would be done, but change nothing."))
@option("--max-unused", type=SHARE, help=N_("Share of the vault that may stay unused; 5% else."))
@option("--max-repack", type=SIZE, help=N_("Copy at most so much, as in 10G."))
@wait_option
def prune(
    *, dry_run: bool, max_unused: float | None, max_repack: int | None, wait: timedelta
) -> None:
    from holdfast.vault.policy.prune import PruneLimits

    run = start()
    standard = PruneLimits()
    limits = PruneLimits(
        max_unused=standard.max_unused if max_unused is None else max_unused,
        max_repack=max_repack,
    )
    repository = run.open()
    with run.deleting("prune", wait=wait, dry_run=dry_run):
        run_prune(run.out, repository, limits=limits, dry_run=dry_run, wait=wait)


def run_prune(
    out: "Output",
    repository: "Repository",
    *,
    limits: "PruneLimits | None" = None,
    dry_run: bool = False,
    wait: timedelta = timedelta(0),
) -> None:
    """Also what `retain --prune` ends with."""
    from holdfast.app.prune import prune as prune_vault
    from holdfast.cli.prune_report import event_of, lines_of
    from holdfast.cli.stages import prune_stages

    with out.progress() as on_progress:
        report = prune_stages(on_progress)
        done = prune_vault(
            repository,
            limits=limits,
            dry_run=dry_run,
            wait=wait,
            waiting=told_once(out),
            report=report,
        )
    out.done(event_of(done, dry_run=dry_run), *lines_of(done, dry_run=dry_run))
