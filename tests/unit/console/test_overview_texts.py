"""The answer of the first page: green only when all of it is proven, and no more said than is known."""

from datetime import UTC, datetime
from typing import Any

import pytest

from holdfast.app.control.overview_views import (
    DayView,
    OverviewView,
    ProofView,
    ReplicationCount,
    SafetyCount,
)
from holdfast.base.texts import speaking
from holdfast.console.overview_texts import Verdict, verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def count(**some: int) -> SafetyCount:
    given = {"total": 0, "protected": 0, "at_risk": 0, "unprotected": 0, "proven": 0, "unproven": 0}
    return SafetyCount(**{**given, **some})


def said(**some: Any) -> Verdict:
    day = dict.fromkeys(
        ("well", "failed", "underway", "backups", "restores", "points", "bytes_added"), 0
    )
    given: dict[str, Any] = {
        "at": NOW,
        "machines": count(total=2, protected=2, proven=2),
        "vms": count(),
        "hosts": 0,
        "proofs": [],
        "proven_within_days": 90,
        "worst_rpo": None,
        "worst_backup": None,
        "replications": ReplicationCount(total=0, normal=0, warning=0, critical=0),
        "problems_by_severity": {},
        "problems": [],
        "needs": [],
        "day": DayView(**day),
        "points": 0,
        "bytes_stored": 0,
        "vaults": 1,
    }
    with speaking("en"):
        return verdict(OverviewView(**{**given, **some}))


def proof(by: str) -> ProofView:
    return ProofView(by=by, at=NOW, machine_id="m", about="kvm1", job_id="")


def test_what_is_protected_and_proven_is_well() -> None:
    found = said(answer="safe", proofs=[proof("restore")])

    assert (found.tone, found.sentence) == ("good", "Everything is protected")
    assert found.more == "Last shown to come back: kvm1, restored."


def test_what_nobody_brought_back_is_not_well_and_leads_to_it() -> None:
    machines = count(total=2, protected=2, proven=1, unproven=1)

    found = said(answer="unproven", machines=machines, proofs=[proof("restore-part")])

    assert (found.tone, found.href) == ("warn", "/safety?proven=false")
    assert found.sentence == "Everything is protected; 1 machine was not shown to come back"
    assert found.more == "Last shown to come back: kvm1, restored in part."


@pytest.mark.parametrize("answer", ["unproven", "at-risk", "unprotected"])
def test_what_was_shown_too_long_ago_is_not_said_to_be_never_shown(answer: str) -> None:
    found = said(answer=answer, machines=count(total=1, protected=1, unproven=1))

    assert "Nothing was shown to come back within 90 days" in found.more
