"""Answers to what somebody far away wants to know of this machine's recovery points, or another's."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from holdfast.app.download_errors import DownloadsNotAllowed
from holdfast.app.opening import open_vault
from holdfast.app.point_browsing import PointBrowser
from holdfast.app.registration_state import load_registration
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.secret import Secret
from holdfast.base.texts import N_
from holdfast.fleet.questions import (
    Answer,
    Asking,
    ContentWanted,
    FolderWanted,
    Opened,
    Question,
    SearchWanted,
    VmPlanWanted,
    VolumesWanted,
    WeighWanted,
)
from holdfast.vault.layout import SNAPSHOTS

if TYPE_CHECKING:
    from holdfast.app.vm_browsing import VmBrowser
    from holdfast.app.vm_restore_plan import RestorePlanner

_W = TypeVar("_W")


class QuestionNotUnderstood(HoldfastError):
    code = "question-not-understood"
    sentence = N_("The agent was asked '{kind}', and does not understand it: {reason}")
    remedy = N_("Bring agent and server to neighbouring versions.")


class Answerer:
    """One repository, opened at the first question and kept open for those that follow."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._browser: PointBrowser | None = None
        self._planner: RestorePlanner | None = None

    def answer(self, question: Question) -> Answer:
        try:
            return Answer(result=self._result(question))
        except HoldfastError as err:
            return Answer(error=record_of(err))

    def close(self) -> None:
        """Nothing is open for further questions."""
        if "_vms" in self.__dict__:
            self._vms.close()

    def _result(self, question: Question) -> dict[str, Any]:
        act = self._act_for(question)
        browser, is_fresh = self._browser, self._browser is None
        if browser is None:
            browser = self._browser = PointBrowser(open_vault(self._session))
        try:
            found = act(browser)
        except HoldfastError:
            if is_fresh:
                raise
            # A backup or a prune may have come between: what was read of the vault is old.
            browser.forget()
            found = act(browser)
        result = msgspec.to_builtins(found)
        assert isinstance(result, dict)
        return result

    def _act_for(self, question: Question) -> Callable[[PointBrowser], object]:
        given = question.arguments
        match question.kind:
            case Asking.OPEN:
                return _opened
            case Asking.FOLDER:
                folder = _read(question.kind, given, FolderWanted)
                return lambda browser: browser.folder(folder)
            case Asking.SEARCH:
                search = _read(question.kind, given, SearchWanted)
                return lambda browser: browser.search(search)
            case Asking.WEIGH:
                weigh = _read(question.kind, given, WeighWanted)
                return lambda browser: browser.weigh(weigh)
            case Asking.CONTENT:
                self._require_downloads()
                content = _read(question.kind, given, ContentWanted)
                return lambda browser: browser.content(content)
            case _:
                return self._inside(question)

    def _inside(self, question: Question) -> Callable[[PointBrowser], object]:
        given = question.arguments
        match question.kind:
            case Asking.VOLUMES:
                volumes = _read(question.kind, given, VolumesWanted)
                return lambda points: self._vms.volumes(points, volumes)
            case Asking.INSIDE:
                folder = _read(question.kind, given, FolderWanted)
                return lambda points: self._vms.folder(points, folder)
            case Asking.INSIDE_SEARCH:
                search = _read(question.kind, given, SearchWanted)
                return lambda points: self._vms.search(points, search)
            case Asking.INSIDE_CONTENT:
                self._require_downloads()
                content = _read(question.kind, given, ContentWanted)
                return lambda points: self._vms.content(points, content)
            case Asking.VM_PLAN:
                return self._planned(_read(question.kind, given, VmPlanWanted))
            case _:
                raise QuestionNotUnderstood(kind=question.kind, reason="kind")

    @cached_property
    def _vms(self) -> "VmBrowser":
        # Who looks into files only needs none of what reads disks.
        from holdfast.app.vm_browsing import VmBrowser

        return VmBrowser(self._session)

    def _require_downloads(self) -> None:
        if not self._session.settings.downloads:
            raise DownloadsNotAllowed(file=self._session.settings.config_file)

    def _planned(self, wanted: VmPlanWanted) -> Callable[[PointBrowser], object]:
        from holdfast.app.vm_restore_plan import RestorePlanner

        planner = self._planner = self._planner or RestorePlanner(self._session)
        return lambda browser: planner.plan(browser.repository, browser.point(wanted.point), wanted)


def session_about(session: Session, *, location: str, passphrase: Secret) -> Session:
    """The same session about another machine's repository; its key is kept nowhere."""
    proxy = load_registration(session.settings.home).proxy_settings
    settings = replace(
        session.settings,
        vault=location,
        passphrase_file=None,
        passphrase_command=None,
        keyring=timedelta(0),
        credentials={**session.settings.credentials, **proxy},
    )
    return replace(session, settings=settings, ask=lambda _question: passphrase)


def record_of(error: HoldfastError) -> dict[str, Any]:
    """An error as an answer carries it."""
    return {
        "code": error.code,
        "message": str(error),
        "remedy": error.advice,
        "fields": {name: str(value) for name, value in error.fields.items()},
    }


def _opened(browser: PointBrowser) -> Opened:
    return Opened(points=len(list(browser.repository.files.names(SNAPSHOTS))))


def _read(kind: str, given: dict[str, Any], wanted: type[_W]) -> _W:
    try:
        return msgspec.convert(given, wanted)
    except (msgspec.ValidationError, ValueError) as err:
        raise QuestionNotUnderstood(kind=kind, reason=err) from err
