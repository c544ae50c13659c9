"""What can be wrong with the Azure Linux agent itself: is it there, does it run, its settings."""

import re

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.waagent_signs import BACKUP, LOG, denied, failures, numbers
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Fact, Package, Process, Record, Service, Setting
from holdfast.doctor.linux_facts import (
    AgentVersion,
    BrokenFile,
    ExtensionStatus,
    HandlerSeen,
    ProcessList,
)
from holdfast.doctor.model import Span, Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.open_records import open_records, spans

SERVICES = {"walinuxagent", "waagent"}
AGENT = re.compile(r"(?:/|\s)waagent(?:\s+-+(?:daemon|run-exthandlers)|$)|WALinuxAgent-\d")


def services(facts: Facts) -> list[Service]:
    return [one for one in facts.of(Service) if one.name.lower() in SERVICES]


def versions(facts: Facts) -> list[tuple[str, str, Span]]:
    """Role, version and line of everything that tells the agent's version."""
    known = [(one.role, one.version, one.span) for one in facts.of(AgentVersion)]
    known += [
        ("package", one.version, one.span)
        for one in facts.of(Package)
        if one.name == "walinuxagent" and one.version
    ]
    for event, role in (
        ("waagent.daemon-version", "installed"),
        ("waagent.goal-version", "goal-state"),
    ):
        known += [
            (role, record.values.get("version", ""), record.span)
            for record in facts.event(event)[-1:]
        ]
    return [one for one in known if numbers(one[1])]


@check("waagent.outdated")
def outdated(facts: Facts, params: Params) -> Verdict:
    """The goal state's agent is the one that works; the installed one counts where it is unknown."""
    known = versions(facts)
    wanted = params.text("min_version")
    working = [one for one in known if one[0] == "goal-state"] or known
    if not working:
        return unknown("linux.waagent.version")
    newest = max(working, key=lambda one: numbers(one[1]))
    if numbers(newest[1]) < numbers(wanted):
        return confirmed(
            newest[2], *[one[2] for one in working[:3]], version=newest[1], wanted=wanted
        )
    return ruled_out(newest[2], version=newest[1])


@check("waagent.not-installed", needs_any=(Package, Service, AgentVersion))
def not_installed(facts: Facts, _: Params) -> Verdict:
    packages = [one for one in facts.of(Package) if one.name == "walinuxagent"]
    there = [one for one in packages if one.version]
    running = [one for one in services(facts) if one.state != "absent"]
    if there or running or facts.of(AgentVersion):
        return ruled_out(*spans([*there, *running, *facts.of(AgentVersion)]))
    gone = [one for one in packages if not one.version]
    no_units = [one for one in services(facts) if one.state == "absent"]
    both = {one.name.lower() for one in no_units} >= SERVICES
    if gone or (both and facts.probes <= {"linux.services", "linux.processes"}):
        return confirmed(*spans([*gone, *no_units]))
    return unknown("linux.waagent.version", "linux.services")


@check("waagent.not-running", needs_any=(Service, Process))
def not_running(facts: Facts, _: Params) -> Verdict:
    working = [one for one in facts.of(Process) if _is_agent(one)]
    units = services(facts)
    working_units = [one for one in units if one.state == "running"]
    if working or working_units:
        return ruled_out(*spans([*working, *working_units]))
    down = [one for one in units if one.state in {"stopped", "failed", "restarting"}]
    if down:
        last = down[-1]
        return confirmed(*spans(down), seen=f"{last.name}: {last.state}", unit=last.name)
    return _missing_process(facts)


def _is_agent(process: Process) -> bool:
    """The daemon shows under its script's name, the part that handles extensions as python."""
    name = process.name.lower()
    # It has ended or is about to: `ps` finds no command line any more and puts its name in brackets.
    if "<defunct>" in process.command or process.command.startswith("["):
        return False
    if re.search(r"-version|-collect-logs", process.command):  # asked by somebody, and soon gone
        return False
    if name.startswith(("waagent", "walinuxagent")):
        return True
    return name.startswith("python") and AGENT.search(process.command) is not None


def _missing_process(facts: Facts) -> Verdict:
    lists = [one for one in facts.of(ProcessList) if one.complete]
    python = [one for one in facts.of(Process) if one.name.startswith("python")]
    sure = [one for one in lists if one.commands or not python]
    if sure and _belongs_here(facts):
        return confirmed(sure[-1].span, sure[-1].last, seen="ps", unit="walinuxagent")
    return unknown("linux.services")


def _belongs_here(facts: Facts) -> bool:
    """Not every Linux has the agent: something speaks of it, or nothing but processes was given."""
    signs = (AgentVersion, HandlerSeen, ExtensionStatus)
    kept = any(one.version for one in facts.of(Package) if one.name == "walinuxagent")
    conf = any(one.file == "waagent.conf" for one in facts.of(Setting))
    spoken = any(facts.of(kind) for kind in signs) or bool(facts.logs(LOG)) or kept or conf
    return spoken or facts.probes <= {"linux.processes"}


@check("waagent.autostart-off", needs=(Service,))
def autostart_off(facts: Facts, _: Params) -> Verdict:
    known = [one for one in services(facts) if one.start and one.state != "absent"]
    off = [one for one in known if one.start in {"disabled", "masked"}]
    on = [one for one in known if one.start == "automatic"]
    if on:
        return ruled_out(*spans(on))
    if off:
        return confirmed(*spans(off), name=off[-1].name, start=off[-1].start)
    return unknown("linux.services")


