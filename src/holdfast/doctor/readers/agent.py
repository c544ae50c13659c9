"""What the probes of an agent, a server, virtual machines, replication and recovery write."""

from collections.abc import Iterator, Mapping

from holdfast.doctor.agent_facts import AGENT_KINDS
from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact
from holdfast.doctor.readers.own_lines import facts_of, looks_like
from holdfast.doctor.readers_registry import reader
from holdfast.doctor.recovery_facts import RECOVERY_KINDS
from holdfast.doctor.replication_facts import REPLICATION_KINDS
from holdfast.doctor.server_facts import SERVER_KINDS
from holdfast.doctor.vm_facts import VM_KINDS


def _reads(probe: str, kinds: Mapping[str, type[Fact]]) -> None:
    @reader(probe, accepts=looks_like(kinds))
    def read(artefact: Artefact) -> Iterator[Fact]:
        return facts_of(artefact, kinds)


_ALL = {**AGENT_KINDS, **SERVER_KINDS, **VM_KINDS, **REPLICATION_KINDS, **RECOVERY_KINDS}
for _probe, _kinds in _ALL.items():
    _reads(_probe, _kinds)
