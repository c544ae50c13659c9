"""Recovery plans: which machines come up in which order, and how their last runs went."""

from nicegui import ui

from holdfast.app.control.plan_run_views import PlanRunView, list_plan_runs
from holdfast.app.control.recovery_plans import PlanView, list_plans
from holdfast.base.clock import Clock
from holdfast.base.texts import N_, _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.job_words import who_text
from holdfast.console.pages import page
from holdfast.console.tables import Choice, Column, Empty, Listing
from holdfast.console.thing_words import tone, word
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import vault_names
from holdfast.fleet.roles import Right

_EVERY = 5.0
KINDS = {
    "test": N_("Test"),
    "planned": N_("Planned"),
    "unplanned": N_("Unplanned"),
}


@page("/plans", title=N_("Recovery plans"), section="plans")
async def plans_page(visit: Visit) -> None:
    ui.label(
        _("A plan brings many machines up in order, asks people in between, and can be tested.")
    ).classes("hf-muted")
    if visit.may_anywhere(Right.CHANGE_POLICIES):
        with ui.element("div").classes("hf-row"):
            shown.link(_("Write a plan"), "/plans/new").classes("hf-button hf-button-main")
    vaults = await vault_names(visit)
    runs = await visit.ask(list_plan_runs)
    newest: dict[tuple[str, str], PlanRunView] = {}
    for one in runs:
        newest.setdefault((one.vault_id, one.plan), one)

    async def load() -> list[PlanView]:
        return await visit.ask(list_plans)

    listing = Listing(
        visit,
        name="plans",
        columns=_columns(vaults, newest, visit.plane.clock),
        load=load,
        empty=Empty(
            title=_("There is no recovery plan yet"),
            text=_(
                "When a site is lost nobody should have to think about what comes first. Write "
                "down once in which order machines start, and test it beside the replication."
            ),
            action=_("Write a plan"),
            href="/plans/new",
        ),
        choices=[
            Choice(name="vault", label=_("Vault"), value=lambda row: vaults.get(row.vault_id, ""))
        ],
    )
    await listing.show()
    if runs:
        shown.heading(_("Runs"))
        await show_runs(visit)


async def show_runs(visit: Visit, plan_id: str | None = None) -> None:
    async def load() -> list[PlanRunView]:
        return await visit.ask(list_plan_runs, plan_id=plan_id)

    listing = Listing(
        visit,
        name="plan-runs",
        columns=_run_columns(visit.plane.clock),
        load=load,
        empty=Empty(
            title=_("It was never run"),
            text=_("A test starts copies in isolation: nothing stops, and you know what works."),
        ),
        choices=[
            Choice(name="kind", label=_("Kind"), value=kind_text),
            Choice(name="outcome", label=_("Outcome"), value=_outcome),
        ],
        sort="begun",
        is_descending=True,
        per_page=10,
    )
    await listing.show()
    visit.every(_EVERY, listing.refresh)


def kind_text(row: PlanRunView) -> str:
    return _(KINDS[row.kind]) if row.kind in KINDS else row.kind


def _outcome(row: PlanRunView) -> str:
    return word(words.OUTCOME, row.outcome)


def _columns(
    vaults: dict[str, str], newest: dict[tuple[str, str], PlanRunView], clock: Clock
) -> list[Column[PlanView]]:
    def last(row: PlanView) -> PlanRunView | None:
        return newest.get((row.vault_id, row.name))

    def href(row: PlanView) -> str | None:
        found = last(row)
        return f"/plan-runs/{found.id}" if found else None

    def outcome(row: PlanView) -> str | None:
        found = last(row)
        return found.outcome if found else None

    def told(row: PlanView) -> str:
        found = last(row)
        if found is None:
            return _("never run")
        return f"{kind_text(found)}: {_outcome(found)}, {shown.ago(found.begun_at, clock.now())}"

    return [
        Column(
            name="plan",
            label=_("Plan"),
            value=lambda row: row.name,
            href=lambda row: f"/plans/{row.id}",
        ),
        Column(
            name="machines",
            label=_("Machines"),
            value=lambda row: len(row.machines),
            is_number=True,
        ),
        Column(
            name="last",
            label=_("Last run"),
            value=outcome,
            text=told,
            tone=lambda row: tone(words.OUTCOME, outcome(row)) or "bad",
            href=href,
        ),
        Column(
            name="vault", label=_("Vault"), value=lambda row: vaults.get(row.vault_id, row.vault_id)
        ),
        Column(
            name="changed",
            label=_("Changed"),
            value=lambda row: row.changed_at,
            text=lambda row: shown.ago(row.changed_at, clock.now()),
            is_minor=True,
        ),
        Column(
            name="who", label=_("By"), value=lambda row: who_text(row.changed_by), is_minor=True
        ),
    ]


def _run_columns(clock: Clock) -> list[Column[PlanRunView]]:
    return [
        Column(
            name="begun",
            label=_("Begun"),
            value=lambda row: row.begun_at,
            text=lambda row: shown.ago(row.begun_at, clock.now()),
            href=lambda row: f"/plan-runs/{row.id}",
        ),
        Column(name="plan", label=_("Plan"), value=lambda row: row.plan),
        Column(name="kind", label=_("Kind"), value=kind_text),
        Column(
            name="outcome",
            label=_("Outcome"),
            value=lambda row: row.outcome,
            text=_outcome,
            tone=lambda row: tone(words.OUTCOME, row.outcome),
        ),
        Column(
            name="steps",
            label=_("Steps"),
            value=lambda row: row.done,
            text=lambda row: f"{row.done} / {row.total}",
            is_number=True,
        ),
        Column(
            name="took",
            label=_("Took"),
            value=lambda row: ((row.ended_at or clock.now()) - row.begun_at).total_seconds(),
            text=lambda row: shown.duration(
                ((row.ended_at or clock.now()) - row.begun_at).total_seconds()
            ),
            is_number=True,
        ),
        Column(name="who", label=_("By"), value=lambda row: who_text(row.who), is_minor=True),
    ]
