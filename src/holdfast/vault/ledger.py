"""When each pack was last proven: kept in the vault, so that any machine goes on from there.

Sealed files below holdfast/ledger, which restic passes over. Losing one costs a second proof.
"""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import ID_BYTES, FileId, PackId
from holdfast.base.texts import _
from holdfast.vault.layout import OWN
from holdfast.vault.sealed_files import SealedFiles

LEDGER = f"{OWN}/ledger"


class _Run(msgspec.Struct):
    """The packs proven at one time, their ids back to back."""

    at: datetime
    packs: bytes


class _Ledger(msgspec.Struct):
    runs: list[_Run]


class Ledger:
    """Read once, written once at the end of a check; other checks at the same time do no harm."""

    def __init__(self, files: SealedFiles, warn: Callable[[str], None]) -> None:
        self._files = files
        self._warn = warn
        self._read: list[FileId] = []
        self._verified: dict[PackId, datetime] = {}
        self._load()

    @property
    def verified(self) -> Mapping[PackId, datetime]:
        return self._verified

    def note(
        self,
        *,
        good: Iterable[PackId],
        bad: Iterable[PackId],
        present: Iterable[PackId],
        at: datetime,
    ) -> None:
        """Store what is known now in one file, and remove those it was read from."""
        known = self._verified
        known.update(dict.fromkeys(good, at))
        for pack in bad:
            known.pop(pack, None)
        still_there = frozenset(present)
        self._verified = {pack: when for pack, when in known.items() if pack in still_there}
        try:
            saved = self._files.save(LEDGER, _encoded(self._verified))
        except HoldfastError as err:
            problem = _("What was verified cannot be noted in the vault: {reason}")
            self._warn(problem.format(reason=err))
            return
        self._remove(saved)

    def _load(self) -> None:
        try:
            self._read = list(self._files.names(LEDGER))
        except HoldfastError:
            return
        for name in self._read:
            try:
                self._merge(self._files.load(LEDGER, name))
            except (HoldfastError, msgspec.DecodeError, ValueError, RecursionError) as err:
                problem = _("A ledger of what was verified is damaged and ignored: {reason}")
                self._warn(problem.format(reason=err))

    def _merge(self, content: bytes) -> None:
        for run in msgspec.json.decode(content, type=_Ledger).runs:
            if run.at.tzinfo is None or len(run.packs) % ID_BYTES:
                raise ValueError("impossible entry")
            for at in range(0, len(run.packs), ID_BYTES):
                pack = PackId(run.packs[at : at + ID_BYTES])
                self._verified[pack] = max(run.at, self._verified.get(pack, run.at))

    def _remove(self, saved: FileId) -> None:
        # Where nothing may be deleted the old ones stay; the newest time of a pack counts.
        for name in self._read:
            if name != saved:
                with contextlib.suppress(HoldfastError):
                    self._files.delete(LEDGER, name)
        self._read = [saved]


def _encoded(verified: Mapping[PackId, datetime]) -> bytes:
    runs: defaultdict[datetime, list[PackId]] = defaultdict(list)
    for pack, when in verified.items():
        runs[when].append(pack)
    return msgspec.json.encode(
        _Ledger([_Run(when, b"".join(packs)) for when, packs in sorted(runs.items())])
    )
