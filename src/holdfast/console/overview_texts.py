"""The answer of the first page in one sentence, and what to do about it."""

from dataclasses import dataclass

from holdfast.app.control.overview_views import Answer, OverviewView
from holdfast.base.texts import _, ngettext
from holdfast.console.problem_words import shown_by
from holdfast.console.shown import Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    sentence: str
    more: str
    tone: Tone
    action: str = ""
    href: str = ""
    is_empty: bool = False


def verdict(view: OverviewView) -> Verdict:
    match Answer(view.answer):
        case Answer.EMPTY:
            return Verdict(
                sentence=_("Nothing is protected yet"),
                more=_("Register a machine, and here it says whether it would come back."),
                tone="idle",
                action=_("Get started"),
                href="/start",
                is_empty=True,
            )
        case Answer.UNPROTECTED:
            return _unprotected(view)
        case Answer.AT_RISK:
            return _at_risk(view)
        case Answer.UNPROVEN:
            return _unproven(view)
        case Answer.SAFE:
            return Verdict(sentence=_("Everything is protected"), more=proven(view), tone="good")


def proven(view: OverviewView) -> str:
    """Not that it was stored, but that it came back."""
    newest = max(view.proofs, key=lambda one: one.at, default=None)
    if newest is None:
        text = ngettext(
            "Nothing was shown to come back within {days} day: restore, or let a drill do it.",
            "Nothing was shown to come back within {days} days: restore, or let a drill do it.",
            view.proven_within_days,
        )
        return text.format(days=view.proven_within_days)
    return _("Last shown to come back: {name}, {how}.").format(
        name=newest.about, how=shown_by(newest.by)
    )


def counted(machines: int, vms: int) -> str:
    parts = []
    if machines or not vms:
        text = ngettext("{count} machine", "{count} machines", machines)
        parts.append(text.format(count=machines))
    if vms:
        text = ngettext("{count} virtual machine", "{count} virtual machines", vms)
        parts.append(text.format(count=vms))
    return ", ".join(parts)


def _unprotected(view: OverviewView) -> Verdict:
    machines, vms = view.machines.unprotected, view.vms.unprotected
    text = ngettext("{what} is not protected", "{what} are not protected", machines + vms)
    return Verdict(
        sentence=text.format(what=counted(machines, vms)),
        more=_("If lost now, that would not come back. {proven}").format(proven=proven(view)),
        tone="bad",
        action=_("See what is not protected"),
        href="/safety?safety=unprotected",
    )


def _unproven(view: OverviewView) -> Verdict:
    """Weekly reports are as strict: what nobody brought back is a promise."""
    machines, vms = view.machines.unproven, view.vms.unproven
    text = ngettext(
        "Everything is protected; {what} was not shown to come back",
        "Everything is protected; {what} were not shown to come back",
        machines + vms,
    )
    return Verdict(
        sentence=text.format(what=counted(machines, vms)),
        more=proven(view),
        tone="warn",
        action=_("See what is not proven"),
        href="/safety?proven=false",
    )


def _at_risk(view: OverviewView) -> Verdict:
    machines, vms = view.machines.at_risk, view.vms.at_risk
    text = ngettext("{what} is at risk", "{what} are at risk", machines + vms)
    return Verdict(
        sentence=text.format(what=counted(machines, vms)),
        more=_("Everything is protected, but not as it should be. {proven}").format(
            proven=proven(view)
        ),
        tone="warn",
        action=_("See what is at risk"),
        href="/safety?safety=at-risk",
    )
