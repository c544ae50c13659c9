"""Is the MARS agent up to date, running, and able to reach Azure at the right time?"""

import re
from collections.abc import Sequence

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.mars_signs import AGENT, by_signs, concerns, denial, signs, version
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import ClockOffset, Package, Reach, Record, Service, Setting
from holdfast.doctor.mars_facts import AgentSetting, VaultCredential
from holdfast.doctor.model import Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.windows_facts import WINHTTP_PROXY, RegistryValue

ONLINE = ("mars.connected", "mars.succeeded")
# Nothing but the agent talks to these.
_OWN_HOST = re.compile(r"\bbackup\.windowsazure\.", re.IGNORECASE)
_AZURE = re.compile(
    r"microsoft|windows\.net|windowsazure|azure|msftncsi|20\.190\.|40\.126\.", re.IGNORECASE
)
_CODE = re.compile(
    r"0x80072E\w\w|\b1200[27]\b|\b120(?:29|30)\b|[\w.-]+\.(?:net|com)\b", re.IGNORECASE
)


@check("mars.agent-old")
def agent_old(facts: Facts, params: Params) -> Verdict:
    least = params.text("min_version")
    if facts.of(VaultCredential) and "mars.34513" in facts.asked:
        least = params.text("credentials_version")
    installed = [one for one in facts.of(Package) if one.name == AGENT and version(one.version)]
    if installed:
        newest = max(installed, key=lambda one: version(one.version))
        if version(newest.version) >= version(least):
            return ruled_out(newest.span)
        old = [one.span for one in installed]
        return confirmed(*old, version=newest.version, least=least)
    said = signs(facts, "mars.version-mismatch")
    if said:
        return by_signs(said, version="?", least=least)
    return denial(facts, "mars.version-mismatch") or unknown("mars.version")


@check("mars.service-stopped")
def service_stopped(facts: Facts, _: Params) -> Verdict:
    services = [one for one in facts.of(Service) if one.state and _is_agent(one)]
    if any(one.state == "running" for one in services):
        return ruled_out(*(one.span for one in services if one.state == "running"))
    stopped = [one for one in services if one.state in {"stopped", "failed", "paused", "absent"}]
    if stopped:
        return confirmed(*(one.span for one in stopped), state=stopped[0].state)
    over = ("mars.engine-started",)
    refused = signs(facts, "mars.engine-refused", over=over)
    if refused:
        return by_signs(refused, state="localhost:6049")
    died = signs(facts, "mars.service-died", over=(*over, "mars.service-ran", "mars.succeeded"))
    if died:
        return by_signs(died, state=died[-1].values.get("event_id", "?"))
    return denial(facts, "mars.engine-refused", over=over) or unknown("windows.services")


def _is_agent(service: Service) -> bool:
    titled = "azure recovery services agent" in service.title.lower()
    return service.name.lower() in {"obengine", AGENT.lower()} or titled


@check("mars.network-blocked")
def network_blocked(facts: Facts, _: Params) -> Verdict:
    ways = [one for one in facts.of(Reach) if _AZURE.search(one.target)]
    failed = [one for one in ways if not one.reached]
    if failed and (concerns(facts) or _OWN_HOST.search(failed[0].target)):
        return confirmed(*(one.span for one in failed), seen=failed[0].target)
    refused = [one for one in signs(facts, "mars.network", over=ONLINE) if not _local(one)]
    if refused:
        return by_signs(refused, seen=_what(refused))
    if ways and not failed:
        return ruled_out(*(one.span for one in ways))
    return denial(facts, "mars.network", over=ONLINE) or unknown("mars.errlog", "windows.reach")


def _local(record: Record) -> bool:
    return "localhost" in record.text or "127.0.0.1" in record.text


def _what(records: Sequence[Record]) -> str:
    """The code or the host that the last failure names."""
    found = _CODE.search(records[-1].text)
    return found.group(0) if found else records[-1].text.strip().split("\n")[0][:120]


@check("mars.proxy-authentication")
def proxy_authentication(facts: Facts, _: Params) -> Verdict:
    asked = signs(facts, "mars.proxy-407", "mars.proxy-407-event", over=ONLINE)
    if concerns(facts):  # a pasted message alone could be anybody's
        asked += signs(facts, "mars.proxy-407-text", over=ONLINE)
    if asked:
        return by_signs(asked)
    return denial(facts, "mars.proxy-407", over=ONLINE) or unknown("mars.errlog")


@check("mars.proxy-wrong")
def proxy_wrong(facts: Facts, _: Params) -> Verdict:
    said = signs(facts, "mars.proxy-wrong", over=ONLINE)
    proxies = [one for one in facts.of(AgentSetting) if one.name == "proxyserver" and one.value]
    for proxy in proxies:
        host = re.sub(r"^\w+://", "", proxy.value).split(":")[0].rstrip("/").lower()
        failed = [r for r in facts.of(Reach) if not r.reached and host in r.target.lower()]
        if failed:
            return confirmed(proxy.span, *(one.span for one in failed), proxy=proxy.value)
    if said:
        return by_signs(said, proxy=proxies[0].value if proxies else "?")
    return _left_over(facts) or _no_proxy(facts) or unknown("mars.machine-setting")


def _left_over(facts: Facts) -> Verdict | None:
    """A proxy set for SYSTEM on a server that cannot connect."""
    lost = signs(facts, "mars.network", over=ONLINE)
    for value in facts.of(RegistryValue):
        of_system = "s-1-5-18" in value.key.lower() and "internet settings" in value.key.lower()
        if lost and of_system and (value.name or "").lower() == "proxyserver" and value.value:
            return confirmed(value.span, lost[-1].span, proxy=value.value)
    return None


def _no_proxy(facts: Facts) -> Verdict | None:
    unused = [
        one
        for one in facts.of(AgentSetting)
        if (one.name == "proxyserver" and not one.value)
        or (one.name == "enabled" and one.value.lower() == "false")
    ]
    direct = [one for one in facts.of(Setting) if one.file == WINHTTP_PROXY and one.key == "proxy"]
    if unused and all(not one.value for one in direct):
        return ruled_out(*(one.span for one in (*unused, *direct)))
    return None


@check("mars.clock-off")
def clock_off(facts: Facts, params: Params) -> Verdict:
    most = params.number("max_seconds")
    known = [(one, abs(one.offset.total_seconds())) for one in facts.of(ClockOffset) if one.offset]
    exact = [one for one in facts.of(ClockOffset) if one.offset is not None]
    wrong = [one.span for one, seconds in known if seconds > most]
    if wrong and concerns(facts):
        return confirmed(*wrong, seen=f"{max(seconds for _, seconds in known):.0f} s")
    said = signs(facts, "mars.clock", over=ONLINE)
    if said:
        code = re.search(r"AADSTS\d+|0x8\w{7}", said[-1].text)
        return by_signs(said, seen=code.group(0) if code else "?")
    if exact and not wrong:
        return ruled_out(*(one.span for one in exact))
    return denial(facts, "mars.clock", over=ONLINE) or unknown("windows.clock")
