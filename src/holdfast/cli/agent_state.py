"""`holdfast agent status`, `renew` and `unregister`: this machine's registration."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli import shown
from holdfast.cli.command import Command, option
from holdfast.cli.run import start


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Say with which vault this machine is registered, how its agent stands and what it does "
        "next, and whether all is well.\n\n"
        "With status 3 something is not; the message says what to do."
    ),
    exits=[Exit.WARNINGS, Exit.NO_VAULT],
    examples=[("holdfast agent status --json", N_("The same for a program."))],
)
def status() -> int:
    from holdfast.agent.overview import look as look_at_agent
    from holdfast.app.unregister import status as look
    from holdfast.cli import agent_report
    from holdfast.cli.json_events import AgentState

    run = start()
    found = look(run.session)
    agent = look_at_agent(run.session.settings.home, run.session.clock.now())
    known = found.registration
    troubles = [one for one in (found.server_trouble, found.passphrase_trouble) if one]
    event = AgentState(
        machine=known.machine_id,
        name=known.name,
        vault=known.vault_id,
        vault_name=known.vault_name,
        server=known.server,
        location=known.location,
        proxy=known.proxy is not None,
        certificate_ends=found.certificate_ends,
        troubles=[one.code for one in troubles],
        readable=list(found.readable),
        **agent_report.fields(agent),
    )
    rows = [
        (_("Machine"), f"{shown.line(known.name)} ({known.machine_id})"),
        (_("Vault"), f"{shown.line(known.vault_name)} ({known.vault_id})"),
        (_("Server"), known.server),
        (_("Certificate until"), found.certificate_ends),
        (_("Server knows us"), _("no") if found.server_trouble else _("yes")),
        (_("Saved passphrase"), _("damaged") if found.passphrase_trouble else _("there")),
        *((_("May also read"), location) for location in found.readable),
        *agent_report.rows(agent),
    ]
    run.out.show(event, *shown.table(rows))
    for one in troubles:
        run.out.warning(f"{one} {one.advice}")
    warnings = agent_report.warnings(agent)
    for sentence in warnings:
        run.out.warning(sentence)
    return Exit.WARNINGS if troubles or warnings else Exit.FINE


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Make a new key and have the server give a certificate for it; the old one goes."),
    exits=[Exit.NO_VAULT],
    examples=[("holdfast agent renew", N_("The agent does this by itself in time."))],
)
def renew() -> None:
    from holdfast.app.unregister import renew as renew_certificate
    from holdfast.cli.json_events import CertificateRenewed

    run = start()
    ends = renew_certificate(run.session)
    run.out.done(
        CertificateRenewed(ends=ends), _("The certificate is good until {ends}").format(ends=ends)
    )


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Leave the vault: this machine's certificate and saved passphrase go.\n\n"
        "Its recovery points stay in the vault; a file of `holdfast vault credentials NAME "
        "--replaces ID` and the passphrase bring it back to them."
    ),
    exits=[Exit.NO_VAULT, Exit.DECIDE],
    examples=[("holdfast agent unregister --yes", N_("Without being asked."))],
)
@option("--yes", is_flag=True, help=N_("Do not ask; the passphrase is known elsewhere."))
@option(
    "--even-unheard",
    is_flag=True,
    help=N_("Also when the server cannot be told; unregister the machine there by hand."),
)
def unregister(*, yes: bool, even_unheard: bool) -> int:
    from holdfast.app.unregister import unregister as leave
    from holdfast.cli.json_events import MachineUnregistered

    run = start()
    if not yes and not _is_sure():
        run.out.remark(_("Nothing was changed."))
        return Exit.DECIDE
    former = leave(run.session, even_unheard=even_unheard)
    run.out.done(
        MachineUnregistered(machine=former.machine_id, vault=former.vault_id),
        _("Left vault {vault}; this machine was {id} there").format(
            vault=former.vault_name, id=former.machine_id
        ),
    )
    return Exit.FINE


def _is_sure() -> bool:
    import sys

    if not sys.stdin.isatty():
        raise click.UsageError(_("Nobody is there to ask: give --yes"))
    question = _("The saved passphrase is removed. Do you know it, or hold the recovery key?")
    return click.confirm(question)
