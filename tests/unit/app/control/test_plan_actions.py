"""Actions of plans that the server runs: by names at hosts, in guests, and by itself; never more."""

import json
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.job_errors import NotForMachines
from holdfast.app.control.job_orders import cancel_job, order_job
from holdfast.app.control.job_reports import report_job
from holdfast.app.control.plan_checks import check_plan
from holdfast.app.control.plan_run_errors import (
    PlanHostNotNamed,
    PlanNeedsHost,
    PlanTokenNeedsHost,
)
from holdfast.app.control.plan_run_views import show_plan_run
from holdfast.app.control.plan_runs import answer, begin_run
from holdfast.app.control.recoveries import take_recovery
from holdfast.app.control.recovery_plans import list_plans, put_plan
from holdfast.app.control.webhook_calls import TOKENS, WebhookCalls
from holdfast.base.errors import HoldfastError
from holdfast.catalog.tables import AuditEntry, Job, RecoveryPlan
from holdfast.fleet.arguments import read_arguments
from holdfast.fleet.jobs import Kind
from holdfast.fleet.messages import JobReport
from holdfast.fleet.recovery_messages import RecoveryTold
from holdfast.fleet.roles import Role
from holdfast.recovery.plans.plan_errors import PlanScriptMissing
from holdfast.testing.planes import Registered, add_person, add_vault
from holdfast.testing.waiting import wait_until
from tests.unit.app.control.replication_ground import Ground
from tests.unit.app.control.test_plan_runs import driven, end
from tests.unit.app.webhooks import Hook, listening_hook

PLAN = """\
version: 1
name: shop
groups:
  - name: first
    pre:
      - host-script: switch-dns
        host: kvm2
    machines:
      - vm: db
        addresses: {office: 198.51.100.7/24}
        post:
          - guest-script: systemctl start shop
            timeout: 90s
          - host-script: look
            repeatable: true
"""
HOOK = """\
version: 1
name: shop
groups:
  - name: first
    pre:
      - webhook: %s
        on-failure: ask
    machines: [db]
"""


@pytest.fixture
def address() -> Iterator[str]:
    with listening_hook() as found:
        yield found


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(tmp_path)
    own = WebhookCalls(str(tmp_path), [ip_network("127.0.0.0/8")])
    made.plane = replace(made.plane, webhooks=own)
    made.site()
    made.vms(made.one, "db", "web")
    made.replicated("db", "web")
    tell(made, made.two, "switch-dns")
    tell(made, made.far, "look")
    return made


def tell(ground: Ground, host: Registered, *scripts: str) -> None:
    told = RecoveryTold(at=ground.clock.now(), records=[], scripts=list(scripts))
    take_recovery(ground.plane, host.actor, told)


def begun(ground: Ground, text: str = PLAN, act: str = "unplanned") -> str:
    plan = put_plan(ground.plane, ground.admin, ground.vault, text)
    made = begin_run(ground.plane, ground.admin, plan.id, act=act, source_is_down=True, keep=None)
    return made.id


def actions(ground: Ground) -> list[Job]:
    with ground.plane.database.read() as db:
        found = db.query(Job).filter(Job.kind == Kind.PLAN_ACTION).order_by(Job.created_at)
        return list(found)


def done(ground: Ground, job: Job, host: Registered, **more: Any) -> None:
    report = JobReport(
        number=job.report_number + 1,
        kind=job.kind,
        origin="server",
        source=job.source,
        state="failed" if "error" in more else "done",
        created_at=job.created_at,
        arguments=job.arguments,
        **more,
    )
    report_job(ground.plane, host.actor, job.id, report)


def steps(ground: Ground, run: str) -> dict[str, str]:
    return {one.id: one.state for one in show_plan_run(ground.plane, ground.admin, run).steps}


def test_scripts_go_by_name_to_their_hosts_and_into_guests(ground: Ground) -> None:
    run = begun(ground)

    driven(ground, run)
    (dns,) = actions(ground)
    driven(ground, run)
    done(ground, dns, ground.two, result={"said": "switched"})
    driven(ground, run)
    with ground.plane.database.read() as db:
        start = db.query(Job).filter(Job.kind == Kind.UNPLANNED_FAILOVER).one()
    end(ground, start)
    driven(ground, run)
    inside = actions(ground)[1]
    done(ground, inside, ground.far)
    driven(ground, run)
    look = actions(ground)[2]
    done(ground, look, ground.far)
    over = driven(ground, run)

    assert (dns.machine_id, dns.arguments["script"]) == (ground.two.id, "switch-dns")
    assert "inside" not in dns.arguments
    told = json.loads(dns.arguments["context"])
    assert (told["plan"], told["step"], told["type"]) == ("shop", "first/pre-1", "unplanned")
    assert start.arguments["addresses"] == ["office=198.51.100.7/24"]
    assert (inside.machine_id, inside.arguments["inside"], inside.arguments["timeout"]) == (
        ground.far.id,
        "systemctl start shop",
        90,
    )
    assert (look.machine_id, look.arguments["repeatable"]) == (ground.far.id, True)
    shown = show_plan_run(ground.plane, ground.admin, run)
    assert next(one.said for one in shown.steps if one.id == "first/pre-1") == "switched"
    assert (over["is_over"], over["state"]) == (True, "done")


