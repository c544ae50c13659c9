"""Site Recovery: JSON, portal text and odd input."""

import json
import random
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.doctor.artefacts import from_text
from holdfast.doctor.asr_facts import BootParameter, JobDone, JobError, ProtectedItem, SiteServer
from holdfast.doctor.facts import LogSeen, Reach
from holdfast.doctor.loading import load
from holdfast.doctor.reading import Reading
from tests.unit.doctor.listings import force, read_as

read = partial(read_as, "asr")
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

    force("asr", raw)


@pytest.mark.parametrize("listing", LISTINGS)
def test_lines_in_any_order_upset_no_reader(listing: str) -> None:
    lines = listing.split("\n")
    random.Random(4).shuffle(lines)

    force("asr", "\r\n".join(lines))
