"""One thing that was found of a guest: a code, how much it weighs, and what its sentence needs."""

from dataclasses import dataclass, field
from enum import StrEnum


class Weight(StrEnum):
    # It will not come up with it.
    STOPS = "stops"
    # It may not, or nobody gets to it.
    HINDERS = "hinders"
    # Good to know.
    NOTE = "note"
    # It could not be looked at.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    code: str
    weight: Weight
    values: dict[str, str] = field(default_factory=dict)

    @property
    def is_against(self) -> bool:
        """Something to be put right before it comes up elsewhere."""
        return self.weight in (Weight.STOPS, Weight.HINDERS)


def found(code: str, weight: Weight, **values: str) -> Finding:
    return Finding(code=code, weight=weight, values=values)
