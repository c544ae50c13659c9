"""Replication: the documented orders in their form here, and lines that survive anything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.doctor.loading import load
from holdfast.doctor.matching import is_ours, of_what_is_here, symptoms_for
from holdfast.doctor.replication_facts import REPLICATION_KINDS
from holdfast.replication import health_texts
from tests.unit.doctor.hostile_lines import examined

# What the documents say to look at, in their order; each is a group whose causes stay together.
ENABLING = [
    # 1 requirements
    ("replication.not-possible", "vm.incapable", "vm.disk-shared", "vm.disk-passthrough"),
    # 2 the manager of the other side is prepared
    ("replication.site-unknown", "replication.site-not-ready", "replication.site-full"),
    # 3 the hypervisor's service runs; 4 what its log says
    ("vm.libvirt-missing", "vm.host-unreachable", "vm.host-refused", "vm.crashed"),
    # 5 the guest can be asked
    ("qemu-ga.no-channel", "qemu-ga.absent", "qemu-ga.silent"),
    # 6 its services are of a version that is known
    ("qemu-ga.outdated", "qemu-ga.blocked"),
]
REPLICATING = [
    ("replication.versions-differ", "replication.version-skew"),
    ("replication.paused",),
    # services: the mover, the hypervisor, the agent, the guest's
    ("replication.not-at-work", "replication.stands-still"),
    ("vm.host-unreachable",),
    ("agent.service-failed", "agent.service-stopped"),
    ("qemu-ga.silent",),
    # the control plane
    ("agent.server-unreachable",),
    # connectivity: whether much is sent, and whether the place is reached
    ("replication.not-sending",),
    ("replication.name-unresolved", "replication.site-unreachable", "replication.site-untrusted"),
    # performance
    ("replication.throttled",),
]
PERFORMANCE = [
    ("replication.throttled",),
    ("replication.bandwidth-short",),
    ("replication.churn-high",),
    ("replication.resync-required",),
    ("replication.top-writer",),
    ("replication.log-large", "replication.spool-filling", "replication.spool-full"),
    ("replication.pause-grows",),
]
CRITICAL: list[tuple[str, ...]] = [
    ("replication.paused",),
    ("replication.host-not-registered",),
    ("replication.resync-required",),
]
IN_GUEST = [
    ("qemu-ga.absent", "qemu-ga.silent", "qemu-ga.outdated"),
    ("freeze.still-frozen",),
    ("replication.hook-failed", "replication.freeze-failed"),
    ("extension.absent", "extension.failed"),
    ("freeze.spanning",),
    ("freeze.remote-mounts",),
    ("qemu-ga.blocked", "freeze.switched-off"),
    ("replication.frozen-by-other", "freeze.other-tool", "replication.collides"),
    ("freeze.churn", "replication.churn-high"),
    ("replication.bandwidth-short",),
]
ON_HOST = [
    ("replication.freeze-timed-out", "replication.freeze-failed"),
    ("qemu-ga.absent", "qemu-ga.blocked", "qemu-ga.silent"),
]
ORDERS = {
    "replication.enable": ENABLING,
    "replication.failing": REPLICATING,
    "replication.slow": PERFORMANCE,
    "replication.critical": CRITICAL,
    "replication.app-in-guest": IN_GUEST,
    "replication.app-on-host": ON_HOST,
}
HERE = frozenset(("replication", "vm", "qemu-ga", "extension", "freeze"))


@pytest.mark.parametrize("symptom", sorted(ORDERS))
def test_what_is_looked_at_stands_in_the_documented_order(symptom: str) -> None:
    causes = list(load().symptoms[symptom].causes)

    places = [causes.index(cause) for group in ORDERS[symptom] for cause in group]

    assert places == sorted(places)


@pytest.mark.parametrize("code", ["0x800700EA", "0x80070032"])
def test_a_code_of_the_original_means_ours_on_a_host_of_ours(code: str) -> None:
    found = symptoms_for(load(), code)

    here = of_what_is_here(load(), found, HERE)
    elsewhere = of_what_is_here(load(), found, frozenset(("hyperv",)))

    assert here
    assert all(is_ours(load(), name) for name in here)
    assert elsewhere
    assert not any(is_ours(load(), name) for name in elsewhere)


@pytest.mark.parametrize(
    "asked",
    [
        *("replication-not-possible", "site-unreachable", "site-not-granted", "site-full"),
        *("site-is-another", "replication-source-gone", "replication-spool-small"),
        *("replication is slow", "replication health is critical", "복제가 느려요"),
        "153007",
    ],
)
def test_what_people_see_leads_to_a_symptom_of_ours(asked: str) -> None:
    assert [name for name in symptoms_for(load(), asked) if name.startswith("replication.")]


@pytest.mark.parametrize(
    "reason",
    sorted(
        health_texts.CODES
        - {"paused", "failing", "initial-copy-unfinished", "clock-skew", "upload-limited"}
    ),
)
def test_a_reason_of_health_is_a_word_the_doctor_knows(reason: str) -> None:
    assert symptoms_for(load(), reason)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_lines_of_any_content_crash_nothing(data: st.DataObject) -> None:
    assert not examined(data, REPLICATION_KINDS).crashes
