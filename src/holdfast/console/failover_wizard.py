"""Before an act of recovery: what it will do, from which point, what is in its way; then it begins."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from nicegui import ui

from holdfast.app.control.job_views import JobView
from holdfast.app.control.recovery_choices import (
    ActChoice,
    PreflightView,
    show_choices,
    show_preflight,
)
from holdfast.app.control.recovery_points import RecoveryPointView, list_recovery_points
from holdfast.app.control.recovery_views import RecoveryView, show_recovery
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_, _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.asking import confirm
from holdfast.console.pages import page
from holdfast.console.recovery_orders import order_for
from holdfast.console.thing_words import CONSISTENCY, word
from holdfast.console.visiting import Visit
from holdfast.fleet.roles import Right
from holdfast.recovery.record import ActKind

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOK_EVERY = 1.0
_WITH_NETWORKS = words.WITH_POINT | {
    ActKind.PLANNED,
    ActKind.PLANNED_LIVE,
    ActKind.FAILBACK,
    ActKind.FAILBACK_LIVE,
}
_SHUTTING_DOWN = frozenset((ActKind.PLANNED, ActKind.FAILBACK))
_DISCARDING = frozenset((ActKind.UNDO, ActKind.CHANGE_POINT))


@page("/recovery/{vm}/{kind}", title=N_("Failover"), section="recovery")
async def wizard_page(visit: Visit, vm: str, kind: str, point: str = "", host: str = "") -> None:
    recovery = await visit.ask(show_recovery, vm)
    shown.name_tab(f"{recovery.name}, {words.act_name(kind)}")
    choices = (await visit.ask(show_choices, recovery.vm)).choices
    fit = [one for one in choices if one.kind == kind and host in ("", one.machine_id)]
    if kind not in words.ACT or not fit:
        _not_now(recovery, kind)
        return
    points = [
        one
        for one in await visit.ask(list_recovery_points, recovery.vm)
        if one.machine_id == fit[0].machine_id
    ]
    wizard = _Wizard(visit, recovery, fit[0], points, point=point)
    await wizard.show()


def _not_now(recovery: RecoveryView, kind: str) -> None:
    with ui.element("section").classes("hf-notice hf-warn"):
        ui.label(
            _("{act} is not possible for {name} now.").format(
                act=words.act_name(kind), name=recovery.name
            )
        ).classes("hf-strong")
        ui.label(_("What is possible stands on its page, with what it waits for."))
        shown.link(recovery.name, f"/recovery/{recovery.vm}")


class _Wizard:
    def __init__(
        self,
        visit: Visit,
        recovery: RecoveryView,
        choice: ActChoice,
        points: list[RecoveryPointView],
        *,
        point: str,
    ) -> None:
        self._visit, self._recovery, self._choice = visit, recovery, choice
        self._points = points
        self._kind = choice.kind
        self._job = ""
        self._wish: dict[str, Any] = {"point": point}
        self._fields: dict[str, Callable[[], Any]] = {}
        self._begin: ui.button
        self._timer: ui.timer | None = None
        self._result: ui.element
        self._number = 0

    async def show(self) -> None:
        self._head()
        self._what()
        if self._kind in words.WITH_POINT:
            self._choose()
        self._options()
        if self._kind in words.LOOKED_AT:
            self._preflight()
        self._go()
        if self._kind in words.LOOKED_AT and self._may():
            await self._look()

    def _head(self) -> None:
        with ui.element("div").classes("hf-row"):
            ui.icon(words.ICON[self._kind], size="md").props("aria-hidden=true")
            shown.heading(f"{words.act_name(self._kind)}: {self._recovery.name}")
            ui.label(_("done by {host}").format(host=self._choice.machine)).classes("hf-muted")
            ui.space()
            shown.link(_("Back to the machine"), f"/recovery/{self._recovery.vm}")

    def _section(self, title: str) -> ui.element:
        self._number += 1
        return shown.card(f"{self._number}. {title}")

    def _what(self) -> None:
        with self._section(_("What will happen")):
            with ui.element("ol").classes("hf-steps"):
                for text in words.WILL[self._kind]:
                    with ui.element("li"):
                        ui.label(_(text))
            with ui.element("div").classes("hf-notice hf-busy"):
                ui.label(_("What can be undone")).classes("hf-strong")
                ui.label(_(words.UNDONE[self._kind]))

    def _choose(self) -> None:
        with self._section(_("From which recovery point")):
            offered = words.point_wishes() | {
                one.generation: _point_text(one) for one in self._points if not one.is_spoiled
            }
            wanted = self._wish["point"]
            value = wanted if wanted in offered else "latest"
            box = ui.select(offered, label=_("Recovery point"), value=value, with_input=True)
            box.classes("w-full").props("outlined")
            self._fields["point"] = lambda: box.value
            if self._kind == ActKind.UNPLANNED:
                lost = shown.duration(self._recovery.rpo_seconds)
                ui.label(
                    _("From the newest one {time} of work would be lost.").format(time=lost)
                ).classes("hf-muted")

    def _options(self) -> None:
        if self._kind not in _WITH_NETWORKS | _DISCARDING | {ActKind.COMMIT, ActKind.TEST}:
            return
        with self._section(_("How")):
            if self._kind == ActKind.TEST:
                self._test_options()
            if self._kind == ActKind.UNPLANNED:
                self._check("source_is_down", _("I am certain that nothing of it runs at its host"))
                self._check(
                    "try_shut_down",
                    _("If its host still answers, have it shut down there and its last sent first"),
                )
            if self._kind in _SHUTTING_DOWN | {ActKind.UNPLANNED}:
                self._check("force", _("Switch it off if it does not shut down by itself"))
                usual = "5m" if self._kind in _SHUTTING_DOWN else ""
                self._text("shutdown_within", _("How long it may take to shut down"), usual)
            if self._kind in _DISCARDING:
                self._check("discard_changes", _("What it has written since may go"))
            if self._kind == ActKind.COMMIT and self._visit.may(
                Right.CHANGE_POLICIES, self._recovery.vault_id
            ):
                self._check(
                    "complete_migration", _("Close the way back as well: it has moved for good")
                )
            if self._kind in _WITH_NETWORKS:
                self._lines(
                    "networks",
                    _("Networks, one a line: OLD=NEW"),
                    _("Others than those that are kept at the host; none leaves a card unplugged."),
                )

    def _test_options(self) -> None:
        self._lines(
            "checks",
            _("Checks, one a line"),
            _("agent, tcp:22, http://guest:8080/health, guest:COMMAND; nothing: its guest agent."),
        )
        self._text("keep", _("Leave it so long to be looked at, as in 2h"), "")

    def _check(self, name: str, text: str) -> None:
        box = ui.checkbox(text)
        self._fields[name] = lambda: box.value

    def _text(self, name: str, label: str, value: str) -> None:
        box = ui.input(label, value=value).props("outlined dense").classes("w-full")

        def read() -> str:
            return (box.value or "").strip()

        self._fields[name] = read

    def _lines(self, name: str, label: str, hint: str) -> None:
        box = ui.textarea(label).props("outlined dense autogrow").classes("w-full")
        ui.label(hint).classes("hf-muted")
        self._fields[name] = lambda: [
            line.strip() for line in (box.value or "").splitlines() if line.strip()
        ]

    def _preflight(self) -> None:
        with self._section(_("What is in its way")):
            ui.label(_("The host looks at everything the act needs, and changes nothing.")).classes(
                "hf-muted"
            )
            self._result = ui.element("div").classes("hf-stack").props("aria-live=polite")
            ui.button(_("Look again"), on_click=self._visit.doing(self._look)).props(
                "outline no-caps color=primary"
            )

    def _go(self) -> None:
        with self._section(_("Begin")):
            may = self._may()
            text = _("Go on with it") if self._choice.is_going_on else words.act_name(self._kind)
            self._begin = ui.button(text, on_click=self._visit.doing(self._order))
            grave = self._kind in words.GRAVE
            self._begin.props(f"no-caps unelevated color={'negative' if grave else 'primary'}")
            self._begin.set_enabled(may)
            if not may:
                ui.label(_("Your role does not allow this.")).classes("hf-muted")
            if not self._choice.is_heard:
                ui.label(
                    _(
                        "{host} is silent: it begins only if it comes back within half an hour."
                    ).format(host=self._choice.machine)
                ).classes("hf-strong")

    def _may(self) -> bool:
        return self._visit.may(Right(self._choice.right), self._recovery.vault_id)

    def _arguments(self) -> dict[str, Any]:
        told: dict[str, Any] = {**self._choice.arguments}
        for name, read in self._fields.items():
            told[name] = read()
        return {name: value for name, value in told.items() if value}

    async def _look(self) -> None:
        """A job of the host; what it finds is shown when it has."""
        told = self._arguments()
        arguments: dict[str, Any] = {"act": self._choice.act}
        for name in ("point", "networks"):
            if name in told:
                arguments[name] = told[name]
        self._end_polling()
        try:
            made = await self._ordered("check", arguments)
        except HoldfastError as err:
            self._draw_error(err)
            return
        self._job = made.id
        self._draw_waiting()
        self._timer = self._visit.every(_LOOK_EVERY, self._poll)

    async def _ordered(self, act: str, arguments: dict[str, Any]) -> JobView:
        recovery, host = self._recovery, self._choice.machine_id
        return await order_for(
            self._visit, recovery.vm, recovery.name, act=act, arguments=arguments, host=host
        )

    async def _poll(self) -> None:
        seen = await self._visit.ask(show_preflight, self._job)
        if seen.is_over:
            self._end_polling()
            self._draw_result(seen)

    def _end_polling(self) -> None:
        """One look at a time: who asks again waits for the newer one only."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _draw_error(self, err: HoldfastError) -> None:
        self._result.clear()
        with self._result, ui.element("div").classes("hf-notice hf-warn"):
            ui.label(str(err)).classes("hf-strong")
            ui.label(err.advice)

    def _draw_waiting(self) -> None:
        self._result.clear()
        with self._result, ui.element("div").classes("hf-row"):
            ui.spinner().props("aria-hidden=true")
            ui.label(_("{host} is looking …").format(host=self._choice.machine))

    def _draw_result(self, seen: PreflightView) -> None:
        self._result.clear()
        with self._result:
            if seen.is_clear:
                with ui.element("div").classes("hf-notice hf-good"):
                    ui.label(_("Nothing is in its way.")).classes("hf-strong")
            elif seen.is_clear is None:
                with ui.element("div").classes("hf-notice hf-warn"):
                    ui.label(_("The host could not look.")).classes("hf-strong")
            for problem in seen.problems:
                with ui.element("div").classes("hf-notice hf-bad"):
                    ui.label(problem.message).classes("hf-strong hf-pre")
                    shown.prose(problem.remedy).classes("hf-pre")
                    shown.link(problem.code, f"/doctor?code={problem.code}").classes("hf-code")
            for doubt in seen.doubts:
                with ui.element("div").classes("hf-notice hf-warn"):
                    ui.label(doubt)
            if seen.generation:
                taken = datetime.fromisoformat(seen.taken_at) if seen.taken_at else None
                rows = [(_("Point"), f"{shown.when(taken)} · {seen.generation[:16]}")]
                rows += [
                    (_("Network {name}").format(name=old), new)
                    for old, new in seen.networks.items()
                ]
                shown.facts(rows)
        self._begin.set_enabled(self._may() and seen.is_clear is not False)

    async def _order(self) -> None:
        if self._kind in words.GRAVE:
            agreed = await confirm(
                f"{words.act_name(self._kind)}: {self._recovery.name}",
                "\n".join((_(words.SHORT[self._kind]), _(words.UNDONE[self._kind]))),
                yes=words.act_name(self._kind),
                typed=self._recovery.name,
                is_dangerous=True,
            )
            if not agreed:
                return
        made = await self._ordered(self._choice.act, self._arguments())
        ui.navigate.to(f"/recovery/{self._recovery.vm}?job={made.id}")


def _point_text(one: RecoveryPointView) -> str:
    said = f"{shown.when(one.taken_at)} · {word(CONSISTENCY, one.consistency)}"
    return f"{said} · {_('tested')}" if one.tested_at else said
