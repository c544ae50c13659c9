"""Acts that need a second person's word: it is asked for here, and used once it was given."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from holdfast.app.control.approvals import ApprovalFacts, ask_approval, list_approvals
from holdfast.app.control.step_errors import ApprovalNeeded
from holdfast.app.control.stepping_up import canonical
from holdfast.base.texts import _
from holdfast.console.asking import confirm
from holdfast.console.notices import say, warn
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of

T = TypeVar("T")


async def with_approval(visit: Visit, act: Callable[[Visit], Awaitable[T]]) -> T | None:
    """Do it with the approval that was given to exactly this; without one, offer to ask for it.

    None: it was not done, and who wanted it knows why.
    """
    try:
        return await act(visit)
    except ApprovalNeeded as err:
        vault, name = str(err.fields["vault"]), str(err.fields["act"])
        request = json.loads(str(err.fields["request"]))
    known = await _known(visit, vault=vault, act=name, request=request)
    given = next((one for one in known if one.state == "approved"), None)
    if given is not None:
        return await act(visit.armed(pin=visit.pin, approval=given.id))
    if any(one.state == "waiting" for one in known):
        warn(_("Nobody has approved it yet. Do the same again once somebody has."))
        return None
    await _ask(visit, vault=vault, act=name, request=request)
    return None


async def _known(
    visit: Visit, *, vault: str, act: str, request: dict[str, Any]
) -> list[ApprovalFacts]:
    found: list[ApprovalFacts] = await all_of(visit, list_approvals)
    wanted = (visit.me.name, vault, act, canonical(request))
    return [
        one
        for one in found
        if (one.asked_by, one.vault_id, one.act, canonical(one.request)) == wanted
    ]


async def _ask(visit: Visit, *, vault: str, act: str, request: dict[str, Any]) -> None:
    title = _("This needs the approval of a second person")
    text = _(
        "Ask for it? Another contributor finds it under Approvals. Once it is given, do the same "
        "again: it is good for a day, for exactly this, once."
    )
    if await confirm(title, text, yes=_("Ask for approval")):
        await visit.ask(ask_approval, vault, act=act, request=request)
        say(_("Asked for. Do the same again once somebody has approved it."))