def test_one_that_was_cut_off_is_a_question_for_a_person(ground: Ground) -> None:
    run = begun(ground)
    driven(ground, run)
    error = {"code": "plan-action-interrupted", "message": "it was interrupted"}
    done(ground, actions(ground)[0], ground.two, error=error)

    driven(ground, run)
    (asked,) = show_plan_run(ground.plane, ground.admin, run).questions
    answer(ground.plane, ground.admin, run, step=asked.step, decision="again")
    driven(ground, run)
    again = actions(ground)[-1]

    assert (asked.is_about_failure, asked.question) == (True, "it was interrupted")
    assert again.id != actions(ground)[0].id
    assert ground.alerts() == []
    assert again.arguments["attempt"] == 2


@pytest.mark.parametrize(
    ("action", "error"),
    [
        ("script: reboot", PlanNeedsHost),
        ("host-script: switch-dns", PlanHostNotNamed),
        ("webhook: https://a.example/\n        token-file: /etc/shadow", PlanTokenNeedsHost),
    ],
)
def test_what_no_server_does_is_not_kept(
    ground: Ground, action: str, error: type[HoldfastError]
) -> None:
    text = PLAN.replace("host-script: switch-dns\n        host: kvm2", action)

    with pytest.raises(error):
        put_plan(ground.plane, ground.admin, ground.vault, text)
    checked = check_plan(ground.plane, ground.admin, ground.vault, text)

    assert [bool(one.cure) for one in checked.problems] == [True]


def test_a_check_on_the_host_is_done_by_no_server(ground: Ground) -> None:
    text = PLAN.replace("version: 1\n", "version: 1\ntest: {checks: ['host:reboot']}\n")

    with pytest.raises(PlanNeedsHost):
        put_plan(ground.plane, ground.admin, ground.vault, text)


def test_a_plan_is_looked_at_whole_however_long(ground: Ground) -> None:
    text = PLAN.replace("version: 1\n", "version: 1\n" + "# why it is so\n" * 20_000)

    checked = check_plan(ground.plane, ground.admin, ground.vault, text)

    assert checked.problems == []
    assert checked.picture is not None
    assert put_plan(ground.plane, ground.admin, ground.vault, text).text == text


def test_a_kept_plan_that_reads_no_more_hides_no_other(ground: Ground) -> None:
    kept = put_plan(ground.plane, ground.admin, ground.vault, PLAN)
    with ground.plane.database.write() as db:
        row = db.get_one(RecoveryPlan, kept.id)
        row.text = row.text.replace("groups", "gruops")
    other = put_plan(ground.plane, ground.admin, ground.vault, PLAN.replace("shop", "other"))

    listed = list_plans(ground.plane, ground.admin)

    assert {one.id: one.machines for one in listed} == {
        kept.id: [],
        other.id: ["db"],
    }


def test_a_script_that_is_not_there_is_said_before_a_run(ground: Ground) -> None:
    tell(ground, ground.two)

    checked = check_plan(ground.plane, ground.admin, ground.vault, PLAN)
    with pytest.raises(PlanScriptMissing) as caught:
        begun(ground)
    unknown = check_plan(
        ground.plane, ground.admin, ground.vault, PLAN.replace("kvm2", "elsewhere")
    )

    (missing,) = checked.missing
    assert checked.problems == []
    assert missing.problem == "The host kvm2 has no script switch-dns for plans"
    assert "plan-scripts/switch-dns" in missing.cure
    assert caught.value.fields["host"] == "kvm2"
    assert [one.problem for one in unknown.missing] == [
        "No host elsewhere is registered that the script switch-dns could run on"
    ]


def test_at_hosts_of_another_vault_who_runs_it_must_be_trusted_there(ground: Ground) -> None:
    other = add_vault(ground.plane, "other")
    person = add_person(ground.plane, "olga", role=Role.CONTRIBUTOR, vault_id=other)
    plan = put_plan(ground.plane, person.actor, other, PLAN)
    how: dict[str, Any] = {"act": "test", "source_is_down": False, "keep": None}
    runner = add_person(ground.plane, "otto", role=Role.OPERATOR, vault_id=ground.vault)
    _grant_too(ground, runner.actor.id, other)

    with pytest.raises(NotAllowed):
        begin_run(ground.plane, runner.actor, plan.id, **how)


