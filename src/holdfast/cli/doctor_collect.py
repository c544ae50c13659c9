"""`holdfast doctor collect`: one file for those who help from afar."""

import click

from holdfast.base.texts import N_, _, ngettext
from holdfast.base.units import format_size
from holdfast.cli.command import Command, option
from holdfast.cli.run import start

_DEFAULT = "holdfast-doctor.tar.gz"


@click.command(
    cls=Command,
    exits=[],
    help=N_(
        "Write a support bundle: everything the doctor would look at on this host, in one file.\n\n"
        "Secrets are removed. Names of hosts, users and addresses are replaced by stand-ins; the "
        "list that leads back to them is written beside the bundle and is yours to keep. "
        "`holdfast doctor diagnose` reads the bundle anywhere."
    ),
    examples=[
        ("holdfast doctor collect", N_("Write holdfast-doctor.tar.gz here.")),
        (
            "holdfast doctor collect --to /tmp/web-01.tar.gz --keep-names",
            N_("For colleagues who know your hosts."),
        ),
    ],
)
@option(
    "--to",
    "target",
    type=click.Path(dir_okay=False),
    default=_DEFAULT,
    metavar="FILE",
    help=N_("Where to write it."),
)
@option("--keep-names", is_flag=True, help=N_("Leave names and addresses as they are."))
def collect(target: str, *, keep_names: bool) -> None:
    from holdfast.app.doctor_collect import collect as write
    from holdfast.cli.json_doctor import collected_event

    run = start()
    done = write(run.session, target, keep_names=keep_names)
    taken = sum(1 for entry in done.manifest.entries if entry.path)
    missing = len(done.manifest.entries) - taken
    lines = [
        ngettext("{file} holds {count} artefact", "{file} holds {count} artefacts", taken).format(
            file=done.bundle, count=taken
        ),
        ngettext(
            "{count} probe brought nothing; the manifest says why",
            "{count} probes brought nothing; the manifest says why",
            missing,
        ).format(count=missing),
        _("removed: {secrets} secrets; {size} in all").format(
            secrets=done.manifest.redacted.get("secret", 0),
            size=format_size(sum(entry.size for entry in done.manifest.entries)),
        ),
    ]
    if done.names:
        lines.append(
            _("{file} leads back from stand-ins to names: keep it, do not send it").format(
                file=done.names
            )
        )
    run.out.done(collected_event(done), *lines)
