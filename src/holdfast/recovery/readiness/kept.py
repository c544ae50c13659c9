"""The last look at a guest: kept at its host, and told to its site while there is somebody to tell.

HOME/recovery/UUID/readiness.json
"""

import contextlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from holdfast.machines.state_files import replace_file
from holdfast.recovery.readiness.findings import Finding, Weight

# In the tidings of a source.
READINESS: Final = "readiness"
_NAME = "readiness.json"
# A guest may name things as it likes; a site is told with every word of its source.
_MOST, _LONGEST = 40, 300


class KeptFinding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    code: str
    weight: str
    values: dict[str, str] = {}


class KeptLook(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    at: datetime
    findings: tuple[KeptFinding, ...] = ()

    def told(self) -> tuple[Finding, ...]:
        """Without those whose weight only a newer release knows."""
        weights = {each.value: each for each in Weight}
        return tuple(
            Finding(code=each.code, weight=weights[each.weight], values=each.values)
            for each in self.findings
            if each.weight in weights
        )


def kept_of(findings: Sequence[Finding], at: datetime) -> KeptLook:
    """The gravest come first, so what is too much is what weighs least."""
    kept = (
        KeptFinding(
            code=each.code,
            weight=each.weight.value,
            values={name: value[:_LONGEST] for name, value in each.values.items()},
        )
        for each in findings[:_MOST]
    )
    return KeptLook(at=at, findings=tuple(kept))


def keep_look(folder: Path, look: KeptLook) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(folder / _NAME, msgspec.json.encode(look))


def kept_look(folder: Path) -> KeptLook | None:
    """None where nobody has looked, or what is there does not read."""
    with contextlib.suppress(OSError):
        return read_look((folder / _NAME).read_bytes())
    return None


def look_told(folder: Path) -> dict[str, str]:
    """For the tidings; nothing where there is nothing."""
    with contextlib.suppress(OSError):
        return {READINESS: (folder / _NAME).read_text(encoding="utf-8", errors="replace")}
    return {}


def read_look(content: bytes | str) -> KeptLook | None:
    with contextlib.suppress(msgspec.DecodeError, UnicodeError):
        return msgspec.json.decode(content, type=KeptLook)
    return None
