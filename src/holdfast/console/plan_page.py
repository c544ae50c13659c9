"""One recovery plan: its text with checks as it is typed, its picture, and how to run it."""

from typing import Any

from nicegui import ui

from holdfast.app.control.plan_checks import PlanCheck, check_plan
from holdfast.app.control.plan_runs import begin_run
from holdfast.app.control.recovery_plans import PlanView, put_plan, remove_plan, show_plan
from holdfast.app.control.recovery_views import list_recoveries
from holdfast.app.control.vaults import list_vaults
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.asking import confirm
from holdfast.console.forms import Form
from holdfast.console.job_words import who_text
from holdfast.console.notices import say
from holdfast.console.pages import page
from holdfast.console.plan_picture import show_check
from holdfast.console.plans_page import KINDS, show_runs
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of
from holdfast.fleet.roles import Right
from holdfast.server.nudging import nudge

_NEW = "new"
_MOST_IN_EXAMPLE = 4


@page("/plans/{plan_id}", title=N_("Recovery plan"), section="plans")
async def plan_page(visit: Visit, plan_id: str) -> None:
    if plan_id == _NEW:
        await _new(visit)
        return
    plan = await visit.ask(show_plan, plan_id)
    _head(visit, plan)
    editor = _Editor(visit, plan.vault_id, plan.text, may=_may_change(visit, plan.vault_id))
    await editor.show()
    shown.heading(_("Runs"))
    await show_runs(visit, plan_id)


def _may_change(visit: Visit, vault_id: str) -> bool:
    return visit.may(Right.CHANGE_POLICIES, vault_id)


def _head(visit: Visit, plan: PlanView) -> None:
    with ui.element("div").classes("hf-row"):
        shown.subject(plan.name)
        ui.label(
            _("version {number}, {when}, by {who}").format(
                number=plan.version, when=shown.when(plan.changed_at), who=who_text(plan.changed_by)
            )
        ).classes("hf-muted")
        ui.space()

        async def run() -> None:
            await _run(visit, plan)

        async def remove() -> None:
            await _remove(visit, plan)

        go = ui.button(_("Run it"), icon="play_arrow", on_click=visit.doing(run))
        go.props("no-caps unelevated color=primary")
        go.set_enabled(visit.may(Right.RUN_JOBS, plan.vault_id))
        away = ui.button(_("Remove"), on_click=visit.doing(remove))
        away.props("outline no-caps color=primary")
        away.set_enabled(_may_change(visit, plan.vault_id))


async def _run(visit: Visit, plan: PlanView) -> None:
    with Form(_("Run the plan {name}").format(name=plan.name), yes=_("Run it")) as form:
        kind = ui.select(
            {name: _(text) for name, text in KINDS.items()}, label=_("How"), value="test"
        ).classes("w-full")
        said = ui.label().classes("hf-muted")
        keep = ui.input(_("Leave a test so long to be looked at, as in 2h")).classes("w-full")
        gone = ui.checkbox(_("I am certain that nothing of its machines runs at their hosts"))
        tried = ui.checkbox(
            _("Where a host still answers, have it shut down there and its last sent first")
        )

        def explain() -> None:
            said.set_text(_(_SAID[kind.value]))
            keep.set_visibility(kind.value == "test")
            gone.set_visibility(kind.value == "unplanned")
            tried.set_visibility(kind.value == "unplanned")

        kind.on_value_change(visit.doing(explain))
        explain()
    if not await form.agreed():
        return
    if kind.value != "test" and not await _is_meant(plan, kind.value):
        return
    made = await visit.ask(
        begin_run,
        plan.id,
        act=kind.value,
        source_is_down=bool(gone.value) and kind.value == "unplanned",
        try_shut_down=bool(tried.value) and kind.value == "unplanned",
        keep=(keep.value or "").strip() or None if kind.value == "test" else None,
    )
    nudge(made.id)
    ui.navigate.to(f"/plan-runs/{made.id}")


_SAID = {
    "test": N_("Copies start in isolation, in order, with their checks; then they are removed."),
    "planned": N_(
        "Each machine is shut down at its host and started at its site. Nothing is lost."
    ),
    "unplanned": N_("The hosts are gone: each machine starts from its newest point at its site."),
}


