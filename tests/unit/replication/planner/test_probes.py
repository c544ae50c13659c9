"""What links were seen to carry is kept."""

from datetime import UTC, datetime
from pathlib import Path

from holdfast.replication.planner.probes import ProbeLine, keep_probe, kept_probes

PROBE = ProbeLine(at=datetime(2026, 1, 1, tzinfo=UTC), site="north", rate=1e6)


def test_probes_are_kept_in_order(tmp_path: Path) -> None:
    later = ProbeLine(at=datetime(2026, 1, 2, tzinfo=UTC), site="south", rate=2e6, limit=5)

    keep_probe(str(tmp_path), PROBE)
    keep_probe(str(tmp_path), later)

    assert kept_probes(str(tmp_path)) == [PROBE, later]


def test_a_torn_probe_costs_itself_alone(tmp_path: Path) -> None:
    keep_probe(str(tmp_path), PROBE)
    path = tmp_path / "planner" / "probes.jsonl"
    path.write_bytes(path.read_bytes() + b'{"at":')

    assert kept_probes(str(tmp_path)) == [PROBE]


def test_no_probes_are_none(tmp_path: Path) -> None:
    assert kept_probes(str(tmp_path)) == []
