"""The demonstration: files, a machine, a second site, and proof of each, also from others."""

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from holdfast.app import demo_tree, vaults
from holdfast.app.backup import Hooks, back_up
from holdfast.app.check import check
from holdfast.app.demo_child import NoHostHere
from holdfast.app.demo_machine import MachineShown, Say, show_machine
from holdfast.app.demo_recovery import RecoveryShown, show_recovery
from holdfast.app.demo_tree import Look
from holdfast.app.opening import open_vault
from holdfast.app.restore import RestoreRequest, restore
from holdfast.app.setup_errors import DemoFailed
from holdfast.app.wiring import Session
from holdfast.base import programs
from holdfast.base.texts import _
from holdfast.files.options import BackupOptions, RestoreOptions
from holdfast.files.report import BackupReport, RestoreReport, Skipped, no_progress


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What was done and measured; `proofs` are sentences, one for each way it was proven."""

    folder: Path
    files: int
    items: int
    first: BackupReport
    second: BackupReport
    restored: RestoreReport
    stored: int
    # None: no machine was to be shown, or none could be.
    machine: MachineShown | None = None
    recovery: RecoveryShown | None = None
    proofs: list[str] = field(default_factory=list)
    # What could not be tried here, and why.
    missing: list[str] = field(default_factory=list)


@contextlib.contextmanager
def demonstrated(
    session: Session,
    *,
    say: Say,
    keep: bool = False,
    with_machine: bool = True,
    with_site: bool = True,
) -> Iterator[DemoResult]:
    """Do it all below a folder of its own, which is gone afterwards unless it is kept."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-demo-"))
    try:
        yield _Demo(folder, session, say).run(
            with_machine=with_machine, with_site=with_machine and with_site
        )
    finally:
        if not keep:
            shutil.rmtree(folder)


class _Demo:
    def __init__(self, folder: Path, session: Session, say: Say) -> None:
        self._folder = folder
        self._source = folder / "source"
        self._say = say
        self._proofs: list[str] = []
        self._missing: list[str] = []
        settings = replace(
            session.settings,
            home=str(folder / "home"),
            vault=str(folder / "vault"),
            passphrase_file=str(folder / "passphrase"),
            passphrase_command=None,
            credentials={},
        )
        # That what lies in a temporary folder is soon lost is nothing to be warned of here.
        self._session = replace(session, settings=settings, warn=lambda _said: None)

    def run(self, *, with_machine: bool, with_site: bool) -> DemoResult:
        self._prepare()
        first = self._back_up(_("Backing up for the first time"))
        demo_tree.change(self._source)
        second = self._back_up(_("Changing some files and backing up again"))
        wanted = demo_tree.look_at(self._source)
        restored = self._restore(wanted)
        machine = self._machine() if with_machine else None
        self._check()
        self._ask_restic(second, wanted)
        recovery = self._recovery() if with_site else None
        return DemoResult(
            folder=self._folder,
            files=second.summary.total_files_processed,
            items=len(wanted),
            first=first,
            second=second,
            restored=restored,
            stored=vaults.describe(self._session).bytes_stored,
            machine=machine,
            recovery=recovery,
            proofs=self._proofs,
            missing=self._missing,
        )

    def _prepare(self) -> None:
        self._say(_("Making a folder with files to protect, and a vault"))
        self._source.mkdir()
        demo_tree.make(self._source)
        phrase = Path(self._session.settings.passphrase_file or "")
        phrase.touch(mode=0o600)
        phrase.write_text(secrets.token_hex(24), encoding="ascii")
        vaults.create(self._session, None)

    def _back_up(self, what: str) -> BackupReport:
        self._say(what)
        options = BackupOptions(
            paths=(os.fsencode(self._source),),
            host="demo",
            workers=self._session.settings.workers,
        )
        done = back_up(self._session, options, hooks=Hooks(), on_progress=no_progress)
        if done.report.skipped:
            raise DemoFailed(what=what, seen=_named(done.report.skipped))
        return done.report

    def _restore(self, wanted: dict[bytes, Look]) -> RestoreReport:
        self._say(_("Restoring the newest point and reading everything back"))
        target = self._folder / "restored"
        repository = open_vault(self._session)
        options = RestoreOptions(
            target=os.fsencode(target), verify=True, workers=self._session.settings.workers
        )
        report = restore(repository, RestoreRequest(point="latest", options=options))
        if report.problems:
            raise DemoFailed(what=_("restore"), seen=_named(report.problems))
        self._prove_same(wanted, target, _("`holdfast restore --verify`"))
        return report

    def _prove_same(self, wanted: dict[bytes, Look], target: Path, who: str) -> None:
        """Every item of the source, as it lies below a restored target."""
        found = demo_tree.look_at(Path(f"{target}{self._source}"))
        different = sorted(
            path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path)
        )
        if different:
            names = ", ".join(path.decode(errors="backslashreplace") for path in different[:3])
            raise DemoFailed(what=who, seen=names)
        sentence = _(
            "{who}: {count:,} items came back the same: content, owner, mode, time, "
            "links, attributes"
        )
        proof = sentence.format(who=who, count=len(wanted))
        # At once: what comes after it takes minutes.
        self._say(f"✓ {proof}")
        self._proofs.append(proof)

    def _machine(self) -> MachineShown | None:
        try:
            shown = show_machine(self._session, self._folder, self._say)
        except NoHostHere as err:
            self._missing.append(str(err))
            return None
        self._proofs += shown.proofs
        self._missing += shown.missing
        return shown

    def _recovery(self) -> RecoveryShown | None:
        try:
            shown = show_recovery(self._session, self._folder, self._say)
        except NoHostHere as err:
            if str(err) not in self._missing:
                self._missing.append(str(err))
            return None
        self._proofs += shown.proofs
        return shown

    def _check(self) -> None:
        self._say(_("Checking every byte of the vault"))
        report = check(self._session, read_data="")
        if report.is_damaged:
            raise DemoFailed(what="check", seen=report.damage[0].sentence)
        sentence = _("`holdfast check --read-data`: no damage in {packs} packs")
        self._proofs.append(sentence.format(packs=report.packs_read))

    def _ask_restic(self, point: BackupReport, wanted: dict[bytes, Look]) -> None:
        """The vault is an ordinary restic repository; whoever doubts us asks restic."""
        if not programs.has_tool("restic"):
            self._missing.append(_("restic is not installed, so it could not be asked"))
            return
        self._say(_("Asking stock restic to check and to restore the same vault"))
        self._restic("check", "--read-data")
        self._proofs.append(_("`restic check --read-data`: no errors"))
        target = self._folder / "restored-by-restic"
        self._restic("restore", point.snapshot, "--target", str(target))
        self._prove_same(wanted, target, _("`restic restore`"))

    def _restic(self, *arguments: str) -> None:
        settings = self._session.settings
        environment = {
            **settings.harmless,
            "RESTIC_REPOSITORY": settings.vault or "",
            "RESTIC_PASSWORD_FILE": settings.passphrase_file or "",
            "RESTIC_CACHE_DIR": str(self._folder / "restic-cache"),
        }
        done = programs.run_tool(["restic", *arguments], environment=environment)
        if done.status:
            raise DemoFailed(what=f"restic {arguments[0]}", seen=programs.last_words(done.said))


def _named(problems: Sequence[Skipped]) -> str:
    worst = problems[0]
    path = worst.path.decode(errors="backslashreplace")
    return f"{path}: {worst.reason.value} {worst.detail}"
