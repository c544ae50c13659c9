"""`holdfast doctor explain`: what the catalogue knows, without looking anywhere."""

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Command
from holdfast.cli.doctor_options import MEANINGS, shown_options


@click.command(
    cls=Command,
    needs_vault=False,
    meanings={
        0: N_("it is explained"),
        2: MEANINGS[2],
        3: N_("the catalogue does not know it"),
        4: MEANINGS[4],
    },
    help=N_(
        "Tell what is known about CODE: what it means, its causes in the order in which to look, "
        "how each is decided, and what to do.\n\n"
        "CODE is a number in decimal or hexadecimal, a name, the text of a message, or the id or "
        "printed code of a cause."
    ),
    examples=[
        ("holdfast doctor explain 151076", N_("A code of the portal.")),
        ("holdfast doctor explain SalLowDiskSpace", N_("A symbolic name.")),
        ("holdfast doctor explain 2147942405 --lang ko", N_("An HRESULT in decimal, in Korean.")),
    ],
)
@shown_options
@click.argument("code", nargs=-1, required=True)
def explain(code: tuple[str, ...]) -> int:
    from holdfast.cli.doctor_run import explain as tell

    return tell(code)
