"""Our own agent and server: the documented orders, and lines that survive anything."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.doctor.agent_facts import AGENT_KINDS, AgentState
from holdfast.doctor.artefacts import from_text
from holdfast.doctor.checking import Params, decide
from holdfast.doctor.checks.agent_service import numbers
from holdfast.doctor.diagnosis import diagnose
from holdfast.doctor.loading import load
from holdfast.doctor.matching import symptoms_for
from holdfast.doctor.model import State
from holdfast.doctor.reading import Reading
from holdfast.doctor.server_facts import SERVER_KINDS

# As the original products' documents order them, each cause in its form on Linux.
ORDERS = {
    "agent.basic-checks": [
        "agent.version-old",
        "agent.name-unresolved",
        "agent.server-unreachable",
        "agent.proxy-unreachable",
        "agent.proxy-authentication",
        "agent.proxy-forbids",
        "agent.server-certificate-expired",
        "agent.server-untrusted",
        "agent.no-server-there",
        "agent.server-ill",
        "agent.certificate-refused",
        "agent.service-stopped",
        "agent.not-at-work",
        "agent.service-failed",
        "agent.service-masked",
        "scratch.low",
        "agent.scratch-small",
        "agent.home-full",
        "agent.interference",
        "agent.scanners",
        "files.unreadable",
        "files.denied",
        "agent.no-assignment",
        "agent.paused",
        "files.unsupported-items",
        "agent.clock-off",
        "agent.clock-unsynchronised",
        "agent.zone-unknown",
        "agent.interpreter-missing",
        "agent.installation-damaged",
        "agent.passphrase-differs",
    ],
    "agent.credentials-refused": [
        "agent.credentials-corrupt",
        "agent.credentials-expired",
        "agent.credentials-superseded",
        "agent.credentials-unknown",
        "agent.credentials-unreadable",
        "agent.name-unresolved",
        "agent.server-unreachable",
        "agent.proxy-unreachable",
        "agent.proxy-authentication",
        "agent.proxy-forbids",
        "agent.interference",
        "agent.scanners",
        "agent.temporary-files",
        "agent.temporary-full",
        "agent.clock-off",
        "agent.clock-unsynchronised",
        "agent.zone-unknown",
        "agent.server-untrusted",
    ],
    "agent.proxy": [
        "agent.proxy-authentication",
        "agent.service-proxy-stale",
        "agent.proxy-unreachable",
        "agent.proxy-forbids",
        "agent.name-unresolved",
        "agent.server-unreachable",
        "agent.interference",
    ],
    "agent.credentials-denied": [
        "agent.account-disabled",
        "agent.server-unreachable",
        "agent.vault-full",
        "agent.role-lacking",
    ],
    "agent.other-vault": [
        "agent.wrong-vault",
    ],
    "agent.key-not-set": [
        "agent.wrong-vault",
        "agent.passphrase-differs",
        "agent.encryption-key-not-set",
        "agent.half-registered",
    ],
    "agent.activation": [
        "scratch.low",
        "agent.scratch-moved",
        "agent.key-file-missing",
        "agent.key-file-damaged",
        "agent.key-file-from-copy",
    ],
    "agent.passphrase": [
        "scratch.low",
        "agent.scratch-moved",
        "agent.key-file-missing",
        "agent.key-file-damaged",
        "agent.key-file-from-copy",
        "agent.passphrase-differs",
    ],
    "agent.schedule": [
        "agent.other-schedule",
        "agent.timer-disabled",
        "agent.timer-never-elapses",
        "agent.service-missing",
        "agent.service-disabled",
        "agent.service-stopped",
        "agent.not-at-work",
        "agent.service-failed",
        "agent.service-restarting",
        "agent.timer-and-daemon",
        "agent.no-assignment",
        "agent.paused",
        "agent.blackout",
        "agent.catch-up-off",
        "agent.schedule-unreadable",
        "agent.policies-unreadable",
        "agent.policies-stale",
        "agent.user-wrong",
        "agent.interpreter-missing",
        "agent.program-missing",
        "agent.program-noexec",
        "agent.service-masked",
        "agent.interference",
        "agent.installation-damaged",
        "agent.reload-needed",
        "agent.restart-pending",
        "agent.no-good-backup",
    ],
    "agent.renamed-machine": [
        "agent.renamed",
    ],
    "agent.in-progress": [
        "agent.busy",
        "agent.job-hangs",
        "agent.timer-and-daemon",
    ],
}
AGENT = {"holdfast": "agent", "folder": "/var/lib/holdfast/agent", "registration": "good"}


@pytest.mark.parametrize("symptom", ORDERS)
def test_causes_stand_in_the_documented_order(symptom: str) -> None:
    assert list(load().symptoms[symptom].causes) == ORDERS[symptom]


@pytest.mark.parametrize("code", ["34513", "0x1FC07", "34506", "100110", "230006", "100050"])
def test_a_number_means_what_is_here(code: str) -> None:
    asked = symptoms_for(load(), code)

    with_agent, with_neither = (_symptoms(asked, *lines) for lines in ([AGENT], []))

    assert all(name.startswith("agent.") for name in with_agent)
    assert all(name.startswith("mars.") for name in with_neither)
    assert with_agent
    assert with_neither


def _symptoms(asked: list[str], *lines: dict[str, str]) -> list[str]:
    reading = Reading(load())
    reading.read([from_text("own/agent.jsonl", "\n".join(map(json.dumps, lines)))])
    return [*diagnose(load(), reading, asked=asked).symptoms]


@pytest.mark.parametrize(
    "code",
    [
        "credentials-superseded",
        "proxy-refused",
        "server-not-reached",
        "journal-unusable",
        "not-registered",
        "lease-refused",
        "lease-held",
        "lease-over",
        "delete-needs-lease",
    ],
)
def test_each_error_of_an_agent_leads_to_its_causes(code: str) -> None:
    assert any(name.startswith("agent.") for name in symptoms_for(load(), code))


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("scratch-moved", "scratch.missing"),
        ("listen-refused", "server.address-refused"),
        ("server-runs-already", "server.already-running"),
        ("agent-running", "agent.already-running"),
        ("lease-refused", "agent.lease-refused"),
        ("still-immutable", "vault.immutable"),
    ],
)
def test_an_error_leads_to_the_cause_that_is_meant(code: str, cause: str) -> None:
    symptoms = symptoms_for(load(), code)

    assert cause in {one for name in symptoms for one in load().symptoms[name].causes}


@pytest.mark.parametrize(
    ("older", "newer"), [("0.9.9", "0.10"), ("1.2", "1.2.1"), ("0.0.9rc1", "0.1.0"), ("", "0")]
)
def test_versions_are_compared_by_their_numbers(older: str, newer: str) -> None:
    assert numbers(older) < numbers(newer)


@pytest.mark.parametrize(
    ("error", "state"),
    [("another-job-in-progress", State.CONFIRMED), ("vm-not-protected", State.RULED_OUT)],
)
def test_busy_is_who_was_kept_off_by_another_and_not_who_was_let_go(
    error: str, state: State
) -> None:
    job = {"holdfast": "agent-job", "id": "1", "kind": "backup", "state": "skipped"}
    reading = Reading(load())
    reading.read([from_text("own/agent.jsonl", json.dumps({**job, "error": error}))])

    verdict = decide(
        "agent.busy",
        load().causes["agent.busy"],
        facts=reading.facts,
        params=Params({}),
        events=load().events,
    )

    assert verdict.state is state


KINDS = [kind for kinds in (AGENT_KINDS, SERVER_KINDS) for one in kinds.values() for kind in one]
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([1])
)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    fields=st.dictionaries(
        st.sampled_from(["expires", "since", "free", "proxies", "at", "state", "file", "created"]),
        VALUES,
    ),
    cut=st.integers(0, 200),
)
def test_a_line_of_any_shape_is_read_or_passed_over(
    kind: str, fields: dict[str, object], cut: int
) -> None:
    text = json.dumps({"holdfast": kind, **fields})
    reading = Reading(load())

    reading.read([from_text("pasted", f"{text}\r\n{text[:cut]}\n[1]\n{json.dumps(AGENT)}\n")])

    assert reading.crashed == []
    assert reading.facts.of(AgentState)


def test_a_moment_that_no_calendar_holds_is_no_fact() -> None:
    line = {"holdfast": "agent-certificate", "role": "machine", "file": "f", "state": "good"}
    reading = Reading(load())

    reading.read([from_text("p", json.dumps({**line, "expires": "0001-01-01T00:00:00+14:00"}))])

    assert reading.crashed == []
