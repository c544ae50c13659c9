"""Why scheduled backups of the MARS agent do not run, run twice, or cannot be mounted again."""

import re

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.mars_signs import concerns, signs
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Service, Setting
from holdfast.doctor.mars_facts import BackupPolicy, Device, ModuleFiles, TaskRule
from holdfast.doctor.model import Verdict, confirmed, not_applicable, ruled_out, unknown
from holdfast.doctor.windows_facts import (
    EXECUTION_POLICY,
    PS_MODULE_PATH,
    PS_VERSION,
    ScheduledTask,
)

# Names of SYSTEM, of the administrators and of the one administrator, in the languages of Windows.
_ENOUGH = re.compile(
    r"^(?:.*\\)?(?:system|système|sistema|система|システム|시스템|localsystem|administrat\w*|админ\w*|관리자\w*)$"
    r"|^S-1-5-18$|^S-1-5-32-544$|^S-1-5-21-.*-500$",
    re.IGNORECASE,
)
_TOO_LITTLE = re.compile(
    r"(?:network|local) ?service$|^S-1-5-(?:19|20)$|^S-1-5-32-54[56]$|netzwerkdienst|lokaler dienst"
    r"|service r(?:é|e)seau|네트워크 서비스|로컬 서비스|(?:^|\\)(?:users|guests?|benutzer|사용자)$",
    re.IGNORECASE,
)
DAY = 24 * 60


def _own(path: str) -> bool:
    return "onlinebackup" in path.lower()


@check("mars.schedule-conflict", needs_any=(TaskRule,))
def schedule_conflict(facts: Facts, params: Params) -> Verdict:
    rules = [one for one in facts.of(TaskRule) if "windowsbackup" in one.path.lower()]
    theirs = [(one, time) for one in rules if one.enabled for time in one.starts]
    ours = [(one.span, time) for one in facts.of(TaskRule) if _own(one.path) for time in one.starts]
    ours += [(one.span, time) for one in facts.of(BackupPolicy) for time in one.times]
    if not rules or not (ours or not theirs):
        return unknown("mars.task")
    for rule, other in theirs:
        for span, own in ours:
            if _apart(other, own) < params.number("minutes"):
                return confirmed(rule.span, span, other=other, own=own)
    return ruled_out(*(one.span for one in rules), *(span for span, _ in ours))


def _apart(one: str, other: str) -> float:
    difference = abs(_minutes(one) - _minutes(other))
    return min(difference, DAY - difference)


def _minutes(time: str) -> int:
    found = re.match(r"(\d{1,2}):(\d\d)(?::\d\d)?\s?([AP]M)?", time, re.IGNORECASE)
    if found is None:
        return 0
    hour, half = int(found[1]), (found[3] or "").upper()
    hour = hour % 12 + (12 if half == "PM" else 0) if half else hour
    return hour * 60 + int(found[2])


@check("mars.task-disabled", needs_any=(TaskRule, ScheduledTask))
def task_disabled(facts: Facts, _: Params) -> Verdict:
    rules = [one for one in facts.of(TaskRule) if _own(one.path)]
    tasks = [one for one in facts.of(ScheduledTask) if _own(one.path)]
    off = [(o.span, o.path) for o in rules if not o.enabled or o.trigger_enabled is False]
    off += [(o.span, o.path) for o in tasks if o.enabled is False or o.triggered is False]
    if off:
        return confirmed(*dict.fromkeys(span for span, _ in off), task=off[0][1])
    on = [one.span for one in rules if one.trigger_enabled]
    on += [one.span for one in tasks if one.enabled]
    return ruled_out(*dict.fromkeys(on)) if on else unknown("mars.task")


@check("mars.task-account-wrong", needs_any=(TaskRule, ScheduledTask))
def task_account_wrong(facts: Facts, _: Params) -> Verdict:
    users = [(o.span, o.path, o.user) for o in facts.of(TaskRule) if _own(o.path) and o.user]
    users += [
        (o.span, o.path, o.run_as) for o in facts.of(ScheduledTask) if _own(o.path) and o.run_as
    ]
    weak = [one for one in users if _TOO_LITTLE.search(one[2].strip())]
    if weak:
        return confirmed(*dict.fromkeys(o[0] for o in weak), task=weak[0][1], user=weak[0][2])
    if users and all(_ENOUGH.match(user.strip()) for _, _, user in users):
        return ruled_out(*dict.fromkeys(span for span, _, _ in users))
    return unknown("mars.task")


