"""The words of a diagnosis: spans of artefacts, verdicts with their evidence, severities."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum

LONGEST_EXCERPT = 2000


class Severity(IntEnum):
    """How bad it is for the ability to restore, not how loud the message was."""

    INFO = 0
    WARNING = 1
    ERROR = 2
    CRITICAL = 3

    @classmethod
    def of(cls, name: str) -> "Severity":
        return cls[name.upper()]

    @property
    def word(self) -> str:
        return self.name.lower()


class State(Enum):
    """What a check can say; ignorance is never called health."""

    CONFIRMED = "confirmed"
    RULED_OUT = "ruled-out"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """Lines of an artefact, counted from 1, with the text that stands there."""

    artefact: str
    first: int
    last: int
    excerpt: str

    @property
    def place(self) -> str:
        lines = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.artefact}:{lines}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer of one check; a confirmation and a denial both carry what proves them."""

    state: State
    evidence: tuple[Span, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    # Of the cause's remedies those that fit what was found; empty: all of them.
    remedies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # Hundreds are made per diagnosis; to hash a state costs more than to look for evidence.
        if not self.evidence and self.state in (State.CONFIRMED, State.RULED_OUT):
            raise ValueError(f"{self.state.value} without evidence")


def confirmed(*evidence: Span, **values: object) -> Verdict:
    return Verdict(state=State.CONFIRMED, evidence=evidence, values=values)


def ruled_out(*evidence: Span, **values: object) -> Verdict:
    return Verdict(state=State.RULED_OUT, evidence=evidence, values=values)


def unknown(*probes: str) -> Verdict:
    """Name the probes whose artefacts would decide."""
    return Verdict(state=State.UNKNOWN, missing=probes)


def not_applicable() -> Verdict:
    return Verdict(state=State.NOT_APPLICABLE)
