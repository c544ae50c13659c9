"""Each reason of a replication's health in words, with a remedy that can be typed or done."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from holdfast.base.filling import filled_to_type
from holdfast.base.texts import N_, _
from holdfast.base.units import duration_text, format_size
from holdfast.replication.status import Health, Reason
from holdfast.replication.why_texts import why_text


class _Text(NamedTuple):
    sentence: str
    remedy: str
    # The codes of the original products for the same.
    source_codes: tuple[str, ...] = ()


HEALTHS: Final[Mapping[Health, str]] = {
    Health.NORMAL: N_("normal"),
    Health.WARNING: N_("warning"),
    Health.CRITICAL: N_("critical"),
}

_TEXTS: Final[Mapping[str, _Text]] = {
    "host-not-registered": _Text(
        N_("It has left this host and runs on none that is registered: nothing is replicated"),
        N_("On the host it runs on now: `holdfast register`. It goes on there by itself."),
    ),
    "replica-was-written": _Text(
        N_("Its replica was written to or started over there, so it is no copy any more"),
        N_(
            "Stop whatever uses the replica. If nothing of it is wanted, copy what differs anew: "
            "`holdfast replication resync {vm}`."
        ),
    ),
    "split-brain": _Text(
        N_(
            "It runs here and at its site, where it was failed over to: each of the two writes to "
            "disks of its own, and nothing is replicated"
        ),
        N_(
            "Decide which of the two is right, and shut the other one down. If it is this one: "
            "`holdfast failover undo {vm}` at the site. If it is that one: shut this one down, "
            "and it is kept from starting here; then `holdfast reprotect {vm}` at the site."
        ),
    ),
    "waits-for-site": _Text(
        N_(
            "It was to start with this host, and has not: its site does not answer, and may have "
            "taken it over"
        ),
        N_(
            "It starts by itself once the site {site} answers that it has not. If you know that it "
            "runs nowhere else: `holdfast failover start {vm} --force`."
        ),
    ),
    "not-retried": _Text(
        N_("It is not tried again, since waiting cannot mend this: {sentence}"),
        N_("Mend that, then: `holdfast replication resume {vm}`."),
    ),
    "spool-stopped": _Text(
        N_(
            "Logs that wait to be sent take {share} of the room there is, so nothing more is "
            "spooled; what changes is recorded in bitmaps"
        ),
        N_(
            "Nothing is lost, and the guest runs on. Make room on the file system of the spool, or "
            "mend the link: `holdfast doctor` tries it step by step."
        ),
    ),
    "spool-filling": _Text(
        N_("Logs that wait to be sent take {share} of the room there is; {free_bytes} are free"),
        N_("See what keeps them from being sent: `holdfast doctor`."),
    ),
    "scratch-filling": _Text(
        N_(
            "What it overwrote while its last step was read took {share} of the room for scratch "
            "files"
        ),
        N_(
            "Above `scratch-act` a step is ended, so that its guest never waits for room. Make "
            "room there, or set `vm-scratch` to a folder with more: `holdfast doctor`."
        ),
    ),
    "resync-required": _Text(
        N_("All of it must be compared with its replica: {why}"),
        N_("Begin now, whatever the window says: `holdfast replication resync {vm} --now`."),
    ),
    "no-point": _Text(
        N_("There has been no new recovery point for {age_seconds}"),
        N_("See what keeps it: `holdfast replication status {vm}`, then `holdfast doctor`."),
        ("153007",),
    ),
    "rpo-high": _Text(
        N_("A failover now would lose {rpo_seconds} of work"),
        N_("See what keeps it: `holdfast replication status {vm}`, then `holdfast doctor`."),
    ),
    "paused": _Text(
        N_("It was paused by {who} at {at}; {pending_bytes} have changed since"),
        N_("`holdfast replication resume {vm}`"),
    ),
    "failing": _Text(
        N_("The last {failures} tries failed, the next one is at {next_at}: {sentence}"),
        N_("Try it now: `holdfast replication resume {vm}`."),
    ),
    "initial-copy-unfinished": _Text(
        N_("The first copy is not finished: {done_bytes} of {whole_bytes}"),
        N_("Wait for it; `holdfast replication status {vm} --watch` shows how far it is."),
    ),
    "no-success": _Text(
        N_("No cycle has come through for {age_seconds}"),
        N_("See what keeps it: `holdfast replication status {vm}`, then `holdfast doctor`."),
    ),
    "cycles-missed": _Text(
        N_("{missed} of its last {cycles} cycles were missed"),
        N_(
            "If the link or the disks cannot do more, cycle less often: "
            "`holdfast replication enable {vm} --to {site} --every 5m`."
        ),
    ),
    "disk-left-out": _Text(
        N_("It has disks that no point has, since they cannot be replicated: {disks}"),
        N_(
            "`holdfast vm status {vm}` says why. If that is as it should be, agree to it: "
            "`holdfast replication enable {vm} --to {site} --partly`."
        ),
    ),
    "churn-high": _Text(
        N_("Its disks change by {rate_bytes} a second, and the link carries {link_bytes}"),
        N_(
            "`holdfast planner report` says what bandwidth it needs. Raise the limit, or move what "
            "writes so much, such as swap and caches, to a disk that is not replicated."
        ),
    ),
    "rpo-not-achievable": _Text(
        N_("With what it writes and what may be sent, it will be up to {rpo_seconds} behind"),
        N_("`holdfast planner report` says what bandwidth it needs; limits make it worse."),
    ),
    "upload-limited": _Text(
        N_("{queue_bytes} wait, and no more than {rate_bytes} a second may be sent"),
        N_("Allow more: `holdfast replication enable {vm} --to {site} --limit 100mbit`."),
    ),
    "upload-slow": _Text(
        N_("{queue_bytes} wait, and the link carries only {rate_bytes} a second"),
        N_("Measure the link: `holdfast doctor`. Long ways and lost packets make it slow."),
    ),
    "no-app-point": _Text(
        N_("It has no application-consistent point, though one was wanted each {wanted_seconds}"),
        N_("See why: `holdfast doctor`. Try it: `virsh domfsfreeze {vm} && virsh domfsthaw {vm}`."),
    ),
    "app-point-overdue": _Text(
        N_(
            "Its newest application-consistent point is {age_seconds} old; one was wanted each "
            "{wanted_seconds}"
        ),
        N_("See why: `holdfast doctor`. Try it: `virsh domfsfreeze {vm} && virsh domfsthaw {vm}`."),
    ),
    "clock-skew": _Text(
        N_(
            "The clocks here and at the site differ by {skew_seconds}, so ages are not to be trusted"
        ),
        N_("Set both by NTP: `timedatectl set-ntp true`, on both machines."),
    ),
    "not-at-host": _Text(
        N_("Its host knows nothing of it any more, and nobody has ended it"),
        N_(
            "Begin it again there, with `holdfast replication enable {vm}`; or end it at the "
            "server, with `holdfast replication list` and `holdfast replication end`."
        ),
    ),
    "host-silent": _Text(
        N_("{host} has not been heard of since {at}: how far behind it is now is not known"),
        N_("See whether the host runs, and its agent with it: `holdfast agent status` there."),
    ),
    "site-silent": _Text(
        N_("The machine of the site has not been heard of either"),
        N_("See whether it runs, and its agent with it: `holdfast agent status` there."),
    ),
    "status-of-future": _Text(
        N_(
            "What is known of it was written {ahead_seconds} ahead of the clock here, which was "
            "set back: nobody is at work, or the figures are not to be trusted"
        ),
        N_(
            "See what the time is: `timedatectl`. If it is right: `systemctl restart "
            "holdfast-agent`, or by hand `holdfast replication run`."
        ),
    ),
    "nobody-at-work": _Text(
        N_("Nobody has replicated it for {age_seconds}: no process of Holdfast is at work"),
        N_("`systemctl restart holdfast-agent`, or by hand: `holdfast replication run`."),
    ),
}
CODES: Final = frozenset(_TEXTS)


def sentence(reason: Reason) -> str:
    text = _TEXTS.get(reason.code)
    if text is None:
        # Of a newer release at the other end.
        return reason.code
    return _(text.sentence).format_map(_Shown(reason.figures))


def remedy(reason: Reason, *, vm: str, site: str) -> str:
    text = _TEXTS.get(reason.code)
    return filled_to_type(_(text.remedy), {"vm": vm, "site": site}) if text else ""


def source_codes(code: str) -> tuple[str, ...]:
    text = _TEXTS.get(code)
    return text.source_codes if text else ()


class _Shown(dict[str, str]):
    """Figures as people read them; one that is not known is a dash."""

    def __missing__(self, key: str) -> str:
        return "-"

    def __getitem__(self, key: str) -> str:
        value = super().get(key)
        return _figure(key, value) if value else self.__missing__(key)


def _figure(name: str, value: str) -> str:
    kind = name.rpartition("_")[2]
    try:
        return _SHOWN[kind](value) if kind in _SHOWN else value
    except (ValueError, OverflowError):
        return value


def _moment(value: str) -> str:
    return f"{datetime.fromisoformat(value).astimezone():%Y-%m-%d %H:%M:%S}"


# By the last word of a figure's name.
_SHOWN: Final[Mapping[str, Callable[[str], str]]] = {
    "bytes": lambda value: format_size(float(value)),
    "seconds": lambda value: duration_text(float(value)),
    "share": lambda value: f"{float(value):.0%}",
    "at": _moment,
    "why": why_text,
}
