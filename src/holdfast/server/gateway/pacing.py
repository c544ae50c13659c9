"""How long the next bytes must wait so that machines and vaults keep to their rates."""

from holdfast.app.control.gateway import MachineRepository
from holdfast.base.units import KIB, MIB

# How far a line may run ahead after a rest.
_BURST_SECONDS = 0.1
# A machine that moved nothing for so long leaves its share to the others.
_IDLE_SECONDS = 2.0
_SMALLEST, LARGEST = 16 * KIB, MIB
_PIECES_A_SECOND = 8


class _Line:
    """Bytes one behind the other, at a rate."""

    def __init__(self) -> None:
        self._free_at = 0.0

    def delay(self, size: int, rate: float, now: float) -> float:
        start = max(self._free_at, now - _BURST_SECONDS)
        self._free_at = start + size / rate
        return max(0.0, self._free_at - now)


class Pacing:
    """Used by the event loop alone. A vault's rate is shared evenly by the machines at work."""

    def __init__(self) -> None:
        self._machines: dict[str, _Line] = {}
        self._shares: dict[str, _Line] = {}
        self._seen: dict[str, dict[str, float]] = {}

    def delay(self, repository: MachineRepository, size: int, now: float) -> float:
        """Seconds to wait before these bytes pass; they count as passed."""
        machine_id, delays = repository.machine_id, [0.0]
        if repository.machine_rate:
            line = self._machines.setdefault(machine_id, _Line())
            delays.append(line.delay(size, repository.machine_rate, now))
        if repository.vault_rate:
            share = repository.vault_rate / self._at_work(repository, now)
            line = self._shares.setdefault(machine_id, _Line())
            delays.append(line.delay(size, share, now))
        return max(delays)

    def _at_work(self, repository: MachineRepository, now: float) -> int:
        seen = self._seen.setdefault(repository.vault_id, {})
        seen[repository.machine_id] = now
        for idle in [one for one, at in seen.items() if at < now - _IDLE_SECONDS]:
            del seen[idle]
        return len(seen)


def piece_size(repository: MachineRepository) -> int:
    """Small where the rate is, so that a line flows instead of jumping."""
    rates = [rate for rate in (repository.machine_rate, repository.vault_rate) if rate]
    if not rates:
        return LARGEST
    return max(_SMALLEST, min(LARGEST, min(rates) // _PIECES_A_SECOND))
