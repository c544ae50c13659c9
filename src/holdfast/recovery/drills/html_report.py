"""A drill as one page that needs nothing else: for a browser, for paper, for an auditor. Pure."""

import base64
from collections.abc import Iterator, Sequence
from html import escape

from holdfast.base.texts import _
from holdfast.recovery.drills import wording
from holdfast.recovery.drills.drill import DrillRun, DrillVerdict
from holdfast.recovery.drills.page_parts import pairs, section, table, whole_page
from holdfast.recovery.drills.trend_chart import Bar, chart

_MOST_IN_TREND = 24


def html_report(run: DrillRun, past: Sequence[DrillRun], *, picture: bytes | None = None) -> str:
    """`past` are the runs up to this one, the oldest first; `picture` is a PNG."""
    title = escape(_("Drill of {name}").format(name=run.trial.name))
    body = "\n".join(
        part for part in (_head(run, title), *_sections(run, past, picture), _foot(run)) if part
    )
    return whole_page(title, body)


def _head(run: DrillRun, title: str) -> str:
    verdict = run.verdict
    said = wording.reason_text(run)
    why = f"<p>{escape(said)}</p>" if said else ""
    when = escape(wording.moment_text(run.trial.begun_at))
    return (
        f'<h1>{title}</h1>\n<p class="sub">{when} · {escape(run.host)}</p>\n'
        f'<p><span class="verdict {verdict.value}">'
        f"{escape(wording.verdict_text(verdict))}</span></p>\n{why}"
    )


def _sections(run: DrillRun, past: Sequence[DrillRun], picture: bytes | None) -> Iterator[str]:
    yield section(_("What was started"), pairs(_facts(run)))
    yield section(_("Objectives"), table(_objectives_head(), list(_objectives(run))))
    yield section(_("Checks"), _checks(run))
    yield section(_("How long each part took"), _parts(run))
    yield section(_("Its screen"), _screen(run, picture))
    yield section(_("Drills so far"), _trend(run, past))


def _facts(run: DrillRun) -> Iterator[tuple[str, str]]:
    trial = run.trial
    yield _("Machine"), f"{trial.name} ({trial.vm})"
    yield _("Started as"), trial.trial_name
    yield _("Point"), trial.generation or "-"
    yield _("As it was at"), wording.moment_text(trial.taken_at)
    yield _("Consistency"), wording.consistency_text(trial) or "-"
    yield _("Networks"), _networks(run)
    yield _("Begun by"), trial.who or "-"
    yield _("On a schedule"), _("yes") if run.is_scheduled else _("no")
    yield _("Cleaned up"), wording.moment_text(trial.cleaned_at)


def _networks(run: DrillRun) -> str:
    promoted = run.trial.promoted
    named = {old: new for old, new in (promoted.networks if promoted else {}).items() if new}
    if not named:
        return _("none: nothing else could be reached")
    return ", ".join(f"{old} → {new}" for old, new in named.items())


def _objectives_head() -> tuple[str, ...]:
    return ("", _("Promised"), _("In this drill"), "")


def _objectives(run: DrillRun) -> Iterator[tuple[str, ...]]:
    rows = (
        ("rpo", _("Data lost (RPO)"), run.objective.rpo, run.trial.rpo_seconds),
        ("rto", _("Time to recover (RTO)"), run.objective.rto, run.trial.seconds_to_up),
    )
    for name, title, wanted, seen in rows:
        kept = "-" if wanted is None or seen is None else "✗" if name in run.missed else "✓"
        yield title, wording.seconds_text(wanted), wording.seconds_text(seen), kept


def _checks(run: DrillRun) -> str:
    rows = [
        ("✓" if each.is_good else "✗", each.text, each.said, wording.seconds_text(each.seconds))
        for each in run.trial.checks
    ]
    if not rows:
        return f"<p>{escape(_('It did not come so far.'))}</p>"
    return table(("", _("Check"), _("What was seen"), _("Seen after")), rows)


def _parts(run: DrillRun) -> str:
    rows = [
        (wording.part_text(each.name), _("{seconds} s").format(seconds=f"{each.seconds:.2f}"))
        for each in run.trial.parts
    ]
    return table((_("Part"), _("Time")), rows) if rows else ""


def _screen(run: DrillRun, picture: bytes | None) -> str:
    if picture is None:
        reason = run.trial.picture_reason
        text = _("There is no picture: {reason}").format(reason=reason) if reason else ""
        return f"<p>{escape(text)}</p>" if text else ""
    coded = base64.b64encode(picture).decode()
    alt = escape(_("What its screen showed when the checks were over"))
    return f'<figure><img alt="{alt}" src="data:image/png;base64,{coded}"></figure>'


def _trend(run: DrillRun, past: Sequence[DrillRun]) -> str:
    shown = list(past)[-_MOST_IN_TREND:]
    bars = chart([_bar(each) for each in shown], run.objective.rto)
    caption = f"<figcaption>{escape(_trend_text(run))}</figcaption>"
    picture = f"<figure>{bars}\n{caption}</figure>"
    head = (_("When"), _("Verdict"), _("RPO"), _("RTO"))
    rows = [
        (
            wording.moment_text(each.trial.begun_at),
            wording.verdict_text(each.verdict),
            wording.seconds_text(each.trial.rpo_seconds),
            wording.seconds_text(each.trial.seconds_to_up),
        )
        for each in reversed(shown)
    ]
    return f"{picture}\n{table(head, rows)}" if rows else ""


def _trend_text(run: DrillRun) -> str:
    bars = _(
        "Each bar is a drill: how long it took until it was up. Green passed, yellow missed what "
        "was promised then, red failed."
    )
    if run.objective.rto is None:
        return bars
    line = _("The dashed line is what was promised, {time}.")
    return f"{bars} {line.format(time=wording.seconds_text(run.objective.rto))}"


def _bar(run: DrillRun) -> Bar:
    trial = run.trial
    when = f"{trial.begun_at.astimezone():%Y-%m-%d}"
    has_passed = run.verdict in (DrillVerdict.PASSED, DrillVerdict.OBJECTIVE_MISSED)
    time = wording.seconds_text(trial.seconds_to_up)
    return Bar(
        label=when,
        value=trial.seconds_to_up if has_passed else None,
        is_good=run.verdict is DrillVerdict.PASSED,
        title=f"{when}: {wording.verdict_text(run.verdict)}, {time}",
    )


def _foot(run: DrillRun) -> str:
    return f'<p class="sub"><code>{escape(run.trial.id)}</code> · Holdfast</p>'
