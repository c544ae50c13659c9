"""How replications are told: a line each, or everything about one."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from holdfast.base.texts import _, ngettext
from holdfast.base.units import format_duration, format_size
from holdfast.cli import shown
from holdfast.cli.output import Output
from holdfast.cli.replication_json import remedy_of, replication_event
from holdfast.machines.downgrades import AS_SET, reasons_text
from holdfast.replication import health_texts
from holdfast.replication.states import STATES
from holdfast.replication.status import Health
from holdfast.replication.why_texts import what_text, why_text

if TYPE_CHECKING:
    from holdfast.replication.looking import Look
    from holdfast.replication.replica_facts import ReplicaFacts
    from holdfast.replication.status import ReplicationStatus

_SIGNS = {Health.CRITICAL: "✗", Health.WARNING: "!", Health.NORMAL: "✓"}
_MOST_HAPPENINGS = 10


def tell_replications(out: Output, looks: "Sequence[Look]") -> None:
    """A line each, the gravest first."""
    ranks = list(Health)
    looks = sorted(looks, key=lambda look: -ranks.index(look.status.health))
    head = (
        _("VM"),
        _("Site"),
        _("State"),
        _("Health"),
        _("Behind"),
        _("Queue"),
        _("Reasons"),
    )
    lines = shown.table([head, *map(_row, looks)])
    if looks:
        out.remark(lines[0])
    for look, line in zip(looks, lines[1:], strict=True):
        out.show(replication_event(look), line)
    count = len(looks)
    machines = ngettext("{count} machine", "{count} machines", count).format(count=count)
    normal = sum(look.status.health is Health.NORMAL for look in looks)
    out.remark(_("{machines}, normal: {normal}").format(machines=machines, normal=normal))


def tell_replication(out: Output, look: "Look", replica: "ReplicaFacts | None" = None) -> None:
    """Everything about one; with its points, where the site was asked."""
    out.show(
        replication_event(look),
        *shown.table(list(_facts(look))),
        *_reasons(look),
        *_happenings(look.status),
        *(_points(replica) if replica else ()),
    )
    if look.error is not None:
        out.warning(f"{look.error} {look.error.advice}")


def _row(look: "Look") -> tuple[str, ...]:
    status = look.status
    queue = f"{status.queue_logs} · {format_size(status.queue_bytes)}"
    return (
        shown.line(look.settings.name),
        shown.line(status.site),
        _(STATES[status.state]),
        f"{_SIGNS[status.health]} {_(health_texts.HEALTHS[status.health])}",
        _duration(status.rpo_seconds),
        queue if status.queue_logs else "-",
        ", ".join(reason.code for reason in status.reasons) or "-",
    )


def _facts(look: "Look") -> Iterator[tuple[str, str]]:
    settings, status = look.settings, look.status
    to = settings.to
    yield _("VM"), shown.line(settings.name)
    yield _("Id"), settings.vm
    yield _("Site"), shown.line(f"{to.site} ({to.host}:{to.port})")
    yield _("Each"), _duration(settings.every)
    yield _("State"), _(STATES[status.state])
    yield _("Health"), _(health_texts.HEALTHS[status.health])
    yield _("Behind"), _duration(status.rpo_seconds)
    yield _("Newest point"), _moment(status.latest_at)
    if settings.app_every:
        yield _("Newest application-consistent point"), _moment(status.latest_app_at)
    yield _("Last success"), _moment(status.last_success_at)
    yield from _work(status)


def _work(status: "ReplicationStatus") -> Iterator[tuple[str, str]]:
    """What it does, and what that costs."""
    if status.walk_bytes:
        done, whole = format_size(status.walked_bytes), format_size(status.walk_bytes)
        yield _("Compared"), _("{done} of {whole}").format(done=done, whole=whole)
    cycles = _("{cycles}, missed: {missed}")
    yield _("Cycles"), cycles.format(cycles=status.cycles, missed=status.missed)
    queue = _("logs: {logs}, {size}")
    yield (
        _("Queue"),
        queue.format(logs=status.queue_logs, size=format_size(status.queue_bytes)),
    )
    yield _("Sent"), _sent(status)
    logs = _("mean {mean}, greatest {greatest}")
    mean, greatest = format_size(status.mean_log_bytes), format_size(status.greatest_log_bytes)
    yield _("Change logs"), logs.format(mean=mean, greatest=greatest)
    if status.scratch_peak_bytes:
        size = format_size(status.scratch_peak_bytes)
        yield _("Scratch files"), _("at most {size}").format(size=size)
    for each in status.churn:
        rate = format_size(each.dirty_bytes_per_second)
        yield _("Changes"), _("{disk}: {size}/s").format(disk=each.target, size=rate)
    if status.left_out:
        yield _("Not replicated"), _left_out(status)
    yield _("Best that can be"), _duration(status.achievable_rpo_seconds)
    if status.spool.ours or status.spool.free:
        yield _("Spool"), _spool(status)
    if status.next_try_at is not None:
        yield _("Next try"), _moment(status.next_try_at)


def _sent(status: "ReplicationStatus") -> str:
    speed = _("{size}/s").format(size=format_size(status.throughput)) if status.throughput else "-"
    if status.limit_bytes_per_second is None:
        return speed
    limit = format_size(status.limit_bytes_per_second)
    if status.limit_until is None:
        return _("{speed}, limit {limit}/s").format(speed=speed, limit=limit)
    until = shown.moment(status.limit_until)
    text = _("{speed}, limit {limit}/s until {until}")
    return text.format(speed=speed, limit=limit, until=until)


def _left_out(status: "ReplicationStatus") -> str:
    return shown.line(", ".join(f"{disk} ({why})" for disk, why in sorted(status.left_out.items())))


def _spool(status: "ReplicationStatus") -> str:
    spool = status.spool
    text = _("{share} of the room, {free} free")
    return text.format(share=f"{spool.share:.0%}", free=format_size(spool.free))


def _reasons(look: "Look") -> Iterator[str]:
    for reason in look.status.reasons:
        said = health_texts.sentence(reason)
        since = shown.moment(reason.since)
        yield shown.line(f"{_SIGNS[reason.health]} {said} ({_since(since)})")
        yield shown.line(f"    → {remedy_of(look, reason)}")


def _since(when: str) -> str:
    return _("since {when}").format(when=when)


def _happenings(status: "ReplicationStatus") -> Iterator[str]:
    if status.happenings:
        yield _("What happened:")
    for each in status.happenings[-_MOST_HAPPENINGS:]:
        about = ", ".join(filter(None, (each.disk, format_size(each.bytes) if each.bytes else "")))
        size = f" ({about})" if about else ""
        said = f"{what_text(each.what)}: {why_text(each.why)}{size}"
        yield shown.line(f"  {shown.moment(each.at)}  {said}")


def _points(replica: "ReplicaFacts") -> Iterator[str]:
    count = len(replica.points)
    yield ngettext("{count} point:", "{count} points:", count).format(count=count)
    for point in reversed(replica.points):
        said = f"{point.generation}  {point.consistency}"
        why = reasons_text(each for each in point.downgrades if each.code not in AS_SET)
        about = f": {why}" if why else ""
        yield shown.line(f"  {shown.moment(point.taken_at)}  {said}{about}")


def _duration(seconds: float | None) -> str:
    return "-" if seconds is None else format_duration(seconds)


def _moment(when: datetime | None) -> str:
    return "-" if when is None else shown.moment(when)
