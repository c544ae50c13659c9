"""What the catalogue knows of Windows, shadow copies and the guest agent for Windows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.doctor.artefacts import from_text
from holdfast.doctor.diagnosis import diagnose
from holdfast.doctor.facts import LogSeen, Record
from holdfast.doctor.loading import load
from holdfast.doctor.matching import symptoms_for
from holdfast.doctor.readers.windows_evtx import read_evtx
from holdfast.doctor.reading import Reading
from holdfast.doctor.vss_writers import _SERVICES, remedy_of
from holdfast.testing.evtx_file import evtx

LOG = evtx(
    {"provider": "VSS", "id": "8224", "level": "4", "when": "2018-11-27T10:11:12Z", "data": ""},
    {"provider": "volsnap", "id": "36", "when": "2018-11-27T10:12:12Z", "data": "C:"},
)


@pytest.mark.parametrize(
    ("asked", "symptom", "causes"),
    [
        (
            "0x80042304",
            "vss.provider-not-registered",
            ["vss.provider-trouble", "vss.service-stopped"],
        ),
        (
            "2147754756",
            "vss.provider-not-registered",
            ["vss.provider-trouble", "vss.service-stopped"],
        ),
        (
            "VSS_E_WRITERERROR_TIMEOUT",
            "vss.writererror-timeout",
            ["vss.timeout", "vss.other-backup-running", "vss.writer-failed"],
        ),
        (
            "2147754994",
            "vss.writererror-timeout",
            ["vss.timeout", "vss.other-backup-running", "vss.writer-failed"],
        ),
        (
            "-2147212302",
            "vss.writererror-timeout",
            ["vss.timeout", "vss.other-backup-running", "vss.writer-failed"],
        ),
        (
            "2147221164",
            "vss.class-not-registered",
            ["vss.provider-trouble", "vss.service-stopped", "windows.complus-down"],
        ),
        (
            "2147943458",
            "vss.service-disabled",
            ["vss.provider-trouble", "vss.service-stopped", "windows.complus-down"],
        ),
        (
            "ExtensionFailedVssWriterInBadState",
            "vss.writers-bad",
            ["vss.writer-failed", "vss.timeout", "vss.other-backup-running", "vss.service-stopped"],
        ),
        (
            "ExtensionFailedVssServiceInBadState",
            "vss.service-bad",
            ["vss.service-stopped", "vss.writer-failed"],
        ),
        (
            "ExtensionSnapshotFailedCOM",
            "windows.snapshot-com",
            ["windows.complus-down", "windows.msdtc-down", "vss.service-stopped"],
        ),
        (
            "ExtensionInstallationFailedCOM",
            "windows.install-com",
            ["windows.complus-down", "windows.msdtc-down"],
        ),
        (
            "ExtensionInstallationFailedMDTC",
            "windows.install-msdtc",
            ["windows.msdtc-down", "windows.complus-down"],
        ),
        (
            "ExtensionSnapshotBitlockerError",
            "windows.snapshot-bitlocker",
            ["windows.bitlocker-locked"],
        ),
        (
            "ExtensionSnapshotFailedNoSecureNetwork",
            "windows.no-secure-network",
            ["windows.strong-crypto-off"],
        ),
        (
            "ExtensionVCRedistInstallationFailure",
            "windows.vcredist",
            ["windows.installer-blocked"],
        ),
        (
            "ExtensionConfigParsingFailure",
            "windows-agent.config-parsing",
            ["windows-agent.certificates"],
        ),
        (
            "The backup failed: EFI system partition is locked",
            "windows.efi-partition",
            ["windows.efi-locked"],
        ),
        (
            "Windows 게스트 에이전트가 응답하지 않습니다",
            "windows-agent.silent",
            [
                "windows-agent.unresponsive",
                "windows-agent.dotnet-old",
                "windows-agent.host-unreachable",
                "windows-agent.wrong-bitness",
            ],
        ),
    ],
)
def test_a_code_leads_to_its_causes_in_order(asked: str, symptom: str, causes: list[str]) -> None:
    found = symptoms_for(load(), asked)

    assert symptom in found
    assert list(load().symptoms[symptom].causes) == causes


def test_the_steps_for_a_silent_agent_stand_in_the_sources_order() -> None:
    steps = load().remedies["windows-agent.reinstall"].steps

    assert [step.refs for step in steps] == [
        ("000:L68", "001:L106"),
        ("000:L69", "001:L107"),
        ("000:L70", "001:L108"),
        ("000:L71", "001:L109"),
        ("000:L72", "001:L110"),
        ("000:L73", "001:L111"),
    ]
    assert load().causes["windows-agent.dotnet-old"].refs == ("000:L75", "001:L113")


def test_every_known_writer_has_its_remedy() -> None:
    known = load().causes["vss.writer-failed"].remedies

    assert {remedy_of(writer) for writer in [*_SERVICES, "unknown"]} <= set(known)


def test_a_failed_writer_is_answered_with_the_service_behind_it() -> None:
    text = (
        "Writer name: 'WMI Writer'\n   Writer Id: {a6ad56c2-b509-4e6c-bb19-49d8f43532f0}\n"
        "   Writer Instance Id: {1bddd48e-5052-49db-9b07-b96f96727e6b}\n   State: [7] Failed\n"
    )
    reading = Reading(load())
    reading.read([from_text("pasted", text)])

    root = diagnose(load(), reading).root

    assert root is not None
    assert root.cause == "vss.writer-failed"
    assert root.verdict.remedies == ("vss.retry-later", "vss.restart.winmgmt", "vss.reboot")


def test_a_binary_event_log_is_read_as_its_text_is() -> None:
    facts = list(read_evtx(from_text("System.evtx", LOG)))

    records = [fact for fact in facts if isinstance(fact, Record)]
    assert [one.text for one in records] == ["VSS 8224: ", "volsnap 36: C:"]
    assert isinstance(facts[-1], LogSeen)
    assert facts[-1].ends == records[-1].when


def test_a_binary_event_log_confirms_causes() -> None:
    reading = Reading(load())
    reading.read([from_text("System.evtx", LOG)])

    assert "vss.storage-short" in set(reading.facts.events_seen())
    assert not reading.crashed


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(LOG)), st.binary(max_size=64), st.integers(0, 6000))
def test_a_damaged_binary_log_gives_what_it_still_has(cut: int, noise: bytes, at: int) -> None:
    damaged = LOG[:at] + noise + LOG[at + len(noise) :]

    list(read_evtx(from_text("a.evtx", LOG[:cut])))
    list(read_evtx(from_text("a.evtx", damaged)))


def test_a_healthy_server_has_nothing_to_report() -> None:
    """Services that start on demand are stopped, and VSS makes its usual noise."""
    stopped = "".join(
        f"SERVICE_NAME: {name}\n        TYPE               : 10  WIN32_OWN_PROCESS\n"
        "        STATE              : 1  STOPPED\n        WIN32_EXIT_CODE    : 0  (0x0)\n\n"
        for name in ("VSS", "swprv", "COMSysApp", "MSDTC", "msiserver")
    )
    events = (
        "Level,Date and Time,Source,Event ID,Task Category\n"
        "Information,11/27/2018 10:10:12 AM,VSS,8224,None,shutting down due to idle timeout.\n"
        "Error,11/27/2018 10:10:11 AM,VSS,8194,None,IVssWriterCallback hr = 0x80070005\n"
        "Error,11/27/2018 10:10:10 AM,DCOM,10016,None,permission settings\n"
    )
    reading = Reading(load())
    reading.read([from_text("sc.txt", stopped), from_text("app.csv", events)])

    report = diagnose(load(), reading)

    assert [one.cause for one in report.found] == []
    assert not report.crashes
