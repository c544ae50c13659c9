"""A server's state with a caller of every kind in it, and things of each caller's own to ask for."""

import base64
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
from httpx import Client

from holdfast.app.control.identifying import secret_hash
from holdfast.app.control.passwords import hash_password
from holdfast.app.control.webhook_calls import WebhookCalls
from holdfast.base.secret import Secret
from holdfast.catalog.tables import (
    Account,
    Alert,
    Certificate,
    Command,
    Point,
    Replication,
    Scrub,
    Token,
    Vm,
)
from holdfast.fleet.policies import policy_body, propose
from holdfast.fleet.roles import Role, Scope
from holdfast.recovery.drills.drill import DrillRun, Objective
from holdfast.server.application import PREFIX, make_app
from holdfast.testing.planes import (
    Registered,
    add_admin,
    add_machine,
    add_person,
    add_vault,
    client_of,
    make_csr,
    make_key,
    make_plane,
)
from tests.unit.recovery.trials import trial

PASSWORD = "four random words here"
_MADE_AT = "2026-01-01T12:00:00Z"
PEOPLE = ("stranger", "reader", "operator", "contributor", "admin", "token-read", "token-operate")
LOCKED_OUT = ("anonymous", "token-expired", "token-revoked", "account-disabled", "machine-revoked")
CALLERS = (*LOCKED_OUT, *PEOPLE, "machine", "machine-foreign")


