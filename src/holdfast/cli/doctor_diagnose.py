"""`holdfast doctor diagnose`: read what was handed over, and say what is wrong there."""

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Command, option
from holdfast.cli.doctor_options import MEANINGS, judged_options


@click.command(
    cls=Command,
    needs_vault=False,
    meanings=MEANINGS,
    help=N_(
        "Read logs, listings and folders of another machine, and say what is wrong there.\n\n"
        "A FILE is recognised by what it contains, in any encoding and language; a folder is read "
        "with all below it; - is what is piped in. This machine is not looked at."
    ),
    examples=[
        ("holdfast doctor diagnose waagent.log", N_("One log.")),
        ("holdfast doctor diagnose logs/ --symptom 151076", N_("A folder, with what was seen.")),
        ("vssadmin list writers | holdfast doctor diagnose -", N_("A listing as it is pasted.")),
    ],
)
@judged_options
@option("--symptom", multiple=True, help=N_("A code, name or message that was seen."))
@click.argument("files", nargs=-1, required=True, metavar="FILE|DIR|-...")
def diagnose(files: tuple[str, ...], symptom: tuple[str, ...]) -> int:
    from holdfast.cli.doctor_run import diagnose as look

    return look(files, symptom)
