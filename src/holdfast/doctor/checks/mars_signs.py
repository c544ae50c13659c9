"""What the checks of the MARS agent ask of its logs, and whether the agent is there at all."""

from collections.abc import Sequence

from holdfast.doctor import mars_facts
from holdfast.doctor.checking import SHOWN, absent, recent
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Fact, Package, Record, Service
from holdfast.doctor.model import Span, Verdict, confirmed, ruled_out
from holdfast.doctor.windows_facts import RegistryValue

LOG = "mars.errlog"
AGENT = "Microsoft Azure Recovery Services Agent"
CONFIG = r"\windows azure backup\config"
DEFAULT_SCRATCH = rf"C:\Program Files\{AGENT}\Scratch"
DAYS = 14.0
_OWN: tuple[type[Fact], ...] = (
    mars_facts.VaultCredential,
    mars_facts.SkippedFiles,
    mars_facts.AgentSetting,
    mars_facts.BackupPolicy,
    mars_facts.ScratchListing,
    mars_facts.ModuleFiles,
)


def concerns(facts: Facts) -> bool:
    """Whether the agent is asked about or seen: what is normal elsewhere must not raise alarm."""
    return (
        any(name.startswith("mars.") for name in facts.asked)
        or bool(facts.logs(LOG) or facts.event("mars.named"))
        or any(facts.of(kind) for kind in _OWN)
        or any(service.name.lower() == "obengine" for service in facts.of(Service))
        or any(package.name == AGENT for package in facts.of(Package))
        or any("windows azure backup" in value.key.lower() for value in facts.of(RegistryValue))
    )


def signs(facts: Facts, *events: str, over: Sequence[str] = ("mars.succeeded",)) -> list[Record]:
    """Recent records of these events that no recovery follows, each record once."""
    recovered = facts.event(*over)
    found = {one.span: one for one in recent(facts, facts.event(*events), days=DAYS)}
    return [o for o in found.values() if not any(_follows(other, o) for other in recovered)]


def _follows(other: Record, one: Record) -> bool:
    if other.when and one.when and other.when != one.when:
        return other.when > one.when
    same = other.span.artefact == one.span.artefact
    return same and other.span.first > one.span.first


def denial(facts: Facts, *events: str, over: Sequence[str] = ("mars.succeeded",)) -> Verdict | None:
    """The recovery after the signs, or their absence from logs known to be whole."""
    recovered = facts.event(*over)
    if facts.event(*events) and recovered and not signs(facts, *events, over=over):
        return ruled_out(recovered[-1].span)
    return None if facts.event(*events) else absent(facts, {LOG})


def shown(records: Sequence[Record]) -> tuple[Span, ...]:
    """The first and the last few; the same lines once."""
    chosen = [*records[:1], *records[1:][-(SHOWN - 1) :]]
    return tuple(dict.fromkeys(record.span for record in chosen))


def by_signs(records: Sequence[Record], **values: object) -> Verdict:
    return confirmed(*shown(records), count=len(records), **values)


def version(text: str) -> tuple[int, ...]:
    """`2.0.9083.0` as numbers, so that versions compare; words in it end it."""
    parts: list[int] = []
    for part in text.strip().lstrip("vV").split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)
