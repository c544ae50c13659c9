"""`holdfast vault policy change`: another policy, other sources or options for what is protected."""

from typing import Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli import shown
from holdfast.cli.command import Command, option
from holdfast.cli.run import start
from holdfast.cli.server_records import Record, approval_option, pin_option, tell_done
from holdfast.cli.vault_policy_attach import said_of, source_options
from holdfast.fleet.virtual_machines import ALL, sources_text


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.DECIDE],
    help=N_(
        "Let the protection ID be by another policy, of other PATHS or virtual machines, or with "
        "other options; what is not named stays.\n\n"
        "Its recovery points stay its own. A policy that keeps less may need the PIN, or the "
        "approval of a second person, as shortening one does."
    ),
    examples=[
        (
            "holdfast vault policy change 3f2a9c0d11e8b7a6 --policy hourly",
            N_("From now on more often. Ids: see `attached`."),
        ),
        (
            "holdfast vault policy change 3f2a9c0d11e8b7a6 /etc /srv /home --exclude '*.tmp'",
            N_("These paths instead, without temporary files."),
        ),
        ("holdfast vault policy change 3f2a9c0d11e8b7a6 --plain", N_("Without any options.")),
    ],
)
@click.argument("id_", metavar="ID")
@click.argument("paths", nargs=-1, metavar="[PATH…]")
@option("--policy", metavar="NAME", help=N_("By this policy of the same vault."))
@source_options
@option("--plain", is_flag=True, help=N_("None of the options that were set before."))
@pin_option
@approval_option
def change(  # noqa: PLR0913  a parameter per option
    id_: str,
    paths: tuple[str, ...],
    *,
    policy: str | None,
    vms: tuple[str, ...],
    all_vms: bool,
    plain: bool,
    pin: str | None,
    approval: str | None,
    **options: Any,
) -> None:
    from holdfast.app.asking_twice import do_dangerous
    from holdfast.app.server_client import connect, part

    run = start()
    known = connect(run.session.settings.home).get(f"/assignments/{part(id_)}")
    machines = [*vms, *([ALL] if all_vms else [])]
    wanted = _wanted(
        known, policy=policy, paths=paths, machines=machines, options=options, is_plain=plain
    )
    if not wanted:
        raise click.UsageError(_("Name what is to be different"))
    made = do_dangerous(
        run.session,
        lambda client: client.patch(f"/assignments/{part(id_)}", wanted),
        pin=pin,
        approval=approval,
    )
    told = {
        "policy": made["policy"],
        "paths": shown.line(sources_text(made["paths"], made.get("vms", ()))),
        "machine": shown.line(made["machine"]),
    }
    tell_done(run, "assignment", made, _("{policy} protects {paths} of {machine}").format(**told))


def _wanted(
    known: Record,
    *,
    policy: str | None,
    paths: tuple[str, ...],
    machines: list[str],
    options: dict[str, Any],
    is_plain: bool,
) -> dict[str, Any]:
    """Options are told as a whole, so those that stay are told again."""
    said = said_of(options)
    before = {} if is_plain else known["options"]
    told = {
        "policy": policy,
        "paths": list(paths) or None,
        "vms": machines or None,
        "options": {**before, **said} if said or is_plain else None,
    }
    return {name: value for name, value in told.items() if value is not None}