def _grant_too(ground: Ground, account_id: str, vault_id: str) -> None:
    from holdfast.catalog.tables import Grant

    with ground.plane.database.write() as db:
        before = db.query(Grant).filter(Grant.account_id == account_id).one()
        facts = {
            name: getattr(before, name)
            for name in (one.name for one in Grant.__table__.columns)
            if name not in ("id", "vault_id")
        }
        db.add(Grant(**{**facts, "vault_id": vault_id}))


def test_people_order_no_actions_and_no_host_takes_a_path(ground: Ground) -> None:
    told = {"run": "r", "step": "s", "attempt": 1, "kind": "host-script", "script": "look"}
    told |= {"context": "{}", "timeout": 5}

    with pytest.raises(NotForMachines):
        order_job(ground.plane, ground.admin, ground.far.id, kind="plan-action", arguments=told)
    assert read_arguments(Kind.PLAN_ACTION, told)["script"] == "look"
    for wrong in (
        {"script": "../look"},
        {"script": "/bin/sh"},
        {"script": "look", "inside": "true", "vm": "u"},
        {"kind": "guest-script"},
        {"context": "none"},
        {"timeout": 0},
    ):
        with pytest.raises(ValueError, match=r"."):
            read_arguments(Kind.PLAN_ACTION, {**told, **wrong})


def _called(ground: Ground, run: str) -> None:
    def is_over() -> bool:
        driven(ground, run)
        return steps(ground, run)["first/pre-1"] not in ("", "running")

    wait_until(is_over)


def test_the_server_calls_a_webhook_itself(ground: Ground, address: str) -> None:
    run = begun(ground, HOOK % f"{address}/good/secret?key=secret")

    _called(ground, run)

    ((headers, told),) = Hook.heard
    shown = show_plan_run(ground.plane, ground.admin, run)
    assert headers["Idempotency-Key"] == f"{run}/first/pre-1"
    assert "Authorization" not in headers
    assert (told["plan"], told["machines"]["db"]["state"]) == ("shop", "waiting")
    assert next(one for one in shown.steps if one.id == "first/pre-1").said == "heard"
    assert "secret" not in repr(shown)
    with ground.plane.database.read() as db:
        (noted,) = db.query(AuditEntry).filter(AuditEntry.act == "plan-webhook")
    assert noted.detail["to"] == address
    assert (noted.detail["ended"], noted.object) == ("done", run)


@pytest.mark.parametrize("path", ["bad", "away"])
def test_a_no_and_a_redirect_are_failures(ground: Ground, address: str, path: str) -> None:
    run = begun(ground, HOOK % f"{address}/{path}")

    _called(ground, run)

    assert len(Hook.heard) == 1
    (asked,) = show_plan_run(ground.plane, ground.admin, run).questions
    assert asked.is_about_failure


@pytest.mark.parametrize("there", ["good", "bad"])
def test_a_server_that_died_in_the_middle_calls_again_with_the_same_key(
    ground: Ground, address: str, there: str
) -> None:
    run = begun(ground, HOOK % f"{address}/{there}")
    Hook.may_answer.clear()
    driven(ground, run)
    wait_until(lambda: len(Hook.heard) == 1)

    ground.plane = replace(ground.plane, webhooks=WebhookCalls("", [ip_network("127.0.0.0/8")]))
    Hook.may_answer.set()
    _called(ground, run)

    keys = {headers["Idempotency-Key"] for headers, _told in Hook.heard}
    assert (len(Hook.heard), keys) == (2, {f"{run}/first/pre-1"})


def test_cancelled_nobody_waits_for_a_webhook(ground: Ground) -> None:
    run = begun(ground, HOOK % "http://127.0.0.1:9/")
    driven(ground, run)
    cancel_job(ground.plane, ground.admin, run)

    last = driven(ground, run)
    while not last["is_over"]:
        last = driven(ground, run)

    assert last["state"] == "cancelled"


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8443/api",
        "http://localhost/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
        "http://169.254.169.254/latest/meta-data",
        "http://2852039166/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
    ],
)
def test_nothing_is_sent_to_the_server_itself_or_to_a_clouds_secrets(
    ground: Ground, address: str
) -> None:
    ground.plane = replace(ground.plane, webhooks=WebhookCalls())
    run = begun(ground, HOOK % address)

    _called(ground, run)

    shown = show_plan_run(ground.plane, ground.admin, run)
    step = next(one for one in shown.steps if one.id == "first/pre-1")
    assert step.error == "plan-webhook-forbidden"


def test_a_token_goes_to_its_own_host_and_only_where_nobody_can_read_it(tmp_path: Path) -> None:
    (tmp_path / TOKENS).mkdir()
    (tmp_path / TOKENS / "a.example").write_text("hidden\n")
    calls = WebhookCalls(str(tmp_path))

    shown = [
        calls._token(address)
        for address in (
            "https://a.example/hook",
            "https://A.EXAMPLE:8443/",
            "http://a.example/hook",
            "https://b.example/",
            "https://../a.example",
        )
    ]

    assert shown == ["hidden", "hidden", "", "", ""]
