"""The figures of the first page, each with the way to what it is made of."""

from nicegui import ui

from holdfast.app.control.overview import ILL, UNDERWAY, WELL
from holdfast.app.control.overview_views import OverviewView, ProofView
from holdfast.app.control.proofs import By
from holdfast.base.texts import _, ngettext
from holdfast.console import shown
from holdfast.console.job_lists import DAY, EVER, JobsAsked
from holdfast.console.overview_texts import counted
from holdfast.console.shown import Tone
from holdfast.console.tiles import Tile
from holdfast.fleet.jobs import Kind

_HEALTH: dict[str, Tone] = {"normal": "good", "warning": "warn", "critical": "bad"}
# Where there is nothing to lead to yet.
_WAYS = {
    By.RESTORE: JobsAsked(kinds=(Kind.RESTORE, Kind.RESTORE_VM), hours=EVER).href,
    By.DRILL: "/drills",
    By.READ_CHECK: JobsAsked(kinds=(Kind.CHECK, Kind.SCRUB), hours=EVER).href,
}


class SafetyTiles:
    """Protected, at risk, unprotected; and who would lose most."""

    def __init__(self) -> None:
        shown.heading(_("Protection"))
        with ui.element("div").classes("hf-grid"):
            self._protected = Tile(_("Protected"), "/safety?safety=protected")
            self._at_risk = Tile(_("At risk"), "/safety?safety=at-risk")
            self._unprotected = Tile(_("Unprotected"), "/safety?safety=unprotected")
            self._rpo = Tile(_("Worst RPO now"), "/replications")
            self._backup = Tile(_("Longest without a new backup"), "/safety?kind=machine")

    def show(self, view: OverviewView) -> None:
        of, vms = view.machines, view.vms
        self._three(self._protected, of.protected, vms.protected, tone="good")
        self._three(self._at_risk, of.at_risk, vms.at_risk, tone="warn")
        self._three(self._unprotected, of.unprotected, vms.unprotected, tone="bad")
        self._say_rpo(view)
        self._say_backup(view)

    def _three(self, tile: Tile, machines: int, vms: int, *, tone: Tone) -> None:
        count = machines + vms
        tile.say(f"{count}", counted(machines, vms), tone=tone if count else "idle")

    def _say_rpo(self, view: OverviewView) -> None:
        worst, counts = view.worst_rpo, view.replications
        if worst is None:
            self._rpo.say("-", _("Nothing is replicated"))
            self._rpo.lead_to("/replications")
            return
        note = _("{name} to {site}; {normal} of {total} as they should be").format(
            name=worst.name, site=worst.site, normal=counts.normal, total=counts.total
        )
        self._rpo.say(shown.duration(worst.seconds), note, tone=_HEALTH.get(worst.health, "idle"))
        self._rpo.lead_to(f"/replications/{worst.id}")

    def _say_backup(self, view: OverviewView) -> None:
        worst = view.worst_backup
        if worst is None:
            self._backup.say("-", _("No machine has a recovery point"))
            self._backup.lead_to("/safety?kind=machine")
            return
        self._backup.say(shown.ago(worst.at, view.at), worst.name)
        self._backup.lead_to(f"/machines/{worst.id}")


class ProofTiles:
    """What was tried, and came back."""

    def __init__(self) -> None:
        shown.heading(_("Shown to come back"))
        with ui.element("div").classes("hf-grid"):
            self._share = Tile(_("Proven lately"), "/safety?proven=false")
            self._of = {
                By.RESTORE: Tile(_("Last restore"), _WAYS[By.RESTORE]),
                By.DRILL: Tile(_("Last drill that passed"), _WAYS[By.DRILL]),
                By.READ_CHECK: Tile(_("Last check that read the data"), _WAYS[By.READ_CHECK]),
            }

    def show(self, view: OverviewView) -> None:
        self._say_share(view)
        found = {by: [one for one in view.proofs if _shown_by(one) is by] for by in self._of}
        for by, tile in self._of.items():
            proof = max(found[by], key=lambda one: one.at, default=None)
            tile.lead_to(_way_to(proof) if proof else _WAYS[by])
            _say_proof(tile, proof, view)

    def _say_share(self, view: OverviewView) -> None:
        proven = view.machines.proven + view.vms.proven
        kept = sum(one.protected + one.at_risk for one in (view.machines, view.vms))
        days = ngettext(
            "within {days} day; the rest is a promise",
            "within {days} days; the rest is a promise",
            view.proven_within_days,
        )
        tone: Tone = "good" if kept and proven == kept else "warn" if kept else "idle"
        value = _("{part} of {whole}").format(part=proven, whole=kept)
        self._share.say(value, days.format(days=view.proven_within_days), tone=tone)


class DayTiles:
    """The last 24 hours: what went well is told as well."""

    def __init__(self) -> None:
        shown.heading(_("The last 24 hours"))
        with ui.element("div").classes("hf-grid"):
            self._well = Tile(_("Jobs that went well"), _jobs(WELL))
            self._failed = Tile(_("Jobs that failed"), _jobs(ILL))
            self._underway = Tile(_("Under way"), _jobs(UNDERWAY))
            self._points = Tile(_("New recovery points"), f"/points?hours={DAY}")
            self._stored = Tile(_("Stored"), "/vaults")

    def show(self, view: OverviewView) -> None:
        day = view.day
        backups = ngettext("{count} backup", "{count} backups", day.backups)
        restores = ngettext("{count} restore", "{count} restores", day.restores)
        note = f"{backups.format(count=day.backups)}, {restores.format(count=day.restores)}"
        self._well.say(f"{day.well}", note, tone="good" if day.well else "idle")
        self._failed.say(f"{day.failed}", tone="bad" if day.failed else "idle")
        self._underway.say(f"{day.underway}", tone="busy" if day.underway else "idle")
        added = _("{size} added; points in all: {total}")
        self._points.say(
            f"{day.points}", added.format(size=shown.size(day.bytes_added), total=view.points)
        )
        vaults = ngettext("in {count} vault", "in {count} vaults", view.vaults)
        self._stored.say(shown.size(view.bytes_stored), vaults.format(count=view.vaults))


def _jobs(states: tuple[str, ...]) -> str:
    return JobsAsked(states=states, hours=DAY).href


def _way_to(proof: ProofView) -> str:
    """What showed it. What the server read again, or a host told of a drill, is no job of its own."""
    if proof.job_id:
        return f"/jobs/{proof.job_id}"
    return "/drills" if proof.by == By.DRILL else f"/machines/{proof.machine_id}"


def _shown_by(proof: ProofView) -> By:
    return By.RESTORE if proof.by == By.RESTORE_PART else By(proof.by)


def _say_proof(tile: Tile, proof: ProofView | None, view: OverviewView) -> None:
    if proof is None:
        tile.say(_("not yet"), _("Nothing is proven this way"), tone="warn")
    else:
        whole = proof.by != By.RESTORE_PART
        about = proof.about if whole else _("{name}, in part").format(name=proof.about)
        tile.say(shown.ago(proof.at, view.at), about, tone="good")
