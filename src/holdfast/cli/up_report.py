"""What `holdfast up` says in the end, and with --status."""

import shlex
from datetime import datetime
from typing import TYPE_CHECKING

from holdfast.base.errors import Exit
from holdfast.base.texts import _
from holdfast.cli import shown
from holdfast.cli.run import Run

if TYPE_CHECKING:
    from holdfast.app.up import Protected, UpDone
    from holdfast.app.up_proposal import Proposal


def tell(run: Run, done: "UpDone") -> None:
    from holdfast.cli.json_events import Up

    known = done.registration
    event = Up(
        server=done.address,
        api=f"{done.address}/api/v1",
        console=_console(done),
        ca_fingerprint=done.fingerprint,
        account=done.account if done.password else None,
        password=done.password,
        vault=known.vault_name,
        vault_location=done.vault_location,
        machine=known.machine_id,
        name=known.name,
        passphrase_file=done.passphrase_file,
        recovery_key_file=done.recovery_key,
        protected=[" ".join(one.paths) for one in done.protected],
        next_runs=[one.next_run for one in done.protected],
    )
    run.out.done(event, "", *shown.table(_facts(done)), "", *_to_keep(done), *_next(run, done), "")


def tell_proposal(run: Run, proposal: "Proposal") -> None:
    """Before the question whether it is wanted."""
    policy = proposal.policy
    when = f"{policy.schedule} ({policy.zone})"
    if policy.jitter != "0s":
        when = _("{when}, within {span}").format(when=when, span=policy.jitter)
    rows = [
        (_("Backs up"), shown.line(" ".join(proposal.paths))),
        (_("Leaves out"), shown.line(" ".join(proposal.options.get("excludes", [])) or "-")),
        (_("When"), when),
        (_("Keeps"), ", ".join(policy.retention) or _("everything")),
    ]
    if policy.verification:
        share = policy.verification.read_data or "-"
        rows.append((_("Verifies"), f"{policy.verification.schedule}, {share}"))
    run.out.remark("")
    run.out.remark(_("The policy {name} is proposed for this machine:").format(name=policy.name))
    for line in shown.table(rows):
        run.out.remark(f"  {line}")


def tell_status(run: Run) -> int:
    from holdfast.agent.place import Place
    from holdfast.app.control.server_settings import load_server_settings
    from holdfast.app.registration_state import find_registration
    from holdfast.app.up_processes import is_locked, running_pid
    from holdfast.app.up_server import OwnServer
    from holdfast.cli.json_events import UpStatus

    home = run.session.settings.home
    server, found = OwnServer(settings=load_server_settings(home)), find_registration(home)
    serves, works = is_locked(server.lock), is_locked(Place(home).lock)
    event = UpStatus(
        server=server.address,
        server_runs=serves,
        agent_runs=works,
        machine=found.machine_id if found else None,
        up_process=running_pid(home),
    )
    state = {True: _("runs"), False: _("does not run")}
    rows = [
        (_("Server"), state[serves], server.address),
        (_("Agent"), state[works], Place(home).log if works else ""),
        (
            _("Machine"),
            _("registered") if found else _("not registered"),
            found.name if found else "",
        ),
    ]
    run.out.show(event, *shown.table(rows))
    return Exit.FINE if serves and works and found else Exit.FAILED


def _facts(done: "UpDone") -> list[tuple[str, str]]:
    rows = [(_("Server"), done.address), (_("Console"), _console(done))]
    if done.fingerprint:
        rows.append((_("Authority"), done.fingerprint))
    if done.password:
        rows.append((_("Account"), f"{done.account}, {_('password')} {done.password}"))
    if done.vault_location:
        rows.append((_("Vault"), f"{done.registration.vault_name}, {done.vault_location}"))
    rows.append((_("Machine"), f"{done.registration.name}, {done.registration.machine_id}"))
    rows += [(_("Protected"), _line(one)) for one in done.protected]
    rows.append((_("Passphrase"), done.passphrase_file))
    if done.recovery_key:
        rows.append((_("Recovery key"), done.recovery_key))
    return rows


def _console(done: "UpDone") -> str:
    """A newcomer is led on from what is done already; everybody else wants the overview."""
    from holdfast.console.places import address

    return done.address + address("/start" if done.password else "/")


def _line(one: "Protected") -> str:
    when = shown.moment(datetime.fromisoformat(one.next_run)) if one.next_run else "-"
    words = _("{paths}, next at {when} ({policy})")
    return words.format(paths=shown.line(" ".join(one.paths)), when=when, policy=one.policy)


def _to_keep(done: "UpDone") -> list[str]:
    """What must not burn with this machine."""
    lines = []
    if done.password:
        lines.append(_("The password is shown this once: write it down."))
    if done.recovery_key:
        lines.append(
            _(
                "Print the recovery key, lock it away, and delete the file: "
                "if this machine is lost, nothing else opens its backups."
            )
        )
    if done.vault_location and done.vault_location.startswith(_parent(done.passphrase_file)):
        lines.append(
            _(
                "The vault lies on this machine. To survive its loss, keep it elsewhere: "
                "--vault of the first `holdfast up`, or `holdfast vault create --name NAME PLACE`."
            )
        )
    return [*lines, ""] if lines else []


def _parent(file: str) -> str:
    """The home, from the file in its folder `agent`."""
    return file.rpartition("/agent/")[0] + "/"


def _next(run: Run, done: "UpDone") -> list[str]:
    from holdfast.app.config import is_usual_home

    home = run.session.settings.home
    rows = []
    if not is_usual_home(home):
        rows.append((f"export HOLDFAST_HOME={shlex.quote(home)}", _("where all of this lies")))
    if done.declined is not None:
        paths = " ".join(f"--paths {path}" for path in done.declined.paths[:2])
        rows.append((f"holdfast up --yes {paths}", _("protect this machine every night")))
    if not done.is_logged_in:
        rows.append(
            (f"holdfast login {done.address}", _("see and change policies, machines, jobs"))
        )
    rows += [
        (_backup(done), _("a first recovery point, now")),
        ("holdfast points", _("what can be restored")),
        ("holdfast jobs", _("what was done, on all machines")),
        ("holdfast vault credentials main", _("let another machine register")),
        ("holdfast doctor", _("when something does not work")),
    ]
    return [_("Next, in another terminal:"), *(f"  {line}" for line in shown.table(rows))]


def _backup(done: "UpDone") -> str:
    """By the agent where there is a policy, so that its point counts as the policy's."""
    if not done.protected:
        return "holdfast backup /etc"
    name = shlex.quote(done.registration.name)
    return f"holdfast jobs run {name} backup --assignment {done.protected[0].id} --follow"
