"""Can a machine of Site Recovery speak to the service: certificates, names, addresses, proxy?"""

import re

from holdfast.doctor.asr_facts import PROXY_INFO, RootCertificate
from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.asr_signs import (
    LOG,
    by_jobs,
    by_log,
    by_trials,
    concerns,
    denied,
    errors,
    signs,
)
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Setting
from holdfast.doctor.model import Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.open_records import SHOWN, short, spans

LAST_PORT = 65535


@check("asr.root-certificates")
def root_certificates(facts: Facts, _: Params) -> Verdict:
    """A refused certificate proves it; a root that is missing counts when it was looked for."""
    said = by_log(facts, "asr.certificate-line", ["asr.endpoint-ok", "asr.home-ok"])
    if said:
        return said
    tried = [one for one in signs(facts, "asr.certificate-trial") if concerns(facts)]
    missing = [one for one in facts.of(RootCertificate) if not one.there]
    if missing and concerns(facts):
        return confirmed(*spans(missing), seen=", ".join(one.name for one in missing[:SHOWN]))
    if tried:
        return confirmed(*spans(tried), seen=short(tried[-1].text))
    there = [one for one in facts.of(RootCertificate) if one.there]
    if there:
        return ruled_out(*spans(there))
    found = errors(facts, ["151066"])
    return by_jobs(found) if found else denied(facts, ["asr.endpoint-ok"], LOG)


_AZURE = r"(?:microsoftonline|windows\.net|azure|microsoft)\.|(?:hypervrecoverymanager|blob)\."


@check("asr.dns-failing")
def dns_failing(facts: Facts, _: Params) -> Verdict:
    over = ["asr.endpoint-ok", "asr.home-ok"]
    if said := by_log(facts, "asr.dns-line", over):
        return said
    if concerns(facts) and (tried := by_trials(facts, r".", "dns")):
        return tried
    reached = by_trials(facts, _AZURE, "tcp")
    if reached and not errors(facts, ["151195"]):
        return ruled_out(*reached.evidence) if reached.state.name == "RULED_OUT" else unknown(LOG)
    found = errors(facts, ["151195"])
    return by_jobs(found) if found else denied(facts, over, LOG)


@check("asr.login-blocked")
def login_blocked(facts: Facts, _: Params) -> Verdict:
    tried = by_trials(facts, r"login\.(?:microsoftonline|windows)\.", "tcp")
    if tried and concerns(facts):
        return tried
    if said := by_log(facts, "asr.login-line", ["asr.endpoint-ok"]):
        return said
    found = errors(facts, ["151196"])
    return by_jobs(found) if found else denied(facts, ["asr.endpoint-ok"], LOG)


@check("asr.service-blocked")
def service_blocked(facts: Facts, _: Params) -> Verdict:
    wanted = r"hypervrecoverymanager\.|siterecovery\.|servicebus\.|blob\.(?:core|storage)\."
    tried = by_trials(facts, wanted, "tcp")
    if tried and concerns(facts):
        return tried
    if said := by_log(facts, "asr.service-line", ["asr.endpoint-ok"]):
        return said
    found = errors(facts, ["151197", "151037"])
    return by_jobs(found) if found else denied(facts, ["asr.endpoint-ok"], LOG)


@check("asr.proxy-invalid")
def proxy_invalid(facts: Facts, _: Params) -> Verdict:
    """An address without a scheme or with a password in it, or a port that is none."""
    settings = [one for one in facts.of(Setting) if one.file == PROXY_INFO]
    bad = [one for one in settings if _bad_proxy(one)]
    if bad:
        # The value may hold a password: only the key is shown.
        return confirmed(*spans(bad), seen=", ".join(one.key for one in bad))
    if said := by_log(facts, "asr.proxy-line", ["asr.endpoint-ok", "asr.home-ok"]):
        return said
    found = errors(facts, ["151072"])
    if found:
        return by_jobs(found)
    if settings:
        return ruled_out(*spans(settings))
    return denied(facts, ["asr.endpoint-ok", "asr.home-ok"], LOG)


def _bad_proxy(setting: Setting) -> bool:
    if setting.key == "address":
        plain = re.fullmatch(r"https?://[\w.-]+/?", setting.value, re.IGNORECASE)
        return bool(setting.value) and plain is None
    if setting.key == "username":
        return bool(setting.value)
    return setting.key == "port" and not (
        setting.value.isdigit() and 0 < int(setting.value) <= LAST_PORT
    )
