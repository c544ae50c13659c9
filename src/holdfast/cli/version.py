"""`holdfast version`."""

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Command
from holdfast.cli.run import start


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Say which version this is."),
    examples=[("holdfast version --json", N_("For a program."))],
)
def version() -> None:
    import platform
    from importlib.metadata import version as version_of

    from holdfast.cli.json_events import VersionShown
    from holdfast.vault.config import VERSION

    run = start()
    ours, python = version_of("holdfast"), platform.python_version()
    run.out.show(
        VersionShown(holdfast=ours, python=python, repository_format=VERSION),
        f"holdfast {ours} · Python {python}",
    )
