"""Causes of a silent guest agent in Windows."""

from collections.abc import Sequence
from datetime import timedelta

from holdfast.doctor.checking import Params, check
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Process, Reach, Record, Service
from holdfast.doctor.model import Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.open_records import SHOWN, open_records, short, spans
from holdfast.doctor.windows_facts import DotNet, RegistryValue

_LOG = "windows-agent.log"
_HOST = "168.63.129.16"
# The agent writes a heartbeat every few minutes.
_FRESH = timedelta(minutes=15)
# A shorter process listing is only a part of one.
_WHOLE_LISTING = 20
_AGENTS = ("windowsazureguestagent", "rdagent")
_TITLES = ("windows azure guest agent", "azure guest agent", "rdagent")
_PROGRAMS = ("windowsazureguestagent.exe", "waappagent.exe")


@check("windows-agent.unresponsive")
def unresponsive(facts: Facts, _: Params) -> Verdict:
    """A fresh heartbeat beats a listing; a listing beats what the log said before."""
    beats = facts.event("windows-agent.heartbeat")
    if _fresh(facts, beats):
        return ruled_out(beats[-1].span)
    services = [one for one in facts.of(Service) if _is_agent(one)]
    if down := [one for one in services if _is_down(one)]:
        what = ", ".join(f"{one.name}: {one.start or one.state}" for one in down)
        return confirmed(*(one.span for one in down[:SHOWN]), what=what)
    trouble = _trouble(facts, beats)
    if trouble:
        return confirmed(*spans(trouble), what=short(trouble[-1].text))
    return _well(facts, services, beats)


def _fresh(facts: Facts, beats: Sequence[Record]) -> bool:
    """Whether the last heartbeat is recent, by the clock of the diagnosis."""
    last = beats[-1].when if beats else None
    now = facts.now.replace(tzinfo=None) if facts.now else None
    return bool(last and now and abs(now - last) <= _FRESH)


def _is_agent(service: Service) -> bool:
    """PowerShell shortens names: `WindowsAzureGue...`."""
    name = service.name.lower().rstrip(".\u2026")
    cut = service.name.endswith((".", "\u2026")) and len(name) > len("windowsazureg")
    same = name in _AGENTS or (cut and any(agent.startswith(name) for agent in _AGENTS))
    return same or service.title.lower() in _TITLES or name in _TITLES


def _is_down(service: Service) -> bool:
    return service.start == "disabled" or service.state in {
        "stopped",
        "absent",
        "stopping",
        "paused",
    }


def _trouble(facts: Facts, beats: Sequence[Record]) -> list[Record]:
    """Crashes and a stop that never ended, unless the agent ran again after them."""
    stuck = open_records(facts, "windows-agent.stuck", over=("windows-agent.heartbeat",))
    crashed = open_records(facts, "windows-agent.crashed", over=("windows-agent.ran",))
    if stuck or crashed:
        return [*stuck, *crashed]
    started = open_records(facts, "windows-agent.starting")
    # It began several times and never came to its first heartbeat.
    return started if len(started) > 1 and not beats else []


def _well(facts: Facts, services: Sequence[Service], beats: Sequence[Record]) -> Verdict:
    running = [one.span for one in services if one.state == "running"]
    programs = [one for one in facts.of(Process) if one.name.lower() in _PROGRAMS]
    good = [*running, *(one.span for one in programs), *(one.span for one in beats[-1:])]
    if good:
        return ruled_out(*good[:SHOWN])
    processes = facts.of(Process)
    if len(processes) >= _WHOLE_LISTING:
        edges = (processes[0].span, processes[-1].span)
        return confirmed(*edges, what="WaAppAgent.exe, WindowsAzureGuestAgent.exe: -")
    return unknown("windows.services", _LOG)


@check("windows-agent.dotnet-old", needs=(DotNet,))
def dotnet_old(facts: Facts, params: Params) -> Verdict:
    newest = max(facts.of(DotNet), key=lambda one: one.release)
    needed = int(params.number("min_release"))
    if newest.release < needed:
        return confirmed(newest.span, release=newest.release, needed=needed)
    return ruled_out(newest.span)


@check("windows-agent.host-unreachable")
def host_unreachable(facts: Facts, _: Params) -> Verdict:
    """A test of the ports decides before what the log said."""
    tests = [one for one in facts.of(Reach) if _HOST in one.target and one.stage == "tcp"]
    if closed := [one for one in tests if not one.reached]:
        what = ", ".join(dict.fromkeys(one.target for one in closed))
        return confirmed(*(one.span for one in closed[:SHOWN]), what=what)
    if tests:
        return ruled_out(*(one.span for one in tests[:SHOWN]))
    said = open_records(facts, "windows-agent.wire-error", over=("windows-agent.wire-fine",))
    if said:
        return confirmed(*spans(said), what=short(said[-1].text))
    fine = facts.event("windows-agent.wire-fine")
    return ruled_out(fine[-1].span) if fine else unknown(_LOG, "windows.reach")


@check("windows-agent.wrong-bitness")
def wrong_bitness(facts: Facts, _: Params) -> Verdict:
    values = [one for one in facts.of(RegistryValue) if one.is_("\\.netframework", "enable64bit")]
    if off := [one for one in values if one.number == 0]:
        return confirmed(off[0].span, what="Enable64Bit = 0")
    if values:
        return ruled_out(values[0].span)
    said = open_records(facts, "windows-agent.image-broken")
    if said:
        return confirmed(*spans(said), what=short(said[-1].text))
    return unknown("windows.registry", _LOG)
