"""A file of a recovery point as a download of the browser; what is in the way is a page of its own."""

from dataclasses import dataclass
from html import escape
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from holdfast.app.control.downloading import download_file
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _, speaking
from holdfast.console.places import DOWNLOAD, ROOT, address, login_for
from holdfast.console.visiting import Visit, visit_of
from holdfast.fleet.questions import ContentWanted
from holdfast.server.attachment import Attachment
from holdfast.server.callers import ThePlane

router = APIRouter(include_in_schema=False)

_SEE_OTHER, _CONFLICT = 303, 409
_PAGE = """<!doctype html>
<html lang="{language}" data-theme="{theme}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - Holdfast</title><link rel="icon" href="{root}/holdfast/mark.svg"><link rel="stylesheet" href="{root}/holdfast/console.css"></head>
<body><main class="hf-card" style="margin: 24px auto; max-width: 640px"><h1 class="hf-heading">{title}</h1>
<p class="hf-notice hf-bad" role="alert"><strong>{message}</strong><span>{remedy}</span></p>
<p><a class="hf-link" href="{back}">{back_text}</a></p></main></body></html>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file; `inside`: in the disks of a virtual machine, whose paths begin with a volume."""

    machine: Annotated[str, Query(max_length=64)]
    point: Annotated[str, Query(max_length=64)]
    path: Annotated[str, Query(max_length=5000)]
    unlock: Annotated[str | None, Query(max_length=64)] = None
    inside: bool = False

    @property
    def place(self) -> str:
        query = self._query(self.path) | ({"inside": "true"} if self.inside else {})
        return f"{DOWNLOAD}?{urlencode(query)}"

    @property
    def folder(self) -> str:
        """Its page, which is left by a download that does not come."""
        return f"/browse?{urlencode(self._query(self.path.rpartition('/')[0] or '/'))}"

    def _query(self, path: str) -> dict[str, str]:
        query = {"machine": self.machine, "point": self.point, "path": path}
        return query | ({"unlock": self.unlock} if self.unlock else {})


@router.get(DOWNLOAD)
async def download(
    request: Request, plane: ThePlane, wanted: Annotated[Wanted, Depends()]
) -> Response:
    visit = await visit_of(request, plane)
    if visit is None:
        return RedirectResponse(login_for(wanted.place), _SEE_OTHER)
    with speaking(visit.lang):
        try:
            found = await download_file(
                plane,
                visit.actor,
                wanted.machine,
                ContentWanted(point=wanted.point, path=wanted.path),
                unlock=wanted.unlock,
                is_inside=wanted.inside,
            )
        except HoldfastError as err:
            return _refusal(err, visit, back=address(wanted.folder))
    return Attachment(found)


def _refusal(err: HoldfastError, visit: Visit, *, back: str) -> Response:
    page = _PAGE.format(
        language=visit.lang,
        theme=visit.theme,
        root=ROOT,
        title=escape(_("This file is not downloaded")),
        message=escape(str(err)),
        remedy=escape(err.advice),
        back=escape(back),
        back_text=escape(_("Back to its folder")),
    )
    return HTMLResponse(page, _CONFLICT, headers={"Cache-Control": "no-store"})
