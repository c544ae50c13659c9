"""The doctor: read what is pasted or handed over, look at a machine, explain a code."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack

from nicegui import ui
from nicegui.events import UploadEventArguments

from holdfast.app.control import diagnosing
from holdfast.app.control.diagnosing import SECONDS
from holdfast.app.control.handing_over import MOST_BYTES, MOST_FILES, Folder, folder
from holdfast.app.control.job_orders import order_job
from holdfast.app.control.machine_views import MachineView, list_machines, show_machine
from holdfast.base.texts import LANGUAGES, N_, _, ngettext
from holdfast.base.units import format_size
from holdfast.console import shown
from holdfast.console.doctor_explained import show_explanation
from holdfast.console.doctor_report import show_report
from holdfast.console.notices import warn
from holdfast.console.pages import page
from holdfast.console.visiting import Visit
from holdfast.fleet.jobs import Kind
from holdfast.fleet.paging import MOST, Window
from holdfast.fleet.roles import Right
from holdfast.server.nudging import nudge


@page("/doctor", title=N_("Doctor"), section="doctor")
async def doctor_page(visit: Visit, code: str = "", machine: str = "", symptom: str = "") -> None:
    """`code` is explained at once; `machine` and `symptom` are filled in."""
    ui.label(
        _(
            "Give it what you have: a log, the output of a command, an error message, a support "
            "bundle. It says what is wrong, shows the lines that prove it, and what to do."
        )
    ).classes("hf-muted")
    with ui.element("div").classes("hf-halves"):
        desk = _Desk(visit, symptom)
        with ui.element("div").classes("hf-stack hf-gap"):
            await _Ward(visit).show(machine, symptom)
            book = _Book(visit, code)
    desk.answers = book.answers = ui.element("div").classes("hf-stack").props("aria-live=polite")
    if code:
        await book.look_up()


class _Desk:
    """Where things are handed over; they lie in a folder that goes with the page at the latest."""

    answers: ui.element

    def __init__(self, visit: Visit, symptom: str) -> None:
        self._visit, self._kept = visit, ExitStack()
        self._given: Folder | None = None
        self._files: list[str] = []
        ui.context.client.on_delete(self._kept.close)
        with shown.card(_("Read this")):
            self._text = ui.textarea(_("Paste a log, a listing or a message"))
            self._text.props("outlined input-class=hf-paste spellcheck=false")
            self._upload()
            self._symptoms = ui.input(_("Code or message that was seen, if any"), value=symptom)
            self._symptoms.props("outlined dense")
            with ui.element("div").classes("hf-row"):
                self._button = ui.button(_("Ask the doctor"), on_click=visit.doing(self._ask))
                self._button.props("unelevated no-caps color=primary")
                self._away = ui.button(_("Start again"), on_click=visit.doing(self._forget))
                self._away.props("flat no-caps")
            ui.label(
                _(
                    "What you hand over is read on this server and deleted at once. Up to {size}."
                ).format(size=format_size(MOST_BYTES))
            ).classes("hf-muted")

    def _upload(self) -> None:
        """The framework's own box says nothing to a screen reader: ours stands before it."""
        box = self._box = ui.upload(
            multiple=True,
            auto_upload=True,
            max_file_size=MOST_BYTES,
            max_files=MOST_FILES,
            on_upload=self._visit.doing(self._take),
            on_rejected=self._visit.doing(self._refuse),
        )
        box.classes("hf-hidden")
        box.on("failed", self._visit.doing(self._miss), args=[])
        drop = ui.element("div").classes("hf-row hf-drop")
        drop.on("dragover.prevent", js_handler="() => {}")
        drop.on(
            "drop.prevent",
            js_handler=f"(e) => getElement({box.id}).addFiles(e.dataTransfer.files)",
        )
        with drop:
            choose = ui.button(_("Choose files"), icon="attach_file").props("outline no-caps")
            choose.on("click", js_handler=f"() => getElement({box.id}).pickFiles()")
            text = _("or drop them here: logs, archives, a support bundle")
            self._told = ui.label(text).classes("hf-muted hf-grow").props("role=status")
            self._nothing = text

    def _folder(self) -> AbstractContextManager[Folder]:
        return folder(self._visit.actor.id)

    async def _take(self, event: UploadEventArguments) -> None:
        if self._given is None:
            self._given = self._kept.enter_context(self._folder())
        await event.file.save(self._given.place(event.file.name, event.file.size()))
        self._files.append(event.file.name)
        self._tell()

    def _tell(self) -> None:
        count = len(self._files)
        text = ngettext("{count} file is here: {names}", "{count} files are here: {names}", count)
        names = ", ".join(self._files)
        self._told.set_text(text.format(count=count, names=names) if count else self._nothing)

    def _refuse(self) -> None:
        text = _("That is more than the doctor takes: {count} files of {size} each at most.")
        warn(text.format(count=MOST_FILES, size=format_size(MOST_BYTES)))

    def _miss(self) -> None:
        warn(_("A file did not arrive. Choose it again in a minute."))

    async def _ask(self) -> None:
        self._button.set_enabled(False)
        self._say_at_work()
        try:
            with ExitStack() as once:
                given = self._given or once.enter_context(self._folder())
                if text := (self._text.value or "").strip():
                    pasted = f"{text}\n".encode()
                    given.place(_("pasted text"), len(pasted)).write_bytes(pasted)
                words = [self._symptoms.value or ""]
                reports = await self._visit.ask(
                    diagnosing.diagnose, given, symptoms=words, languages=LANGUAGES
                )
        except Exception:
            self.answers.clear()
            raise
        finally:
            self._button.set_enabled(True)
            self._drop()
        self.answers.clear()
        with self.answers:
            show_report(self._visit, reports)

    def _say_at_work(self) -> None:
        self.answers.clear()
        with self.answers, ui.element("div").classes("hf-row"):
            ui.spinner(size="md").props("aria-hidden=true")
            most = shown.duration(SECONDS)
            ui.label(_("The doctor reads; this takes {time} at most.").format(time=most))

    def _drop(self) -> None:
        """Read once, it is gone: nothing of strangers' machines stays on this server."""
        self._kept.close()
        self._given, self._files = None, []
        self._box.reset()
        self._tell()

    def _forget(self) -> None:
        self._drop()
        self._text.set_value("")
        self._symptoms.set_value("")
        self.answers.clear()


