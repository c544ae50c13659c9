"""The use case "check by booting": a point is proven when a machine comes up from it."""

import re
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import msgspec

from holdfast.app.job_records import recorded
from holdfast.app.vm_boot import AGENT_SECONDS, POOL, BootOptions, Ready, end, prepared
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.machines.boot_errors import BootNotProven, ConsolePatternBroken
from holdfast.machines.boot_records import Boot
from holdfast.machines.booting import picture_of, start, wait_for_agent
from holdfast.machines.verdicts import Verdict, save_verdict

FOLDER = "boot-checks"
_CONSOLE_END = 16 << 10
_TYPES = {"image/png": "png", "image/x-portable-pixmap": "ppm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BootCheck:
    """`console` is a pattern that proves it as well as an agent's answer does."""

    point: str
    vm: str | None = None
    pool: str = POOL
    console: str | None = None
    within: float = AGENT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """`folder` has the verdict, the picture and the console as files."""

    verdict: Verdict
    folder: str


def check_by_booting(session: Session, wanted: BootCheck) -> Checked:
    """Boot it apart from everything, see whether it comes up, keep what was seen, end it.

    The machine has no network, no folders and no devices of the host, and its writes go to disks
    of its own: neither the original nor the vault notices.
    """
    pattern = _pattern(wanted.console)
    options = BootOptions(
        point=wanted.point,
        vm=wanted.vm,
        name=f"holdfast-check-{token_hex(4)}",
        pool=wanted.pool,
        isolated=True,
        is_check=True,
    )
    with recorded(session, "boot-check"):
        with prepared(session, options) as ready:
            verdict = _judged(session, ready, pattern, wanted.within)
            end(session, ready.boots, ready.plan.boot, host=ready.host)
            _keep_in_vault(session, ready, verdict)
        folder = _keep_here(session.settings.home, verdict)
        if not verdict.is_good:
            raise BootNotProven(point=verdict.point[:8], reason=verdict.reason, folder=folder)
    return Checked(verdict=verdict, folder=folder)


def _pattern(console: str | None) -> re.Pattern[str] | None:
    try:
        return None if console is None else re.compile(console)
    except re.error as err:
        raise ConsolePatternBroken(pattern=repr(console), reason=err) from err


def _judged(
    session: Session, ready: Ready, pattern: re.Pattern[str] | None, within: float
) -> Verdict:
    boot, clock = ready.plan.boot, session.clock
    verdict = Verdict(point=boot.point, name=ready.origin.facts.name, at=clock.now(), is_good=False)
    try:
        domain = start(ready.host, ready.plan)
        running = clock.monotonic() - ready.began
        proof = _proof(domain, session, boot, pattern=pattern, within=within)
        up = clock.monotonic() - ready.began
    except HoldfastError as err:
        return msgspec.structs.replace(verdict, reason=str(err), console=_console(boot))
    verdict = msgspec.structs.replace(
        verdict,
        is_good=bool(proof),
        proof=proof,
        reason="" if proof else _("nothing of it was heard in {count} s").format(count=within),
        seconds_to_running=round(running, 3),
        seconds_to_up=round(up, 3) if proof else None,
        console=_console(boot),
    )
    return _with_picture(_with_system(verdict, domain), domain)


def _proof(
    domain: Domain,
    session: Session,
    boot: Boot,
    *,
    pattern: re.Pattern[str] | None,
    within: float,
) -> str:
    def met() -> bool:
        return pattern is not None and pattern.search(_console(boot)) is not None

    if wait_for_agent(domain, session.clock, within=within, met=met):
        return "agent"
    return "console" if met() else ""


def _with_system(verdict: Verdict, domain: Domain) -> Verdict:
    if verdict.proof != "agent":
        return verdict
    agent = GuestAgent(domain)
    try:
        system = agent.system()
        version = agent.info().version
    except HoldfastError:
        return verdict
    return msgspec.structs.replace(verdict, agent=version, system=system.name or "")


def _with_picture(verdict: Verdict, domain: Domain) -> Verdict:
    picture, reason = picture_of(domain)
    if picture is None:
        return msgspec.structs.replace(verdict, picture_reason=reason)
    return msgspec.structs.replace(verdict, picture=picture.data, picture_type=picture.mime_type)


def _console(boot: Boot) -> str:
    try:
        content = boot.console.read_bytes()
    except OSError:
        return ""
    return content[-_CONSOLE_END:].decode(errors="replace")


def _keep_in_vault(session: Session, ready: Ready, verdict: Verdict) -> None:
    """A gateway may not take it; it is kept here in any case."""
    try:
        ready.lock.check()
        save_verdict(ready.origin.repository.files, verdict)
    except HoldfastError as err:
        problem = _(
            "The verdict is kept on this machine only, the vault does not take it: {reason}"
        )
        session.warn(problem.format(reason=err))


def _keep_here(home: str, verdict: Verdict) -> str:
    """As files, for people and scripts; those of the try before are replaced."""
    folder = Path(home, FOLDER, verdict.point)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.glob("screen.*"):
        old.unlink()
    if verdict.picture:
        (folder / f"screen.{_TYPES.get(verdict.picture_type, 'img')}").write_bytes(verdict.picture)
    (folder / "console.log").write_text(verdict.console, encoding="utf-8")
    told = msgspec.to_builtins(msgspec.structs.replace(verdict, picture=b"", console=""))
    (folder / "verdict.json").write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2))
    return str(folder)
