"""What stands in the way of registering a server with its vault: credentials, key, runtime."""

import re
from datetime import datetime, timedelta

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.mars_signs import by_signs, concerns, denial, signs, version
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import FileSeen, Package
from holdfast.doctor.mars_facts import AgentSetting, VaultCredential
from holdfast.doctor.model import Span, Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.windows_facts import DotNet, RegistryValue

FILE = "mars.credential-file"
# Real times have a year.
_NOT_BEFORE = 2012
_VAULT_NAMES = {"serviceresourcename", "resourcename", "vaultname"}
_VAULT_IDS = {"resourceid", "serviceresourceid", "vaultid"}
_DOWNLOAD_OFF = 3


@check("mars.credential-corrupt")
def credential_corrupt(facts: Facts, _: Params) -> Verdict:
    known = facts.of(VaultCredential)
    damaged = [one for one in known if one.damage]
    if damaged:
        return confirmed(*(one.span for one in damaged), part=damaged[0].damage)
    said = signs(facts, "mars.credential-corrupt")
    if said:
        return by_signs(said, part="XML")
    if known:
        return ruled_out(*(one.span for one in known))
    return denial(facts, "mars.credential-corrupt") or unknown(FILE)


@check("mars.credential-expired")
def credential_expired(facts: Facts, params: Params) -> Verdict:
    said = signs(facts, "mars.credential-expired")
    if said:
        return by_signs(said, issued="?", until=_text(said[-1].when))
    life = timedelta(hours=params.number("hours"))
    spans = [(one.span, one.issued, one.expires) for one in facts.of(VaultCredential)]
    spans += [
        (one.span, one.changed, None)
        for one in facts.of(FileSeen)
        if one.path.lower().endswith(".vaultcredentials") and not facts.of(VaultCredential)
    ]
    dated = [
        (end, span, issued) for span, issued, ends in spans if (end := _end(issued, ends, life))
    ]
    now = _attempted(facts)
    if not dated or now is None:
        return denial(facts, "mars.credential-expired") or unknown(FILE)
    until, span, issued = max(dated, key=lambda one: one[0])
    if until < now:
        return confirmed(span, issued=_text(issued), until=_text(until))
    return ruled_out(span)


def _end(issued: datetime | None, expires: datetime | None, life: timedelta) -> datetime | None:
    return expires or (issued + life if issued else None)


def _attempted(facts: Facts) -> datetime | None:
    """When the file was used: when the agent refused it, else now."""
    refused = [one.when for one in facts.event("mars.credential-refused") if one.when]
    real = [when for when in refused if when.year >= _NOT_BEFORE]
    now = facts.now.replace(tzinfo=None) if facts.now else None
    return max(real) if real else now


def _text(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "?"


@check("mars.credential-superseded", needs=(VaultCredential,))
def credential_superseded(facts: Facts, _: Params) -> Verdict:
    known = sorted(
        ((one.issued, one) for one in facts.of(VaultCredential) if one.issued),
        key=lambda one: one[0],
    )
    used = [one.values["file"].lower() for one in facts.event("mars.credential-used")]
    if not known or len({moment for moment, _ in known}) == 1:
        return unknown(FILE)
    (newest_at, newest), (oldest_at, oldest) = known[-1], known[0]
    if used and _name(newest.span) == used[-1]:
        return ruled_out(newest.span)
    older = [(at, one) for at, one in known[:-1] if used and _name(one.span) == used[-1]]
    refused = "mars.34513" in facts.asked or facts.event("mars.credential-refused")
    if not older and not refused:
        return unknown("mars.errlog")
    at, one = older[0] if older else (oldest_at, oldest)
    return confirmed(one.span, newest.span, issued=_text(at), newer=_text(newest_at))


def _name(span: Span) -> str:
    return re.split(r"[\\/]", span.artefact)[-1].lower()


@check("mars.other-vault")
def other_vault(facts: Facts, _: Params) -> Verdict:
    said = signs(facts, "mars.other-vault")
    registered = _registered(facts)
    for value in registered:
        for offered in facts.of(VaultCredential):
            theirs = _of_same_kind(value, offered)
            if theirs and theirs.lower() != value.value.lower():
                spans = (value.span, offered.span, *(one.span for one in said[-1:]))
                return confirmed(*spans, registered=value.value, offered=theirs)
    if said:
        return by_signs(said, registered=registered[0].value if registered else "?", offered="?")
    same = [
        span
        for value in registered
        for one in facts.of(VaultCredential)
        if _of_same_kind(value, one)
        for span in (value.span, one.span)
    ]
    if same:
        return ruled_out(*same)
    return denial(facts, "mars.other-vault") or unknown(FILE, "windows.registry")


def _registered(facts: Facts) -> list[RegistryValue]:
    wanted = _VAULT_NAMES | _VAULT_IDS
    return [
        one
        for one in facts.of(RegistryValue)
        if "windows azure backup" in one.key.lower()
        and (one.name or "").lower() in wanted
        and one.value
    ]


def _of_same_kind(value: RegistryValue, offered: VaultCredential) -> str:
    """The credential's name where the registry has a name, its id where it has an id."""
    is_name = (value.name or "").lower() in _VAULT_NAMES
    return offered.vault if is_name else offered.resource_id


@check("mars.passphrase-broken")
def passphrase_broken(facts: Facts, _: Params) -> Verdict:
    known = [one for one in facts.of(AgentSetting) if one.name == "encryptionkeystatus"]
    unset = [one for one in known if one.value.lower() != "set"]
    if unset:
        return confirmed(*(one.span for one in unset), state=unset[0].value)
    said = signs(facts, "mars.passphrase-broken")
    if said:
        return by_signs(said, state=said[-1].text.strip().split("\n")[0][:120])
    if known:
        return ruled_out(*(one.span for one in known))
    return denial(facts, "mars.passphrase-broken") or unknown("mars.machine-setting")


@check("mars.browser-blocks-download", needs=(RegistryValue,))
def browser_blocks_download(facts: Facts, _: Params) -> Verdict:
    known = [
        one
        for one in facts.of(RegistryValue)
        if one.is_(r"\internet settings\zones\3", "1803") and one.number is not None
    ]
    off = [one for one in known if one.number == _DOWNLOAD_OFF]
    if off and concerns(facts):
        return confirmed(*(one.span for one in off))
    return (
        ruled_out(*(one.span for one in known))
        if known and not off
        else unknown("windows.registry")
    )


@check("mars.dotnet-old", needs=(DotNet,))
def dotnet_old(facts: Facts, params: Params) -> Verdict:
    newest = max(facts.of(DotNet), key=lambda one: one.release)
    least = int(params.number("min_release"))
    if newest.release >= least:
        return ruled_out(newest.span)
    if not concerns(facts):
        return unknown("windows.registry")
    spans = [one.span for one in facts.of(DotNet)]
    return confirmed(*spans, release=newest.release, least=least)


@check("mars.offline-powershell-old", needs=(Package,))
def offline_powershell_old(facts: Facts, params: Params) -> Verdict:
    known = [one for one in facts.of(Package) if re.fullmatch(r"Azure(?:RM)?", one.name)]
    if not known:
        return unknown("mars.module")
    least = params.text("min_version")
    newest = max(known, key=lambda one: version(one.version))
    if version(newest.version) >= version(least):
        return ruled_out(newest.span)
    if not (facts.event("mars.offline") or "mars.basic-checks" in facts.asked):
        return unknown("mars.errlog")
    return confirmed(*(one.span for one in known), version=newest.version, least=least)