class World:
    """Everybody may destroy what is theirs to ask for: nobody else asks for it."""

    def __init__(self, folder: Path, database_url: str | None = None) -> None:
        # Alerts are sent to this machine itself, where nobody listens.
        own = WebhookCalls("", [ip_network("127.0.0.0/8")])
        self.plane = replace(make_plane(folder, database_url=database_url), webhooks=own)
        self.app: Any = make_app(self.plane)
        self.vault = add_vault(self.plane, "office", soft_delete_days=14, machine_limit=1000)
        self.other_vault = add_vault(self.plane, "elsewhere")
        self._keeper = client_of(self.plane, token=add_admin(self.plane).token, app=self.app)
        self.tokens = self._people()
        self.machines = {
            "machine": add_machine(self.plane, self.vault, "alpha"),
            "machine-foreign": add_machine(self.plane, self.other_vault, "beta"),
            "machine-revoked": self._revoked_machine(),
        }
        alpha = {"name": "alpha-site", "machine": self.machines["machine"].id}
        self._made("/sites", {**alpha, "folder": "/srv/replicas"})
        self._things: dict[str, dict[str, str]] = {}
        for name in CALLERS:
            self._things[name] = self._make_things(name)
        self._set_passwords()

    def client(self, caller: str) -> Client:
        shown = self.machines.get(caller)
        return client_of(
            self.plane,
            token=self.tokens.get(caller),
            machine=shown.fingerprint if shown else None,
            app=self.app,
        )

    def spare_client(self, caller: str) -> Client:
        """With another session or certificate of the caller's kind, which may end."""
        if caller in ("machine", "machine-foreign"):
            spare = add_machine(self.plane, self.vault, f"spare-{caller}")
            return client_of(self.plane, machine=spare.fingerprint, app=self.app)
        if caller not in PEOPLE:
            return self.client(caller)
        scopes = {"token-read": (Scope.READ,), "token-operate": (Scope.OPERATE,)}.get(caller, ())
        name = _ACCOUNTS.get(caller, caller)
        token = add_person(self.plane, name, scopes=scopes).token
        return client_of(self.plane, token=token, app=self.app)

    def things(self, caller: str) -> dict[str, str]:
        """What `{vault}` and the like in a path stand for, and other values bodies need."""
        return self._things[caller]

    def _people(self) -> dict[str, str]:
        plane, vault = self.plane, self.vault
        add_person(plane, "stranger", role=Role.CONTRIBUTOR, vault_id=self.other_vault)
        tokens = {
            role.value: add_person(plane, role.value, role=role, vault_id=vault).token
            for role in Role
        }
        return {
            **tokens,
            "stranger": add_person(plane, "stranger").token,
            "admin": add_person(plane, "root", is_admin=True).token,
            "token-read": self._limited(Scope.READ),
            "token-operate": self._limited(Scope.OPERATE),
            "token-expired": self._ended("expired", expires_at=plane.clock.now()),
            "token-revoked": self._ended("revoked", revoked_at=plane.clock.now()),
            "account-disabled": self._disabled(),
        }

    def _set_passwords(self) -> None:
        kept = hash_password(PASSWORD)
        with self.plane.database.write() as db:
            for account in db.query(Account):
                account.password_hash = kept

    def _limited(self, scope: Scope) -> str:
        """Of an administrator: what is refused then is refused for the token's sake."""
        return add_person(self.plane, f"{scope.value}-robot", is_admin=True, scopes=(scope,)).token

    def _ended(self, name: str, **change: Any) -> str:
        person = add_person(self.plane, name, is_admin=True)
        with self.plane.database.write() as db:
            token = db.query(Token).filter_by(account_id=person.actor.id).one()
            for field, value in change.items():
                setattr(token, field, value)
        return person.token

    def _disabled(self) -> str:
        person = add_person(self.plane, "disabled", is_admin=True)
        with self.plane.database.write() as db:
            db.get_one(Account, person.actor.id).disabled_at = self.plane.clock.now()
        return person.token

    def _revoked_machine(self) -> Registered:
        machine = add_machine(self.plane, self.vault, "gamma")
        with self.plane.database.write() as db:
            db.get_one(Certificate, machine.fingerprint).revoked_at = self.plane.clock.now()
        return machine

    def _make_things(self, caller: str) -> dict[str, str]:
        machine = add_machine(self.plane, self.vault, f"of-{caller}").id
        reader = add_machine(self.plane, self.vault, f"reader-{caller}").id
        self._scrub(machine)
        self._told(machine)
        policy = self._made(f"/vaults/{self.vault}/policies", _policy(f"of {caller}"))
        attached = {"policy": policy, "paths": ["/srv"]}
        leaving = add_machine(self.plane, self.vault, f"leaving-{caller}").id
        target = {"name": caller, "url": "json://127.0.0.1:9/", "vault": self.vault}
        report = {"vault": self.vault, "page": "<!doctype html>", "made_at": _MADE_AT}
        silence = {"reason": "works", "vault": self.vault, "kind": "backup-failed"}
        wanted = {"vault": self.vault, "act": "vault-delete", "request": {}}
        return {
            "vault": self.vault,
            "machine_id": machine,
            "point_id": _POINT,
            "uuid": _VM,
            "reader": reader,
            "leaving": leaving,
            "policy_id": policy,
            "assignment_id": self._made(f"/machines/{machine}/assignments", attached),
            "job_id": self._made(f"/machines/{machine}/jobs", {"kind": "check"}),
            "ended_job": self._ended_job(machine),
            "grant_id": self._made(f"/machines/{machine}/readers", {"reader": reader}),
            "target_id": self._made("/alert-targets", target),
            "useless_target": self._made("/alert-targets", {**target, "name": f"no {caller}"}),
            "rule_id": self._made("/alert-suppressions", silence),
            "approval_id": self._made("/approvals", wanted),
            "alert_id": self._alert(caller),
            "report_id": self._made("/reports/kept", {**report, "title": f"of {caller}"}),
            "problem_id": f"backup-failed:{self.vault}::alert-of-{caller}",
            "token_id": self._token_of(caller),
            "name": self._account(f"of-{caller}"),
            "account": self._account(f"granted-{caller}"),
            "lease_id": self._lease(),
            **self._work(),
            **self._replication(caller),
            "csr": make_csr(make_key()),
            "unlock_id": "0" * 32,
            "question_id": "0" * 32,
            "ticket": self._ticket(machine),
        }

    def _made(self, path: str, body: Any) -> str:
        answer = self._keeper.post(PREFIX + path, json=body)
        assert answer.status_code == 201, (path, answer.text)
        return str(answer.json()["id"])

    def _ended_job(self, machine: str) -> str:
        job = self._made(f"/machines/{machine}/jobs", {"kind": "doctor"})
        answer = self._keeper.post(f"{PREFIX}/jobs/{job}/cancel")
        assert answer.is_success, answer.text
        return job

    def _alert(self, caller: str) -> str:
        now, alert_id = self.plane.clock.now(), f"alert-of-{caller}"
        alert = Alert(
            id=alert_id,
            key=alert_id,
            kind="backup-failed",
            severity="error",
            vault_id=self.vault,
            fields={},
            first_at=now,
            last_at=now,
            count=1,
            sent_to=[],
        )
        with self.plane.database.write() as db:
            db.add(alert)
        return alert_id

    def _token_of(self, caller: str) -> str:
        """A token of the API that belongs to the caller."""
        if caller not in self.tokens:
            return "none"
        with self.plane.database.write() as db:
            mine = db.query(Account).filter_by(name=_ACCOUNTS.get(caller, caller)).one()
            now, token_id = self.plane.clock.now(), f"token-of-{caller}"
            token = Token(
                id=token_id,
                account_id=mine.id,
                kind="api",
                name="program",
                secret_hash=token_id,
                scopes=["read"],
                created_at=now,
                expires_at=now + timedelta(days=1),
            )
            db.add(token)
        return token_id

    def _account(self, name: str) -> str:
        add_person(self.plane, name)
        return name

    def _work(self) -> dict[str, str]:
        """A job of the machine `alpha`, and the command that offers it."""
        alpha = self.machines["machine"].id
        source = {"paths": [f"/srv/{len(self._things)}"]}
        job = self._made(f"/machines/{alpha}/jobs", {"kind": "backup", "arguments": source})
        with self.plane.database.read() as db:
            number = db.query(Command).filter_by(job_id=job).one().id
        return {"own_job": job, "number": str(number)}

    def _replication(self, caller: str) -> dict[str, str]:
        """A site with a replication to it, one with nothing, and a machine that is none yet."""
        sites = [f"{caller}-site", f"{caller}-spare"]
        for name in sites:
            machine = add_machine(self.plane, self.vault, f"of-{name}").id
            self._made("/sites", {"name": name, "machine": machine, "folder": "/srv/replicas"})
        vm = f"vm-of-{caller}"
        made = self._replicated(vm, sites[0])
        # One that may be ended: recoveries need the other.
        spare = self._replicated(f"spare-of-{caller}", sites[0])
        free = add_machine(self.plane, self.vault, f"free-{caller}").id
        found = {"site": sites[0], "spare": sites[1], "replication_id": made, "free": free}
        return {**found, "spare_replication": spare, **self._recovery(vm)}

    def _replicated(self, vm: str, site: str) -> str:
        wanted = {"vm": vm, "name": "db", "site": site}
        answer = self.client("machine").post(f"{PREFIX}/agent/replications/wanted", json=wanted)
        assert answer.is_success, answer.text
        with self.plane.database.read() as db:
            return db.query(Replication).filter_by(vm=vm).one().id

    def _recovery(self, vm: str) -> dict[str, str]:
        """A plan of that machine, and a run of it that has not come to its end."""
        client, text = self.client("admin"), {"text": plan_text(vm)}
        plan = client.put(f"{PREFIX}/vaults/{self.vault}/recovery-plans", json=text).json()["id"]
        run = self._made(f"/recovery-plans/{plan}/runs", {"act": "test"})
        looked = self._made(f"/recovery/{vm}/check", {"arguments": {"act": "test"}})
        drilled = {"run": self._drilled(vm), "job": looked}
        return {"vm": vm, "act": "test", "plan_id": plan, "run_id": run, **drilled}

    def _drilled(self, vm: str) -> str:
        """A drill that the machine `alpha` has told of, with a picture."""
        told = drill_run(len(self._things) + 1, vm)
        answer = self.client("machine").put(f"{PREFIX}/agent/drill-runs", json=told)
        assert answer.is_success, answer.text
        return str(told["run"]["trial"]["id"])

    def _scrub(self, machine: str) -> None:
        with self.plane.database.write() as db:
            db.add(Scrub(machine_id=machine, started_at=self.plane.clock.now(), damaged=[]))

    def _told(self, machine: str) -> None:
        """A recovery point and a virtual machine."""
        now = self.plane.clock.now()
        with self.plane.database.write() as db:
            db.add(Point(machine_id=machine, id=_POINT, taken_at=now, host="-", paths=[], tags=[]))
            db.add(Vm(machine_id=machine, uuid=_VM, name="db", facts=_NOT_SEEN, told_at=now))

    def _ticket(self, machine: str) -> str:
        """For a passphrase that the machine `alpha` is to fetch."""
        now = self.plane.clock.now()
        key = self.plane.typed_keys.keep(
            login=secret_hash(self.tokens["operator"]),
            account_id="account-operator",
            machine_id=machine,
            reader_id=self.machines["machine"].id,
            passphrase=Secret(PASSWORD.encode()),
            now=now,
            life=timedelta(hours=1),
        )
        return self.plane.typed_keys.ticket(key)

    def _lease(self) -> str:
        """Of the machine `alpha`: the same for all, since it may take only one at a time."""
        client = self.client("machine")
        answer = client.post(f"{PREFIX}/agent/leases", json={"kind": "prune", "seconds": 60})
        return str(answer.json()["id"])


_POINT, _VM = "ab" * 32, "vm-of-a-host"
_NOT_SEEN = {"state": None, "protectable": None, "consistency": None}
_ACCOUNTS = {
    "admin": "root",
    "token-read": "read-robot",
    "token-operate": "operate-robot",
    "token-expired": "expired",
    "token-revoked": "revoked",
    "account-disabled": "disabled",
}


def _policy(name: str) -> dict[str, Any]:
    return {**policy_body(propose()), "name": name}


def drill_run(number: int, vm: str) -> dict[str, Any]:
    """As an agent tells of it."""
    run = DrillRun(trial=trial(number, vm=vm, name="db"), objective=Objective(), host="alpha")
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 20).decode()
    return {"digest": f"d{number}", "run": msgspec.to_builtins(run), "picture": picture}


def plan_text(vm: str) -> str:
    return f"version: 1\nname: plan-{vm}\ngroups:\n  - name: all\n    machines: [{{vm: {vm}}}]\n"
