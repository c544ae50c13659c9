"""The first steps: how far one has come, what comes next, and what of it can be done right here."""

from collections.abc import Sequence

from nicegui import ui

from holdfast.app.control.assignments import AssignmentView, attach
from holdfast.app.control.credentials import IssuedCredentials, issue_credentials
from holdfast.app.control.first_steps import FirstSteps, Step, StepView, first_steps
from holdfast.app.control.machine_views import MachineView, list_machines
from holdfast.app.control.policies import create_policy, list_policies, proposal
from holdfast.app.control.vaults import VaultFacts, list_vaults
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.forms import Form
from holdfast.console.here import zone_name
from holdfast.console.notices import say, warn
from holdfast.console.pages import page
from holdfast.console.parts import Parts
from holdfast.console.start_words import CHAPTERS, WORDS
from holdfast.console.visiting import Visit
from holdfast.fleet.paging import MOST, Window
from holdfast.fleet.policies import WORTHY

_SECONDS = 5.0
_FEW = Window(limit=MOST)
_POLICY = "default"


@page("/start", title=N_("Get started"), section="start")
async def start_page(visit: Visit) -> None:
    async def load() -> FirstSteps:
        return await visit.ask(first_steps)

    chapters = Parts(load)
    chapters.add(lambda found: found.steps, lambda found: _draw(visit, found))
    await chapters.refresh()
    visit.every(_SECONDS, chapters.refresh)


def _draw(visit: Visit, found: FirstSteps) -> None:
    if found.is_done:
        _all_done()
    _chapters(visit, {one.step: one for one in found.steps})


def _all_done() -> None:
    with ui.element("section").classes("hf-notice hf-good"):
        ui.label(_("All of it is done.")).classes("hf-strong")
        ui.label(_("The overview says from now on whether it stays so."))


def _chapters(visit: Visit, steps: dict[Step, StepView]) -> None:
    for chapter in CHAPTERS:
        with shown.card(_(chapter.title)):
            ui.label(_(chapter.text)).classes("hf-muted")
            with ui.element("ol").classes("hf-steps"):
                for step in chapter.steps:
                    _step(visit, steps[step])


def _step(visit: Visit, one: StepView) -> None:
    words = WORDS[one.step]
    with ui.element("li").classes("hf-step"):
        with ui.element("div").classes("hf-row"):
            shown.heading(_(words.title), 3)
            if one.is_done:
                shown.chip(_("done"), "good")
            elif one.is_next:
                shown.chip(_("next"), "busy")
        if one.is_done:
            return
        ui.label(_(words.text)).classes("hf-muted")
        if words.commands:
            ui.label("\n".join(words.commands)).classes("hf-log")
        with ui.element("div").classes("hf-row"):
            _act(visit, one.step)
            shown.link(_(words.action), words.href)


def _act(visit: Visit, step: Step) -> None:
    """What can be done here, at once."""
    acts = {
        Step.MACHINE: (_("Download credentials"), _download),
        Step.SECOND_MACHINE: (_("Download credentials"), _download),
        Step.POLICY: (_("Protect it every night"), _protect),
    }
    if step not in acts:
        return
    label, act = acts[step]
    button = ui.button(label, on_click=visit.doing(lambda: act(visit)))
    button.props("no-caps unelevated color=primary")


async def _download(visit: Visit) -> None:
    vaults = (await visit.ask(list_vaults, _FEW)).items
    if not vaults:
        warn(_("Make a vault first."))
        return
    issued = await _issued(visit, vaults)
    if issued is None:
        return
    ui.download.content(issued.content, issued.file_name)
    say(
        _("Good until {time}, for vault {vault}.").format(
            time=shown.when(issued.expires_at), vault=issued.vault_name
        )
    )


async def _issued(visit: Visit, vaults: Sequence[VaultFacts]) -> IssuedCredentials | None:
    if len(vaults) == 1:
        return await visit.ask(issue_credentials, vaults[0].id)
    text = _("A file that was downloaded for the same vault before is good no more.")
    with Form(_("Download credentials"), yes=_("Download"), text=text) as form:
        names = {one.id: one.name for one in vaults}
        chosen = ui.select(names, value=vaults[0].id, label=_("Vault")).classes("hf-wide")
    return await form.done(visit, lambda: visit.ask(issue_credentials, chosen.value))


async def _protect(visit: Visit) -> None:
    """The proposed policy, for the paths that somebody agrees to."""
    machines = (await visit.ask(list_machines, _FEW, state="active")).items
    if not machines:
        warn(_("Register a machine first."))
        return
    text = _("Backed up each night, kept for days, weeks, months and years.")
    with Form(_("Protect it every night"), yes=_("Protect"), text=text) as form:
        names = {one.id: one.name for one in machines}
        chosen = ui.select(names, value=machines[0].id, label=_("Machine")).classes("hf-wide")
        paths = ui.textarea(_("Folders and files, one a line"), value="\n".join(WORTHY))
        paths.classes("hf-wide").props("outlined autogrow")

    async def protect() -> AssignmentView:
        machine = next(one for one in machines if one.id == chosen.value)
        wanted = [line.strip() for line in (paths.value or "").splitlines() if line.strip()]
        return await _attach(visit, machine, wanted)

    made = await form.done(visit, protect)
    if made:
        say(
            _("{machine} is protected by policy {policy} from now on.").format(
                machine=made.machine, policy=made.policy
            )
        )


async def _attach(visit: Visit, machine: MachineView, paths: list[str]) -> AssignmentView:
    vault = machine.vault_id
    names = [one.name for one in (await visit.ask(list_policies, vault, _FEW)).items]
    if _POLICY not in names:
        body = await visit.ask(proposal, vault, zone=zone_name())
        await visit.ask(create_policy, vault, {**body, "name": _POLICY})
    options = {"exclude_caches": True}
    return await visit.ask(attach, machine.id, policy_id=_POLICY, paths=paths, options=options)
