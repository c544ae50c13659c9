"""Whether a point was booted, and what was seen: kept in the vault, so that every machine knows.

Sealed files below holdfast/verdicts, which restic passes over; one for each try.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.vault.layout import OWN
from holdfast.vault.sealed_files import SealedFiles

VERDICTS = f"{OWN}/verdicts"


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`proof` is what showed that it is up: agent, console, or nothing."""

    version: int = 1
    point: str
    name: str
    at: datetime
    is_good: bool
    proof: str = ""
    reason: str = ""
    # Since the command began.
    seconds_to_running: float = 0.0
    seconds_to_up: float | None = None
    agent: str = ""
    system: str = ""
    # The end of what the console said.
    console: str = ""
    picture_type: str = ""
    picture: bytes = b""
    # Why there is no picture.
    picture_reason: str = ""


def save_verdict(files: SealedFiles, verdict: Verdict) -> None:
    files.save(VERDICTS, msgspec.json.encode(verdict))


def load_verdicts(files: SealedFiles, *, warn: Callable[[str], None]) -> list[Verdict]:
    """Oldest first; one that cannot be read must not hide the others."""
    found = []
    for name in list(files.names(VERDICTS)):
        try:
            found.append(msgspec.json.decode(files.load(VERDICTS, name), type=Verdict))
        except (HoldfastError, msgspec.DecodeError, UnicodeDecodeError) as err:
            problem = _("A verdict of a boot is damaged and ignored: {reason}")
            warn(problem.format(reason=err))
    return sorted(found, key=lambda each: each.at)
