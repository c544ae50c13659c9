"""Why a point is less consistent than it could be: codes for ever, and what they say."""

from collections.abc import Iterable
from typing import Final

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_, _
from holdfast.machines.points import Downgrade

TEXTS: Final[dict[str, str]] = {
    "agent-blocks": N_("the guest agent may not do what a freeze needs"),
    "agent-lost": N_("the guest agent fell silent while the guest was frozen"),
    "agent-too-old": N_("the guest agent is too old to freeze"),
    "already-frozen": N_("somebody else had frozen the guest"),
    "applications-let-go": N_("the applications were let go before the instant was over"),
    "dead-man-fired": N_("the guest thawed by itself before the instant was over"),
    "extension-absent": N_("the guest extension is not installed"),
    "extension-not-ready": N_("the guest extension is not ready"),
    "freeze-failed": N_("the file systems could not be frozen"),
    "freeze-never": N_("this machine is never frozen, as it is set"),
    "freeze-not-asked": N_("a backup that does not freeze was asked for"),
    "freeze-not-due": N_("this machine is frozen for some points only, and this is none of them"),
    "freeze-off": N_("freezing is switched off in the guest"),
    "guest-not-running": N_("the guest is not running"),
    "hook-failed": N_("a hook failed in the guest"),
    "no-hooks": N_("no application in the guest has a hook"),
    "nothing-frozen": N_("the guest has no file system that can be frozen"),
    "partly-frozen": N_("only a part of the file systems was frozen"),
    "powered-off": N_("the machine was off, and nobody knows whether in order"),
    "thaw-differs": N_("not all that was frozen was still frozen at the end"),
}

# A point that is no more than was asked for: nobody need be told.
AS_SET: Final = ("freeze-not-due", "freeze-never")


def downgrade(code: str, reason: str = "") -> Downgrade:
    """`reason` is what was seen; without one, what the code says."""
    return Downgrade(code=code, reason=reason or TEXTS[code])


def downgrade_by(err: HoldfastError) -> Downgrade:
    """An error that cost consistency, and not the point; told as points tell all: in English."""
    return Downgrade(code=type(err).code, reason=str(err.args[0]))


def reasons_text(found: Iterable[Downgrade]) -> str:
    """In the language in use; points keep them in English."""
    return "; ".join(_(each.reason or each.code) for each in found)
