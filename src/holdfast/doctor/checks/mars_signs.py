"""What the checks of the MARS agent ask of its logs, and whether the agent is there at all."""

from collections.abc import Sequence

from holdfast.doctor import mars_facts
from holdfast.doctor.checking import absent
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Fact, Package, Record, Service
from holdfast.doctor.model import Verdict, confirmed, ruled_out
from holdfast.doctor.open_records import open_records, spans
from holdfast.doctor.windows_facts import RegistryValue

LOG = "mars.errlog"
AGENT = "Microsoft Azure Recovery Services Agent"
CONFIG = r"\windows azure backup\config"
DEFAULT_SCRATCH = rf"C:\Program Files\{AGENT}\Scratch"
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
    return [*{one.span: one for one in open_records(facts, *events, over=over)}.values()]


def denial(facts: Facts, *events: str, over: Sequence[str] = ("mars.succeeded",)) -> Verdict | None:
    """The recovery after the signs, or their absence from logs known to be whole."""
    recovered = facts.event(*over)
    if facts.event(*events) and recovered and not signs(facts, *events, over=over):
        return ruled_out(recovered[-1].span)
    return None if facts.event(*events) else absent(facts, {LOG})


def by_signs(records: Sequence[Record], **values: object) -> Verdict:
    return confirmed(*spans(records), count=len(records), **values)


def version(text: str) -> tuple[int, ...]:
    """`2.0.9083.0` as numbers, so that versions compare; words in it end it."""
    parts: list[int] = []
    for part in text.strip().lstrip("vV").split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)
