"""What the process of one step does: asks a guest, tells a webhook, cleans up a test."""

from datetime import datetime
from pathlib import Path

import msgspec

from holdfast.app.drills import follow_trials
from holdfast.app.failover_test import clean_those
from holdfast.app.plan_hands import Task
from holdfast.app.plan_webhook import Post, post, require_fine
from holdfast.app.recovery_here import own_site
from holdfast.app.wiring import Session
from holdfast.base.programs import last_words
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_domain
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.hypervisor.guest_programs import LONGEST_INPUT, GuestPrograms
from holdfast.machines.booting import wait_for_agent
from holdfast.recovery.act_errors import NoReplicaHere
from holdfast.recovery.plans.plan import Action
from holdfast.recovery.plans.plan_errors import (
    PlanActionFailed,
    PlanContextTooLarge,
    WebhookSilent,
)
from holdfast.recovery.plans.web_addresses import shown_address
from holdfast.recovery.trial import Trial
from holdfast.recovery.trial_tending import require_clean

_SHELL = "/bin/sh"


def read_task(folder: Path) -> Task:
    return msgspec.json.decode((folder / "task.json").read_bytes(), type=Task)


def read_context(folder: Path) -> bytes:
    return (folder / "context.json").read_bytes()


def clean_tests(session: Session, task: Task) -> list[Trial]:
    """Those of the machine that this run has begun; tests of others stay."""
    site = own_site(session)
    if site is None:
        raise NoReplicaHere(about=task.vm)
    since = datetime.fromisoformat(task.since)
    done = clean_those(
        session, task.vm, site, only=lambda trial: trial.begun_at >= since, note="plan"
    )
    follow_trials(session, done)
    for trial in done:
        require_clean(trial)
    return done


def run_in_guest(session: Session, task: Task, context: bytes) -> str:
    """Through its agent, which is waited for; what the script has said."""
    action = _action_of(task)
    if len(context) > LONGEST_INPUT:
        raise PlanContextTooLarge(vm=action.machine, bytes=len(context))
    with Host.open(session.settings.libvirt) as host:
        domain = find_domain(host, task.domain or task.vm)
        wait_for_agent(domain, session.clock, within=float(task.timeout))
        programs = GuestPrograms(GuestAgent(domain), session.clock, about=domain.name)
        argv = [_SHELL, "-c", action.does]
        ended = programs.run(argv, stdin=context, within=float(task.timeout))
    said = last_words(ended.out + ended.err)
    if ended.status:
        raise PlanActionFailed(status=ended.status, said=said)
    return said


def tell_webhook(session: Session, task: Task, context: bytes) -> str:
    """With one key however often it is told, so that the other side can know it again."""
    action = _action_of(task)
    try:
        wanted = Post(
            address=action.does,
            body=context,
            key=f"{task.run}/{task.step}",
            token=_token(action),
            within=float(task.timeout),
        )
        answer = post(wanted, session.clock)
    except OSError as err:
        raise WebhookSilent(address=shown_address(action.does), reason=err) from err
    return require_fine(action.does, answer)


def _token(action: Action) -> str:
    if not action.token_file:
        return ""
    try:
        return Path(action.token_file).read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as err:
        raise WebhookSilent(address=shown_address(action.does), reason=err) from err


def _action_of(task: Task) -> Action:
    assert task.action is not None
    return task.action
