"""Causes in Windows itself: full drives, COM+, MSDTC, BitLocker, cryptography, the installer."""

from collections.abc import Sequence

from holdfast.doctor.checking import Params, absent, check
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Service, Volume
from holdfast.doctor.model import Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.open_records import SHOWN, open_records, short, spans
from holdfast.doctor.windows_facts import BitLockerVolume, RegistryValue

LOG = "windows.event-log"
MIB = 1 << 20
_CRYPTO_KEY = ".netframework\\v4.0.30319"
_CRYPTO = "schusestrongcrypto"


@check("windows.system-drive-full", needs=(Volume,))
def system_drive_full(facts: Facts, params: Params) -> Verdict:
    drives = [one for one in facts.of(Volume) if one.path.upper() == "C:"]
    limit = params.number("min_free_mib") * MIB
    full = [one for one in drives if one.free < limit]
    if full:
        last = full[-1]
        return confirmed(last.span, path=last.path, free_mib=last.free // MIB)
    return ruled_out(*(one.span for one in drives)) if drives else unknown("windows.volumes")


@check("windows.complus-down")
def complus_down(facts: Facts, _: Params) -> Verdict:
    """COMSysApp starts on demand: that it is stopped counts only when COM+ was complained of."""
    asked = bool(facts.asked & {"windows.snapshot-com", "windows.install-com"})
    verdict = _service(facts, {"comsysapp": asked, "eventsystem": True})
    return verdict or _by_log(facts, "windows.complus-failed", "windows.complus-ran", "COM+")


@check("windows.msdtc-down")
def msdtc_down(facts: Facts, _: Params) -> Verdict:
    asked = bool(facts.asked & {"windows.install-msdtc", "windows.install-com"})
    verdict = _service(facts, {"msdtc": asked})
    return verdict or _by_log(facts, "windows.msdtc-failed", "windows.msdtc-ran", "MSDTC")


def _service(facts: Facts, names: dict[str, bool]) -> Verdict | None:
    """By the services' states; None when the listing does not decide."""
    known = [one for one in facts.of(Service) if one.name.lower() in names]
    for one in known:
        stopped = one.state == "stopped" and names[one.name.lower()]
        if one.start == "disabled" or one.state == "absent" or stopped:
            state = "disabled" if one.start == "disabled" else one.state
            return confirmed(one.span, service=one.name, state=state)
    running = [one.span for one in known if one.state == "running"]
    log_says = facts.event("windows.complus-failed", "windows.msdtc-failed")
    return ruled_out(*running[:SHOWN]) if running and not log_says else None


def _by_log(facts: Facts, event: str, over: str, name: str) -> Verdict:
    said = open_records(facts, event, over=(over,))
    if said:
        return confirmed(*spans(said), service=name, state=short(said[-1].text))
    ends = facts.event(over)
    if ends:
        return ruled_out(ends[-1].span)
    return absent(facts, [LOG]) or unknown("windows.services", LOG)


@check("windows.bitlocker-locked", needs=(BitLockerVolume,))
def bitlocker_locked(facts: Facts, _: Params) -> Verdict:
    volumes = facts.of(BitLockerVolume)
    locked = [one for one in volumes if one.locked]
    if locked:
        names = ", ".join(one.volume for one in locked)
        return confirmed(*(one.span for one in locked[:SHOWN]), volume=names)
    return ruled_out(*(one.span for one in volumes[:SHOWN]))


@check("windows.strong-crypto-off")
def strong_crypto_off(facts: Facts, _: Params) -> Verdict:
    """The registry decides; without it a refused handshake does."""
    values = [one for one in facts.of(RegistryValue) if one.key.lower().endswith(_CRYPTO_KEY)]
    set_ones = [one for one in values if (one.name or "").lower() == _CRYPTO]
    off = [one for one in set_ones if one.number == 0]
    missing = _without_value(values, set_ones)
    if bad := [*off, *missing]:
        what = f"{bad[0].key}: SchUseStrongCrypto {'= 0' if off else '-'}"
        return confirmed(*(one.span for one in bad[:SHOWN]), what=what)
    if set_ones:
        return ruled_out(*(one.span for one in set_ones[:SHOWN]))
    if said := open_records(facts, "windows.tls-refused", over=("windows.tls-fine",)):
        return confirmed(*spans(said), what=short(said[-1].text))
    return absent(facts, [LOG]) or unknown("windows.registry", LOG)


def _without_value(
    values: Sequence[RegistryValue], set_ones: Sequence[RegistryValue]
) -> list[RegistryValue]:
    """Keys that were exported with other values but without this one."""
    told = {one.key.lower() for one in set_ones}
    full = {one.key.lower() for one in values if one.name}
    return [one for one in values if one.name is None and one.key.lower() in full - told]


@check("windows.installer-blocked")
def installer_blocked(facts: Facts, _: Params) -> Verdict:
    known = [one for one in facts.of(Service) if one.name.lower() == "msiserver"]
    if disabled := [one for one in known if one.start == "disabled" or one.state == "absent"]:
        return confirmed(disabled[0].span, what=f"msiserver: {disabled[0].start or 'absent'}")
    if said := open_records(facts, "windows.installer-refused", over=("windows.installer-fine",)):
        return confirmed(*spans(said), what=short(said[-1].text))
    if fine := facts.event("windows.installer-fine"):
        return ruled_out(fine[-1].span)
    good = [one.span for one in known if one.start or one.state == "running"]
    return ruled_out(*good[:SHOWN]) if good else unknown("windows.services", LOG)
