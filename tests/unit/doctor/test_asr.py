"""Site Recovery: the ordered causes of its codes, JSON and portal text, odd input."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.doctor.artefacts import from_text
from holdfast.doctor.asr_facts import BootParameter, JobDone, JobError, ProtectedItem, SiteServer
from holdfast.doctor.facts import Fact, LogSeen, Reach
from holdfast.doctor.loading import load
from holdfast.doctor.matching import notes_for, symptoms_for
from holdfast.doctor.readers_registry import READERS
from holdfast.doctor.reading import Reading

ORDERED = {
    "asr.150097": ["asr.quota"],
    "asr.151066": ["asr.root-certificates"],
    "asr.151037": ["asr.service-blocked", "asr.proxy-invalid"],
    "asr.151195": ["asr.dns-failing"],
    "asr.151196": ["asr.login-blocked"],
    "asr.151197": ["asr.service-blocked"],
    "asr.151025": ["windows.complus-down", "vss.service-stopped"],
    "asr.151126": ["asr.grub-device-names"],
    "asr.153007": ["asr.churn-high", "asr.upload-slow"],
    "asr.28031": ["asr.quota", "asr.mixed-sizes", "asr.policy-forbids"],
    "asr.170010": ["asr.hydration-failed"],
    "asr.95519": [
        "asr.account-disabled",
        "asr.account-locked",
        "asr.no-logon-server",
        "asr.logon-service-stopped",
    ],
    "asr.78169": [
        "asr.process-server-unreachable",
        "asr.upload-blocked",
        "asr.upload-slow",
        "hyperv.clock-off",
        "asr.antivirus",
    ],
    "asr.806": ["asr.process-server-stopped"],
}


@pytest.mark.parametrize(("symptom", "ordered"), ORDERED.items(), ids=str)
def test_causes_stand_in_the_order_of_the_source(symptom: str, ordered: list[str]) -> None:
    causes = load().symptoms[symptom].causes

    assert list(causes[: len(ordered)]) == ordered


@pytest.mark.parametrize(
    ("asked", "symptom"),
    [
        ("151126", "asr.151126"),
        ("95320", "asr.151126"),
        ("2147221164", "asr.provider-missing-code"),
        ("2147943458", "asr.provider-disabled-code"),
        ("2147754756", "asr.provider-unregistered-code"),
        ("Failover failed with BookmarkNotFound", "asr.bookmark"),
        (
            "One or more replica IP addresses for the network adapter of virtual machine is invalid",
            "asr.replica-ip",
        ),
        ("No crash consistent recovery point available for the VM", "asr.153007"),
        ("78022", "asr.78022"),
        ("error 806", "asr.806"),
    ],
)
def test_what_people_see_leads_to_its_symptom(asked: str, symptom: str) -> None:
    assert symptom in symptoms_for(load(), asked)


@pytest.mark.parametrize(
    ("asked", "note"),
    [
        ("vacp.log", "asr.agent-logs"),
        ("tmansvc", "asr.process-server-services"),
        ("10003", "asr.vacp-codes"),
        ("cxps.err", "asr.server-logs"),
        ("6008", "asr.unexpected-shutdown"),
    ],
)
def test_what_is_no_symptom_is_a_note(asked: str, note: str) -> None:
    assert note in notes_for(load(), asked)


def read(raw: str | bytes, name: str = "pasted.txt") -> list[Fact]:
    load()
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
    ours = [one for one in READERS if one.probe.startswith("asr.")]
    artefact = from_text(name, raw)
    return [fact for one in ours if one.accepts(text, name) for fact in one.read(artefact)]


JOBS = json.dumps(
    [
        {
            "Name": "1",
            "JobType": "Reprotect",
            "State": "Failed",
            "TargetObjectName": "WEB01",
            "EndTime": "/Date(1542745911000)/",
            "Errors": [
                {
                    "ServiceErrorDetails": {
                        "Code": "78052",
                        "Message": "Protection couldn't be completed",
                    },
                    "ProviderErrorDetails": {"ErrorCode": 95226, "ErrorMessage": "no way home"},
                }
            ],
        },
        {"Name": "2", "JobType": "Reprotect", "State": "Succeeded", "TargetObjectName": "WEB02"},
    ],
    indent=2,
)
ITEMS = json.dumps(
    [
        {
            "FriendlyName": "WEB01",
            "ReplicationProvider": "InMageAzureV2",
            "ReplicationHealth": "Critical",
            "ProtectionState": "Protected",
            "TestFailoverState": "None",
            "ReplicationHealthErrors": [{"ErrorCode": "78174", "ErrorMessage": "no heartbeat"}],
        }
    ]
)
SERVERS = json.dumps(
    {
        "processServers": [
            {
                "friendlyName": "PS01",
                "lastHeartbeat": "2026-11-20T09:00:00.1234567Z",
                "cpuLoad": "12",
            }
        ]
    }
)
PORTAL = """> Error ID
> 78007
> Error Message
> The requested operation couldn't be completed.
> Provider error
> Provider error code: 95108
>
> Provider error message:
>   Either the user account or password is incorrect.
> Possible causes
> Quota, policy, anything.
"""
GRUB = "\tlinux /vmlinuz root=/dev/sda2 resume=UUID=6f61 quiet\n"
TELNET = "[root@web01 ~]# telnet 10.1.1.1 443\nTrying 10.1.1.1...\ntelnet: Unable to connect to remote host: Connection refused\n"
LISTINGS = (JOBS, ITEMS, SERVERS, PORTAL, GRUB, TELNET)


def test_a_job_of_powershell_keeps_the_service_s_and_the_provider_s_code() -> None:
    facts = read(JOBS)

    assert [one.codes for one in facts if isinstance(one, JobError)] == [("78052", "95226")]
    assert [one.target for one in facts if isinstance(one, JobDone)] == ["WEB02"]


def test_what_an_item_s_health_complains_of_stands_now() -> None:
    facts = read(ITEMS)

    assert [one.standing for one in facts if isinstance(one, JobError)] == [True]
    assert [one.health for one in facts if isinstance(one, ProtectedItem)] == ["critical"]


def test_possible_causes_are_kept_apart_from_what_happened() -> None:
    (error,) = [one for one in read(PORTAL) if isinstance(one, JobError)]

    assert error.codes == ("78007", "95108")
    assert "password is incorrect" in error.text
    assert "Quota" not in error.text


def test_servers_boot_parameters_and_trials_are_read() -> None:
    assert [one.cpu for one in read(SERVERS) if isinstance(one, SiteServer)] == [0.12]
    assert [one.by_device for one in read(GRUB) if isinstance(one, BootParameter)] == [True, False]
    assert [one.target for one in read(TELNET) if isinstance(one, Reach)] == ["10.1.1.1:443"]


@pytest.mark.parametrize(
    ("line", "stream"),
    [
        ("#~> (11-20-2018 20:31:51):   ERROR  2508 8408 313 FAILED : x", "asr.agent.log"),
        ("#~> (11-20-2018 20:31:51:1542745911123): DEBUG 2508 8408 x", "asr.agent.log"),
        ("2018-Nov-20 20:31:51.123456 ERROR (sid: 1) x", "asr.server.log"),
        ("2024-01-29T08:12:39.441Z error vpxd[04641] [Originator@6876 sub=x] y", "vmware.log"),
        ("2025-12-11T16:43:48.812Z Wa(164) Hostd[169830]: [Originator@6876 sub=x] y", "vmware.log"),
        ("2013-08-01T10:00:00.123Z [7F1D4B40 error 'Default' opID=1] y", "vmware.log"),
        ("2024-01-15T14:38:01.789Z cpu1:1923)WARNING: PSP: y", "vmware.log"),
    ],
)
def test_each_layout_is_told_by_its_first_line(line: str, stream: str) -> None:
    reading = Reading(load())

    reading.read([from_text("pasted", f"{line}\n{line}\n")])

    seen = reading.facts.of(LogSeen)
    assert [one.stream for one in seen] == [stream]
    assert seen[0].ends is not None


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(LISTINGS), st.integers(0, 900), st.sampled_from(["utf-8", "utf-16", "cp949"])
)
def test_no_cut_and_no_encoding_upsets_a_reader(listing: str, cut: int, encoding: str) -> None:
    raw = listing.encode(encoding)[:cut]

    for one in (reader for reader in READERS if reader.probe.startswith("asr.")):
        list(one.read(from_text("cut", raw)))


@pytest.mark.parametrize("listing", LISTINGS)
def test_lines_in_any_order_upset_no_reader(listing: str) -> None:
    lines = listing.split("\n")
    random.Random(4).shuffle(lines)

    for one in (reader for reader in READERS if reader.probe.startswith("asr.")):
        list(one.read(from_text("shuffled", "\r\n".join(lines))))
