"""Where chosen files go, what becomes of what is there, and what will happen; then the order."""

from nicegui import ui

from holdfast.app.control.browsing import weigh_choice
from holdfast.app.control.restoring import RestoreWanted, order_restore
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _, ngettext
from holdfast.console import shown
from holdfast.console.asking import confirm
from holdfast.console.looking import Look
from holdfast.console.notices import problem
from holdfast.fleet.questions import Item, Weight, WeighWanted
from holdfast.fleet.roles import Right
from holdfast.server.nudging import nudge

_ORIGINAL, _FOLDER = "original", "folder"
_USUAL_FOLDER = "/var/tmp/restored"  # noqa: S108  a proposal, on the other machine
_MOST_NAMED = 5


class RestoreForm:
    """`take` is told what was chosen; nothing chosen means the whole point."""

    def __init__(self, look: Look, *, may_be_all: bool) -> None:
        self._look, self._visit = look, look.visit
        self._may_be_all = may_be_all
        self._chosen: dict[str, Item] = {}
        self._weight: Weight | None = None

    def show(self) -> None:
        with ui.element("div").classes("hf-halves"):
            with shown.card(_("Where to")):
                self._where()
            with shown.card(_("What will happen")):
                self._picture = ui.element("div").classes("hf-stack").props("aria-live=polite")
                with ui.element("div").classes("hf-actions"):
                    self._buttons()
        self._draw()

    def require_choice(self, is_needed: bool) -> None:  # noqa: FBT001  as a box is ticked
        self._may_be_all = not is_needed

    async def take(self, chosen: dict[str, Item]) -> None:
        self._chosen, self._weight = dict(chosen), None
        self._draw()
        if not chosen:
            return
        wanted = WeighWanted(point=self._look.point.id, paths=[*chosen])
        try:
            weight = await self._look.ask(weigh_choice, wanted)
        except HoldfastError as err:
            with self._picture:
                problem(err)
            return
        if self._chosen.keys() == chosen.keys():
            self._weight = weight
            self._draw()

    def _where(self) -> None:
        with ui.element("div").classes("hf-row"):
            ui.label(_("On the machine")).classes("hf-muted")
            ui.label(self._look.host).classes("hf-strong")
        places = {
            _FOLDER: _("Into a folder, with the folders they lie in"),
            _ORIGINAL: _("To where it was, over what is there now"),
        }
        self._place = ui.radio(places, value=_FOLDER, on_change=self._visit.doing(self._draw))
        self._place.props["aria-label"] = _("Where to")
        self._folder = ui.input(_("Folder"), value=_USUAL_FOLDER).props("outlined dense")
        self._folder.on_value_change(self._visit.doing(self._draw))
        self._straight = ui.checkbox(_("Only what is in the chosen folder, without the way to it"))
        self._straight.on_value_change(self._visit.doing(self._draw))
        existing = {
            "changed": _("Write only what differs"),
            "newer": _("Write only where the point's file is newer"),
            "never": _("Leave them as they are"),
            "always": _("Write all of them anew"),
        }
        self._overwrite = ui.select(existing, label=_("Files that are there"), value="changed")
        self._overwrite.props("outlined dense").on_value_change(self._visit.doing(self._draw))
        self._verify = ui.checkbox(_("Read everything back and compare it"), value=True)
        self._verify.on_value_change(self._visit.doing(self._draw))

    def _buttons(self) -> None:
        may = self._visit.may(Right.RESTORE, self._look.machine.vault_id)
        self._dry = ui.button(
            _("Compare only"), on_click=self._visit.doing(lambda: self._order(dry_run=True))
        ).props("outline no-caps color=primary")
        self._go = ui.button(
            _("Restore"), on_click=self._visit.doing(lambda: self._order(dry_run=False))
        ).props("unelevated no-caps color=primary")
        self._is_allowed = may

    def _draw(self) -> None:
        is_ready = self._is_allowed and bool(self._chosen or self._may_be_all)
        for button in (self._dry, self._go):
            button.set_enabled(is_ready)
        is_folder = self._place.value == _FOLDER
        self._folder.set_visibility(is_folder)
        self._straight.set_visibility(is_folder and self._one_folder() is not None)
        self._picture.clear()
        with self._picture:
            self._draw_picture()
            if not is_folder:
                with ui.element("div").classes("hf-notice hf-warn"):
                    ui.label(
                        _("This writes into the running system. What is there now is not kept.")
                    )

    def _draw_picture(self) -> None:
        if not self._chosen and not self._may_be_all:
            text = _("Choose files and folders above; here it says what becomes of them.")
            ui.label(text).classes("hf-muted")
            return
        shown.facts(
            [
                (_("What"), self._what()),
                (_("As it was"), shown.when(self._look.point.taken_at)),
                (_("To"), self._target()),
                (_("Files that are there"), str(self._overwrite.options[self._overwrite.value])),
            ]
        )
        ui.label(_("Nothing is deleted."))
        if self._verify.value:
            ui.label(_("In the end every byte and attribute is read back and compared."))

    def _what(self) -> str:
        if not self._chosen:
            return _("everything in the point, {size}").format(
                size=shown.size(self._look.point.bytes_total)
            )
        names = ", ".join(one.name for one in [*self._chosen.values()][:_MOST_NAMED])
        more = len(self._chosen) - _MOST_NAMED
        if more > 0:
            text = ngettext("{names} and {count} more", "{names} and {count} more", more)
            names = text.format(names=names, count=more)
        if self._weight is None:
            return names
        return f"{names} ({weight_text(self._weight)})"

    def _target(self) -> str:
        host = self._look.host
        if self._place.value == _ORIGINAL:
            return _("the places they were at, on {machine}").format(machine=host)
        return _("{folder} on {machine}").format(folder=self._folder.value or "?", machine=host)

    def _one_folder(self) -> Item | None:
        chosen = [*self._chosen.values()]
        return chosen[0] if len(chosen) == 1 and chosen[0].kind == "dir" else None

    async def _order(self, *, dry_run: bool) -> None:
        is_original = self._place.value == _ORIGINAL
        if is_original and not dry_run and not await self._is_meant():
            return
        wanted = RestoreWanted(
            point=self._look.point.id,
            to="/" if is_original else (self._folder.value or "").strip(),
            paths=[*self._chosen],
            is_straight=bool(
                not is_original and self._straight.value and self._one_folder() is not None
            ),
            overwrite=self._overwrite.value,
            verify=bool(self._verify.value),
            dry_run=dry_run,
            unlock=self._look.unlock_id,
        )
        job = await self._visit.ask(order_restore, self._look.machine.id, wanted)
        nudge(job.id)
        ui.navigate.to(f"/jobs/{job.id}")

    async def _is_meant(self) -> bool:
        text = _("What is chosen is written over what {machine} has there now.")
        return await confirm(
            _("Restore into the running system?"),
            text.format(machine=self._look.host),
            yes=_("Restore"),
        )


def weight_text(weight: Weight) -> str:
    files = ngettext("{count} file", "{count} files", weight.files)
    said = f"{files.format(count=f'{weight.files:,}')}, {shown.size(weight.bytes)}"
    return said if weight.is_complete else _("more than {what}").format(what=said)
