"""What the states of machines, virtual machines and points are called, and their colours."""

from collections.abc import Mapping
from datetime import datetime

from nicegui import ui

from holdfast.app.control.safety_views import SafetyView
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.problem_words import shown_by
from holdfast.console.shown import Tone

Words = Mapping[str, tuple[str, Tone]]

HEALTH: Words = {
    "ok": (N_("At work"), "good"),
    "silent": (N_("Silent"), "bad"),
    "never-seen": (N_("Never seen"), "warn"),
    "no-certificate": (N_("Locked out"), "bad"),
    "unregistered": (N_("Unregistered"), "idle"),
    "deleted": (N_("Deleted"), "idle"),
}
SAFETY: Words = {
    "protected": (N_("Protected"), "good"),
    "at-risk": (N_("At risk"), "warn"),
    "unprotected": (N_("Unprotected"), "bad"),
    "host": (N_("Host only"), "idle"),
}
WHY: Mapping[str, str] = {
    "not-protected": N_("nothing protects it"),
    "split-brain": N_("it runs at two places"),
    "damaged": N_("damage was found in its backups"),
    "replication-critical": N_("its replication is critical"),
    "no-point": N_("it has no recovery point yet"),
    "overdue": N_("its newest point is too old"),
    "failed-over": N_("it runs at the other site, unprotected"),
    "paused": N_("its protection is paused"),
    "backup-failed": N_("its last backup failed"),
    "silent": N_("its agent is silent"),
    "replication-warning": N_("its replication has a warning"),
}
RUN_STATE: Words = {
    "running": (N_("Running"), "good"),
    "blocked": (N_("Running"), "good"),
    "paused": (N_("Paused"), "warn"),
    "shutting_down": (N_("Shutting down"), "idle"),
    "off": (N_("Off"), "idle"),
    "crashed": (N_("Crashed"), "bad"),
    "suspended": (N_("Suspended"), "idle"),
}
EXTENT: Words = {
    "whole": (N_("Wholly"), "good"),
    "partly": (N_("In part"), "warn"),
    "not": (N_("Not"), "bad"),
}
CONSISTENCY: Words = {
    "application": (N_("Application"), "good"),
    "filesystem": (N_("File system"), "busy"),
    "crash": (N_("Crash"), "warn"),
}


def word(words: Words, value: str | None) -> str:
    """In the visitor's language; what is not known is shown as it is."""
    if value is None:
        return "-"
    return _(words[value][0]) if value in words else value


def wished(words: Words, value: str) -> str:
    """What a query asks for, as a list offers it; nothing where it asks for nothing."""
    return word(words, value) if value else ""


def tone(words: Words, value: str | None) -> Tone | None:
    if value is None:
        return None
    return words[value][1] if value in words else "idle"


def word_chip(words: Words, value: str | None) -> ui.element:
    return shown.chip(word(words, value), tone(words, value) or "idle")


def proven_text(view: SafetyView | None, now: datetime) -> str:
    """When it was last shown to come back, and by what."""
    if view is None or view.proven_at is None or view.proven_by is None:
        return _("not yet")
    return f"{shown.ago(view.proven_at, now)} ({shown_by(view.proven_by)})"


def reasons(found: list[str]) -> str:
    return "; ".join(_(WHY[one]) if one in WHY else one for one in found)
