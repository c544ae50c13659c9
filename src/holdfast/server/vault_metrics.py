"""What Prometheus may read of vaults."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily

from holdfast.catalog.vault_samples import Held


def vault_families(found: Sequence[Held]) -> Iterator[GaugeMetricFamily]:
    stored = _family("stored_bytes", "Bytes that its machines stored.")
    quota = _family("quota_bytes", "Bytes it may hold at most; missing: no quota.")
    machines = _family("machines", "Machines registered with it.")
    for one in found:
        labels = (one.vault.name,)
        stored.add_metric(labels, one.size)
        machines.add_metric(labels, one.machines)
        if one.vault.quota_bytes is not None:
            quota.add_metric(labels, one.vault.quota_bytes)
    yield from (stored, quota, machines)


def _family(name: str, said: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"holdfast_vault_{name}", said, labels=("vault",))
