"""The audit log, to be read."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from holdfast.app.control import audit
from holdfast.app.control.audit import Entry
from holdfast.catalog.audit import Filter
from holdfast.server.callers import Person, ThePlane
from holdfast.server.paging import Page, Paging

router = APIRouter(prefix="/audit", tags=["audit"])

_Text = Annotated[str | None, Query(max_length=200)]


@router.get("")
def list_entries(  # noqa: PLR0913  the filters of the log
    plane: ThePlane,
    person: Person,
    window: Paging,
    *,
    vault: _Text = None,
    actor: _Text = None,
    act: _Text = None,
    outcome: Literal["done", "denied", "failed"] | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> Page[Entry]:
    """The newest first; without `vault` it is about everything, which needs an administrator."""
    wanted = Filter(vault_id=vault, actor=actor, act=act, outcome=outcome, since=since, until=until)
    return audit.list_entries(plane, person, wanted, window)
