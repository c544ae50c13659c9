"""`holdfast vault policy`: what a server's machines back up when, and how long it is kept."""

import json
from typing import Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _, ngettext
from holdfast.cli import shown
from holdfast.cli.command import Group, option
from holdfast.cli.run import Run, start
from holdfast.cli.server_records import (
    Column,
    Record,
    approval_option,
    pin_option,
    tell_done,
    tell_list,
    tell_one,
    text,
    when,
)

_LAZY = {
    "attach": "holdfast.cli.vault_policy_attach:attach",
    "attached": "holdfast.cli.vault_policy_attach:attached",
    "change": "holdfast.cli.vault_policy_change:change",
    "detach": "holdfast.cli.vault_policy_attach:detach",
    "pause": "holdfast.cli.vault_policy_attach:pause",
    "resume": "holdfast.cli.vault_policy_attach:resume",
}
_GOING: list[Column] = [
    (N_("Point"), lambda record: str(record["id"])[:8]),
    (N_("Taken"), when("taken_at")),
    (N_("Machine"), text("machine")),
    (N_("Paths"), lambda record: shown.line(" ".join(record["paths"]))),
    (N_("Held by"), lambda record: shown.line(", ".join(record["held_by"]) or "-")),
]


def _of_body(*names: str) -> Any:
    """A value inside the policy, on one line."""

    def cell(record: Record) -> str:
        found: Any = record["body"]
        for name in names:
            # A policy that was made before there was such a thing says nothing of it.
            found = found.get(name) if found is not None else None
        texts = found if isinstance(found, list) else [found]
        return shown.line(", ".join(map(str, texts))) if found not in (None, []) else "-"

    return cell


_LINE: list[Column] = [
    (N_("Name"), text("name")),
    (N_("Schedule"), _of_body("schedule")),
    (N_("Zone"), _of_body("zone")),
    (N_("Keeps"), _of_body("retention")),
    (N_("Sources"), text("attached")),
]
_FACTS: list[Column] = [
    (N_("Name"), text("name")),
    (N_("Id"), text("id")),
    (N_("Version"), text("version")),
    (N_("Changed"), when("changed_at")),
    (N_("Schedule"), _of_body("schedule")),
    (N_("Zone"), _of_body("zone")),
    (N_("Spread over"), _of_body("jitter")),
    (N_("Virtual machines over"), _of_body("spread")),
    (N_("Not during"), _of_body("blackouts")),
    (N_("Keeps"), _of_body("retention")),
    (N_("Verifies"), _of_body("verification", "schedule")),
    (N_("Reads of it"), _of_body("verification", "read_data")),
    (N_("Prunes"), _of_body("prune", "schedule")),
    (N_("Sources"), text("attached")),
]
on_option = option(
    "--on", "vault", metavar="VAULT", required=True, help=N_("The vault, by name or id.")
)


@click.group(
    cls=Group,
    lazy=_LAZY,
    needs_vault=False,
    help=N_("Say when the machines of a server's vault back up, and how long points are kept."),
)
def policy() -> None:
    pass


@policy.command(
    needs_vault=False,
    help=N_("Print a policy that suits most servers, to begin with. Nothing is made of it yet."),
    examples=[
        (
            "holdfast vault policy propose --zone Europe/Berlin > nightly.json",
            N_("Then change what should be different, and `set` it."),
        )
    ],
)
@option("--name", default="default", metavar="NAME", help=N_("How it is to be called."))
@option("--zone", default="UTC", metavar="ZONE", help=N_("Time zone, as in Europe/Berlin."))
def propose(*, name: str, zone: str) -> None:
    from holdfast.fleet.policies import policy_body
    from holdfast.fleet.policies import propose as proposal
    from holdfast.fleet.policy_reading import read_policy

    body = policy_body(read_policy(policy_body(proposal(name, zone))))
    click.echo(json.dumps(body, indent=2, ensure_ascii=False))