class _Ward:
    """Looks at a machine: its agent runs the doctor there."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    async def show(self, machine: str, symptom: str) -> None:
        machines, are_more = await _machines(self._visit, machine)
        with shown.card(_("Look at a machine")):
            if not machines:
                ui.label(_("No machine is registered yet.")).classes("hf-muted")
                shown.link(_("Protect a machine"), "/start")
                return
            names = {one.id: one.name for one in machines}
            chosen = machine if machine in names else next(iter(names))
            self._machine = ui.select(names, label=_("Machine"), value=chosen, with_input=True)
            self._machine.props("outlined dense")
            if are_more:
                ui.label(_("Not all machines are offered; the page of each has a button for it."))
            self._symptom = ui.input(_("Code or message that was seen, if any"), value=symptom)
            self._symptom.props("outlined dense")
            button = ui.button(_("Look at it now"), on_click=self._visit.doing(self._order))
            button.props("outline no-caps color=primary")
            button.set_enabled(self._visit.may_anywhere(Right.RUN_JOBS))
            ui.label(
                _("Its agent looks at everything that is there; you see how it goes as a job.")
            ).classes("hf-muted")

    async def _order(self) -> None:
        words = (self._symptom.value or "").strip()
        arguments = {"symptoms": [words]} if words else {}
        made = await self._visit.ask(
            order_job, self._machine.value, kind=Kind.DOCTOR.value, arguments=arguments
        )
        nudge(made.id)
        ui.navigate.to(f"/jobs/{made.id}")


class _Book:
    """Explains codes without looking anywhere."""

    answers: ui.element

    def __init__(self, visit: Visit, code: str) -> None:
        self._visit = visit
        with shown.card(_("Explain a code")):
            self._code = ui.input(_("Code, name or text of a message"), value=code)
            self._code.props("outlined dense").on("keydown.enter", visit.doing(self.look_up))
            button = ui.button(_("Explain"), on_click=visit.doing(self.look_up))
            button.props("outline no-caps color=primary")
            ui.label(_("In any notation: 151076, 0x1FC07, HF-VL001, a name.")).classes("hf-muted")

    async def look_up(self) -> None:
        asked = (self._code.value or "").strip()
        if not asked:
            return
        told = await self._visit.ask(diagnosing.explain, asked)
        self.answers.clear()
        with self.answers:
            show_explanation(told)


async def _machines(visit: Visit, meant: str) -> tuple[Sequence[MachineView], bool]:
    """Those to choose from, the one that is meant among them; and whether there are more."""
    found = await visit.ask(list_machines, Window(limit=MOST), state="active")
    if not meant or any(one.id == meant for one in found.items):
        return found.items, found.next is not None
    return [await visit.ask(show_machine, meant), *found.items], found.next is not None