async def _is_meant(plan: PlanView, kind: str) -> bool:
    count = len(plan.machines)
    return await confirm(
        _("Fail over all machines of {name}?").format(name=plan.name),
        _("{count} machines move to their sites. {said}").format(count=count, said=_(_SAID[kind])),
        yes=_("Run it"),
        typed=plan.name,
        is_dangerous=True,
    )


async def _remove(visit: Visit, plan: PlanView) -> None:
    agreed = await confirm(
        _("Remove the plan {name}?").format(name=plan.name),
        _("Runs that are under way go on; past runs stay."),
        yes=_("Remove it"),
        is_dangerous=True,
    )
    if agreed:
        await visit.ask(remove_plan, plan.id)
        ui.navigate.to("/plans")


async def _new(visit: Visit) -> None:
    vaults = [
        one for one in await all_of(visit, list_vaults) if visit.may(Right.CHANGE_POLICIES, one.id)
    ]
    if not vaults:
        shown.empty(
            _("No plan can be written yet"),
            _("A plan belongs to a vault in which you may change policies."),
            action=_("Vaults"),
            href="/vaults",
        )
        return
    box = ui.select(
        {one.id: one.name for one in vaults}, label=_("Vault"), value=vaults[0].id
    ).props("outlined")
    text = await _example(visit)
    editor = _Editor(visit, vaults[0].id, text, may=True)

    async def move() -> None:
        editor.vault_id = box.value
        await editor.check()

    box.on_value_change(visit.doing(move))
    await editor.show()


async def _example(visit: Visit) -> str:
    """Of what there is: the machines that are replicated, the first of them before the others."""
    found = await all_of(visit, list_recoveries)
    names = [one.name for one in found][:_MOST_IN_EXAMPLE] or ["database", "web"]
    first, rest = names[:1], names[1:] or names[:0]
    lines = ["version: 1", "name: our-plan", "rto: 30m", "groups:"]
    lines += ["  - name: first", "    machines:", *(f"      - vm: {name}" for name in first)]
    if rest:
        lines += ["  - name: second", "    pre:", "      - name: look"]
        lines += ["        confirm: Does what was started answer?", "    machines:"]
        lines += [f"      - vm: {name}" for name in rest]
    return "\n".join(lines) + "\n"


class _Editor:
    """The text on one side, what the server makes of it on the other."""

    def __init__(self, visit: Visit, vault_id: str, text: str, *, may: bool) -> None:
        self._visit, self.vault_id, self._text, self._may = visit, vault_id, text, may
        self._area: ui.textarea
        self._result: ui.element
        self._save: ui.button

    async def show(self) -> None:
        with ui.element("div").classes("hf-halves"):
            with shown.card(_("The plan")):
                self._area = ui.textarea(_("The plan as YAML"), value=self._text)
                self._area.props(
                    'outlined autogrow debounce=500 spellcheck=false input-class="hf-code"'
                ).classes("w-full")
                self._area.on_value_change(self._visit.doing(self.check))
                self._area.set_enabled(self._may)
                with ui.element("div").classes("hf-row"):
                    self._save = ui.button(_("Keep it"), on_click=self._visit.doing(self._keep))
                    self._save.props("no-caps unelevated color=primary")
                    ui.label(
                        _(
                            "Groups in order, machines in each, scripts, webhooks and questions around them."
                        )
                    ).classes("hf-muted")
            with shown.card(_("What it does")):
                self._result = ui.element("div").classes("hf-stack").props("aria-live=polite")
        await self.check()

    async def check(self) -> None:
        checked: PlanCheck = await self._visit.ask(
            check_plan, self.vault_id, self._area.value or ""
        )
        self._result.clear()
        with self._result:
            show_check(checked)
        self._save.set_enabled(self._may and not checked.problems)

    async def _keep(self) -> None:
        kept: Any = await self._visit.ask(put_plan, self.vault_id, self._area.value or "")
        say(_("Kept as version {number}.").format(number=kept.version))
        ui.navigate.to(f"/plans/{kept.id}")