@policy.command(
    "list",
    needs_vault=False,
    help=N_("List the policies of a vault."),
    examples=[("holdfast vault policy list --on main", N_("With how many sources each protects."))],
)
@on_option
def list_policies(*, vault: str) -> None:
    from holdfast.app.server_client import connect, part

    run = start()
    found = connect(run.session.settings.home).items(f"/vaults/{part(vault)}/policies")
    tell_list(run, "policy", found, _LINE)


@policy.command(
    needs_vault=False,
    help=N_("Say everything about one policy."),
    examples=[
        ("holdfast vault policy show nightly --on main", N_("What it does.")),
        (
            "holdfast vault policy show nightly --on main --body > nightly.json",
            N_("The policy itself, to change it and `set` it again."),
        ),
    ],
)
@click.argument("name")
@on_option
@option("--body", is_flag=True, help=N_("Print the policy itself, as JSON."))
def show(name: str, *, vault: str, body: bool) -> None:
    from holdfast.app.policies_server import find_policy
    from holdfast.app.server_client import connect

    run = start()
    found = find_policy(connect(run.session.settings.home), vault, name)
    if body:
        click.echo(json.dumps(found["body"], indent=2, ensure_ascii=False))
        return
    tell_one(run, "policy", found, _FACTS)


@policy.command(
    "set",
    needs_vault=False,
    exits=[Exit.DECIDE],
    help=N_(
        "Make the policy in FILE, or change the one of its name.\n\n"
        "FILE is JSON or TOML; '-' is standard input. Shorter retention is a dangerous act: it "
        "needs the security PIN, and an immutable vault refuses it."
    ),
    examples=[("holdfast vault policy set nightly.json --on main", N_("Machines follow at once."))],
)
@click.argument("file", metavar="FILE")
@on_option
@pin_option
@approval_option
def set_policy(file: str, *, vault: str, pin: str | None, approval: str | None) -> None:
    from holdfast.app.asking_twice import do_dangerous
    from holdfast.app.policies_server import read_policy_file, save_policy

    run = start()
    body = read_policy_file(file)
    made = do_dangerous(
        run.session, lambda client: save_policy(client, vault, body), pin=pin, approval=approval
    )
    sentence = _("The policy {name} is in force, version {version}")
    tell_done(run, "policy", made, sentence.format(name=made["name"], version=made["version"]))


@policy.command(
    needs_vault=False,
    help=N_("List the recovery points that would go if the policy in FILE were set."),
    examples=[("holdfast vault policy preview nightly.json --on main", N_("Nothing is changed."))],
)
@click.argument("file", metavar="FILE")
@on_option
def preview(file: str, *, vault: str) -> None:
    from holdfast.app.policies_server import find_policy, read_policy_file
    from holdfast.app.server_client import connect

    run = start()
    body = read_policy_file(file)
    client = connect(run.session.settings.home)
    known = find_policy(client, vault, str(body.get("name", "")))
    _tell_preview(run, client.post(f"/policies/{known['id']}/preview", body))


@policy.command(
    needs_vault=False,
    help=N_("Delete a policy that is attached to nothing."),
    examples=[("holdfast vault policy delete nightly --on main", N_("Recovery points stay."))],
)
@click.argument("name")
@on_option
def delete(name: str, *, vault: str) -> None:
    from holdfast.app.policies_server import find_policy
    from holdfast.app.server_client import connect

    run = start()
    client = connect(run.session.settings.home)
    known = find_policy(client, vault, name)
    client.delete(f"/policies/{known['id']}")
    tell_done(run, "policy", known, _("Deleted the policy {name}").format(name=known["name"]))


def _tell_preview(run: Run, found: Record) -> None:
    count = int(found["count"])
    if found["going"]:
        tell_list(run, "point-going", found["going"], _GOING)
    sentence = ngettext("{count} point would go", "{count} points would go", count)
    lines = [sentence.format(count=f"{count:,}")]
    if found["refused"] is not None:
        lines.append(_("The vault would refuse it: {reason}").format(reason=found["refused"]))
    elif found["is_shorter"]:
        lines.append(_("It keeps less than now, so it needs the security PIN."))
    summary = {name: value for name, value in found.items() if name != "going"}
    tell_done(run, "policy-preview", summary, *map(shown.line, lines))