@check("mars.task-starts-twice")
def task_starts_twice(facts: Facts, _: Params) -> Verdict:
    rules = [one for one in facts.of(TaskRule) if _own(one.path) and one.instances]
    loose = [one for one in rules if one.instances.lower() != "ignorenew"]
    busy = signs(facts, "mars.busy", over=())
    if loose and (busy or "mars.job-in-progress" in facts.asked):
        spans = [*(one.span for one in loose), *(one.span for one in busy[-1:])]
        return confirmed(*spans, task=loose[0].path, rule=loose[0].instances)
    return ruled_out(*(one.span for one in rules)) if rules and not loose else unknown("mars.task")


def _settings(facts: Facts, file: str) -> list[Setting]:
    return [one for one in facts.of(Setting) if one.file == file]


@check("mars.powershell-old", needs=(Setting,))
def powershell_old(facts: Facts, params: Params) -> Verdict:
    known = [one for one in _settings(facts, PS_VERSION) if one.key.lower() == "psversion"]
    majors = [(one, int(found[0])) for one in known if (found := re.findall(r"\d+", one.value))]
    if not majors or not concerns(facts):
        return unknown("windows.powershell")
    least = params.number("min_major")
    old = [one for one, major in majors if major < least]
    if old:
        return confirmed(*(one.span for one in old), version=old[0].value, least=f"{least:.0f}.0")
    return ruled_out(*(one.span for one, _ in majors))


@check("mars.module-path", needs=(Setting,))
def module_path(facts: Facts, _: Params) -> Verdict:
    folders = _settings(facts, PS_MODULE_PATH)
    if not folders or not concerns(facts):
        return unknown("windows.powershell")
    own = [one for one in folders if _holds_module(one.value)]
    if own:
        return ruled_out(*(one.span for one in own))
    return confirmed(*dict.fromkeys(one.span for one in folders))


def _holds_module(folder: str) -> bool:
    tidy = folder.replace("/", "\\").lower()
    return "recovery services agent\\bin\\modules" in tidy or "msonlinebackup" in tidy


@check("mars.execution-policy", needs=(Setting,))
def execution_policy(facts: Facts, _: Params) -> Verdict:
    """Group policies win over the machine's own value; the service account has no user's value."""
    known = {one.key.lower(): one for one in _settings(facts, EXECUTION_POLICY)}
    order = ("machinepolicy", "localmachine", "effective")
    said = [known[scope] for scope in order if scope in known]
    counts = [one for one in said if one.value.lower() != "undefined"]
    if not counts or not concerns(facts):
        return unknown("windows.powershell")
    decides = counts[0]
    if decides.value.lower() == "restricted":
        return confirmed(decides.span, scope=decides.key, policy=decides.value)
    return ruled_out(decides.span)


@check("mars.module-missing", needs=(ModuleFiles,))
def module_missing(facts: Facts, _: Params) -> Verdict:
    known = facts.of(ModuleFiles)
    missing = [one for one in known if not one.present]
    if missing:
        said = missing[0].said.strip()[:160] or "MSOnlineBackup"
        return confirmed(*dict.fromkeys(one.span for one in missing), said=said)
    return ruled_out(*(one.span for one in known))


@check("mars.iscsi-missing", needs=(Device,))
def iscsi_missing(facts: Facts, _: Params) -> Verdict:
    known = [one for one in facts.of(Device) if "iscsiprt" in one.id.lower()]
    working = [one for one in known if one.title and one.ok is not False]
    if working:
        return ruled_out(*(one.span for one in working))
    if known:
        return confirmed(*(one.span for one in known), device=known[0].id)
    return unknown("mars.devices")


@check("mars.iscsi-stopped", needs=(Service,))
def iscsi_stopped(facts: Facts, _: Params) -> Verdict:
    """It is stopped on most servers: that matters only where a mount was tried."""
    known = [one for one in facts.of(Service) if one.name.lower() == "msiscsi" and one.state]
    if not known:
        return unknown("windows.services")
    running = [one for one in known if one.state == "running"]
    if running:
        return ruled_out(*(one.span for one in running))
    tried = signs(facts, "mars.mount-failed", over=())
    if not tried and "mars.restore-mount" not in facts.asked:
        return not_applicable()
    return confirmed(
        *(one.span for one in known),
        *(one.span for one in tried[-1:]),
        name=known[0].name,
        state=known[0].state,
    )