@check("waagent.python-broken")
def python_broken(facts: Facts, _: Params) -> Verdict:
    found = open_records(facts, "waagent.python-line", days=3, over=("waagent.extension-ok",))
    if found:
        return confirmed(*spans(found))
    alive: list[Fact] = [*facts.event("waagent.alive"), *facts.of(AgentVersion)]
    return denied(facts, LOG, over=alive) or unknown("linux.waagent.log", "linux.journal")


def settings(facts: Facts, *keys: str) -> list[Setting]:
    """The agent's settings by key; of one that is set twice the last counts, so it stands last."""
    return [one for one in facts.of(Setting) if one.file == "waagent.conf" and one.key in keys]


def _is_off(setting: Setting) -> bool:
    return setting.value.lower() in {"n", "no", "false", "0", "disabled"}


def _switched_off(setting: Setting, *, wanted: str) -> Verdict:
    """With what the remedy needs to switch it on."""
    seen = f"{setting.key}={setting.value}"
    return confirmed(setting.span, seen=seen, key=setting.key, wanted=wanted)


@check("waagent.extensions-off")
def extensions_off(facts: Facts, _: Params) -> Verdict:
    known = settings(facts, "Extensions.Enabled", "Extensions.Enable")
    if known:
        last = known[-1]
        return _switched_off(last, wanted="y") if _is_off(last) else ruled_out(last.span)
    said = open_records(facts, "waagent.extensions-off-line", over=("waagent.extension-ok",))
    if said:
        return confirmed(*spans(said), seen=said[-1].text.strip()[:120])
    return unknown("linux.waagent.conf")


@check("waagent.provisioning-off", needs=(Setting,))
def provisioning_off(facts: Facts, _: Params) -> Verdict:
    agent = settings(facts, "Provisioning.Agent")
    if agent:
        last = agent[-1]
        return _switched_off(last, wanted="auto") if _is_off(last) else ruled_out(last.span)
    old = settings(facts, "Provisioning.Enabled")
    cloud_init = settings(facts, "Provisioning.UseCloudInit")
    if not old:
        return unknown("linux.waagent.conf")
    if _is_off(old[-1]) and not any(one.value.lower() == "y" for one in cloud_init):
        return _switched_off(old[-1], wanted="y")
    return ruled_out(old[-1].span)


@check("waagent.conf-broken")
def conf_broken(facts: Facts, _: Params) -> Verdict:
    damaged = settings(facts, "")
    if damaged:
        return confirmed(*spans(damaged), seen=damaged[0].value[:80])
    said = open_records(facts, "waagent.conf-line", over=("waagent.alive",), days=3)
    if said:
        return confirmed(*spans(said), seen=said[-1].text.strip()[:120])
    good = [one for one in facts.of(Setting) if one.file == "waagent.conf"]
    return denied(facts, LOG, over=good) or unknown("linux.waagent.conf")


@check("waagent.proxy-wrong")
def proxy_wrong(facts: Facts, _: Params) -> Verdict:
    refused = open_records(
        facts, "waagent.proxy-refused", over=("waagent.download-ok", "waagent.goal-done"), days=2
    )
    if refused:
        return confirmed(*spans(refused), seen=refused[-1].text.strip()[:120])
    host = _set(settings(facts, "HttpProxy.Host"))
    port = _set(settings(facts, "HttpProxy.Port"))
    if host and ("/" in host.value or "@" in host.value or not (port and port.value.isdigit())):
        shown = [one for one in (host, port) if one]
        said = " ".join(f"{one.key}={_without_login(one.value)}" for one in shown)
        return confirmed(*spans(shown), seen=said)
    conf = [one for one in facts.of(Setting) if one.file == "waagent.conf" and one.key]
    over: list[Fact] = [*conf]
    return denied(facts, LOG, over=over) or unknown("linux.waagent.conf")


def _without_login(value: str) -> str:
    return re.sub(r"//[^/@]*@", "//", value)


def _set(known: list[Setting]) -> Setting | None:
    last = known[-1] if known else None
    return last if last and last.value.lower() not in {"", "none"} else None


@check("waagent.extension-failed")
def extension_failed(facts: Facts, _: Params) -> Verdict:
    bad = [one for one in failures(facts, backup=False) if isinstance(one, Record)]
    named = [record for record in bad if not record.values["name"].startswith("WALinuxAgent")]
    if named:
        values = named[-1].values
        return confirmed(*spans(named), name=values["name"], exit=values.get("exit", "?"))
    scripts = open_records(facts, "waagent.script-failed", over=("waagent.script-done",), days=7)
    if scripts:
        exit_code = scripts[-1].values.get("exit", "?")
        return confirmed(*spans(scripts), name="CustomScript/RunCommand", exit=exit_code)
    errors = [
        one
        for one in facts.of(ExtensionStatus)
        if one.status == "error" and one.name and not BACKUP.search(one.name)
    ]
    if errors:
        return confirmed(*spans(errors), name=errors[0].name, exit=errors[0].code or "?")
    over: list[Fact] = [*facts.event("waagent.extension-ok"), *_ready(facts)]
    return denied(facts, LOG, over=over) or unknown("linux.waagent.log")


def _ready(facts: Facts) -> list[HandlerSeen]:
    return [one for one in facts.of(HandlerSeen) if one.state == "ready"]


@check("waagent.status-malformed")
def status_malformed(facts: Facts, _: Params) -> Verdict:
    broken = facts.of(BrokenFile)
    if broken:
        return confirmed(*spans(broken), seen=f"{broken[0].file} ({broken[0].reason})")
    said = open_records(facts, "waagent.status-broken-line", over=("waagent.extension-ok",), days=2)
    if said:
        return confirmed(*spans(said), seen=said[-1].text.strip()[:120])
    over = facts.of(ExtensionStatus)
    return denied(facts, LOG, over=over) or unknown("linux.waagent.status")
