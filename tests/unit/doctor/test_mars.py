"""The MARS agent: the source's orders, keys in every notation, and readers that survive anything."""

import base64
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, pkcs12
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.doctor.artefacts import from_text
from holdfast.doctor.loading import load
from holdfast.doctor.logs.mars import MARS, moment
from holdfast.doctor.mars_facts import ScratchListing, SkippedFiles, TaskRule, VaultCredential
from holdfast.doctor.matching import notes_for, symptoms_for
from holdfast.doctor.readers_registry import READERS
from holdfast.doctor.reading import Reading
from holdfast.doctor.yearless import UNKNOWN_YEAR
from holdfast.testing.doctor_cases import artefacts_of, cases_in

CASES = list(cases_in(Path(__file__).parents[2] / "cases" / "doctor" / "mars"))
CACHE = [
    "mars.agent-old",
    "mars.scratch-low",
    "mars.scratch-unreachable",
    "mars.scratch-attributes",
    "mars.shadow-storage",
    "mars.antivirus-locks",
]
ORDERS = {
    "mars.basic-checks": [
        "mars.agent-old",
        "mars.network-blocked",
        "mars.service-stopped",
        "mars.scratch-low",
        "mars.antivirus-locks",
        "mars.files-unsupported",
        "mars.clock-off",
        "mars.dotnet-old",
        "mars.passphrase-broken",
        "mars.offline-powershell-old",
    ],
    "mars.34513": [
        "mars.credential-corrupt",
        "mars.credential-expired",
        "mars.credential-superseded",
        "mars.network-blocked",
        "mars.proxy-wrong",
        "mars.proxy-authentication",
        "mars.antivirus-locks",
        "mars.temp-full",
        "mars.clock-off",
    ],
    "mars.403": [
        "mars.browser-blocks-download",
        "mars.subscription-disabled",
        "mars.network-blocked",
        "mars.vault-full",
        "mars.not-allowed",
    ],
    "mars.100110": ["mars.other-vault"],
    "mars.encryption-key": ["mars.other-vault", "mars.passphrase-broken"],
    "mars.0x1FC07": ["mars.scratch-low", "mars.scratch-moved-wrong", "mars.kek-missing"],
    "mars.34506": ["mars.scratch-low", "mars.scratch-moved-wrong", "mars.kek-missing"],
    "mars.0x80070570": ["mars.file-damaged"],
    "mars.0x80070002": ["mars.scratch-low", "mars.scratch-unreachable", "mars.antivirus-locks"],
    "mars.0x8007018B": ["mars.files-in-cloud"],
    "mars.critical-inconsistency": ["mars.folder-recreated"],
    "mars.schedule": [
        "mars.schedule-conflict",
        "mars.task-disabled",
        "mars.task-account-wrong",
        "mars.powershell-old",
        "mars.module-path",
        "mars.execution-policy",
        "mars.module-missing",
    ],
    "mars.230006": ["mars.server-renamed"],
    "mars.job-in-progress": ["mars.task-starts-twice"],
    "mars.restore-mount": ["mars.agent-old", "mars.iscsi-missing", "mars.iscsi-stopped"],
    "mars.cache": CACHE[1:],
    "mars.SalChecksumStoreInitializationFailed": [
        "mars.antivirus-locks",
        "mars.scratch-unreachable",
    ],
    "mars.SalVhdInitializationError": ["mars.antivirus-locks", "mars.scratch-unreachable"],
    "mars.SalLowDiskSpace": CACHE,
    "mars.SalBitmapError": CACHE,
}


@pytest.mark.parametrize("symptom", ORDERS)
def test_causes_stand_in_the_order_of_the_source(symptom: str) -> None:
    assert list(load().symptoms[symptom].causes) == ORDERS[symptom]


def test_407_comes_before_all_else_that_can_stop_a_connection() -> None:
    assert load().symptoms["mars.100050"].causes[0] == "mars.proxy-authentication"


@pytest.mark.parametrize(
    ("asked", "symptom"),
    [
        ("34513", "mars.34513"),
        ("ID: 100110", "mars.100110"),
        ("0x1fc07", "mars.0x1FC07"),
        ("2147943792", "mars.0x80070570"),
        ("-2147024891", "mars.0x80070005"),
        ("0x80070003", "mars.0x80070002"),
        ("SalLowDiskSpace", "mars.SalLowDiskSpace"),
        ("salbitmaperror", "mars.SalBitmapError"),
        ("130001", "mars.130001"),
        ("FileFaultFault", "mars.33621"),
        ("Job could not be started as another job was in progress", "mars.job-in-progress"),
        ("34506 오류입니다. 이 컴퓨터에 저장된 암호화의 암호가 제대로 구성되어 있지 않습니다.", "mars.34506"),
        ("안전한 백업을 위한 암호화 키를 설정하지 못했습니다.", "mars.encryption-key"),
        ("복구 볼륨이 탑재되지 않습니다", "mars.restore-mount"),
        ("스크래치 위치에 저장된 백업 체크섬에 액세스할 수 없습니다", "mars.SalChecksumStoreInitializationFailed"),
        ("Error 34506. The encryption passphrase stored on this computer is not correctly configured", "mars.34506"),
        ("예약된 백업이 실행되지 않습니다", "mars.schedule"),
        ("백업이 일정에 따라 실행되지 않음", "mars.schedule"),
    ],
)  # fmt: skip
def test_a_symptom_is_found_by_what_people_know_of_it(asked: str, symptom: str) -> None:
    assert symptom in symptoms_for(load(), asked)


def test_knowledge_that_is_no_symptom_is_found_too() -> None:
    assert "mars.paths" in notes_for(load(), "CBEngineCurr.errlog")
    assert "mars.limits" in notes_for(load(), "50 machines per vault")


@pytest.mark.parametrize(
    "line",
    [
        "0C98\t11F8\t01/09\t10:15:33.123\t18\tfsutils.cpp(123)\t[0000000004BFE760]\t3F8C1B52-6E0D-4B7A-9C55-0A1D2E3F4B5C\tWARNING\tFailed: Hr: = [0x80070005] : x",
        "0C98 11F8 01/09 10:15:33.123 18 fsutils.cpp(123) 3F8C1B52-6E0D-4B7A-9C55-0A1D2E3F4B5C WARNING Failed: Hr: = [0x80070005] : x",
        "\tLine 28: 0AB0\t0974\t01/09\t13:16:29.206\t18\tmtffile.cpp(1372)\t[0000000053582120]\t1FCFF8B4-CCE2-42E6-8883-7AEB9A1C5CB6\t\t**WARNING\tFailed: x",
        "N1-DPMRACurr.errlog:0CF4  9-Jan 4:01:07 PM csvapi.cpp(400)  WARNING  Failed: x",
        "01/09\t10:27:40.993\t70\titemcatalogupdater.cpp(652)\t\tF3E32129-DC79-4A28-9ACC-3F30CB5810B6\tWARNING\tFailed: x",
        "0C98 11F8 01/09 10:15:33.123 WARNING Failed: x",
        "> 0C98\t11F8\t01/09/2020\t10:15:33.123\t71\tbackupasync.cpp (1184)\t{3F8C1B52-6E0D-4B7A-9C55-0A1D2E3F4B5C}\tWARNING\tFailed: x",
    ],
)
def test_every_layout_of_the_errlog_has_a_head(line: str) -> None:
    head = MARS.head(line)

    assert head is not None
    assert head["level"] == "WARNING"
    assert head["text"].startswith("Failed:")
    when = MARS.when(head)
    assert when is not None
    assert (when.month, when.day) == (1, 9)


@pytest.mark.parametrize(
    "line",
    [
        "2024/03/05 10:00:00.123456 INFO ExtHandler started",
        "Mar  5 10:00:00 host kernel: x",
        "[2024-03-05 10:00:00] ERROR something (0x80070005)",
    ],
)
def test_other_logs_are_not_taken_for_it(line: str) -> None:
    assert MARS.head(line) is None


def test_one_record_among_the_lines_of_a_stack_trace_is_enough() -> None:
    head = "0C98\t11F8\t01/09\t10:15:33.123\t71\tWebRequestHelper.cs(71)\t\tFATAL\tException:\n"
    trace = "   at System.Net.HttpWebRequest.GetResponse()\n" * 25
    text = f"{head}System.Net.WebException: (407) Proxy Authentication Required\n{trace}"

    reading = Reading(load())
    reading.read([from_text("pasted.txt", text)])

    assert len(reading.facts.event("mars.proxy-407")) == 1


def test_a_time_without_a_year_says_so_and_nonsense_is_no_time() -> None:
    leap = moment("02/29 10:00:00.000")

    assert leap is not None
    assert leap.year == UNKNOWN_YEAR
    assert moment("13/45 10:00:00") is None


def _facts(name: str, text: str | bytes, kind: type) -> list:  # type: ignore[type-arg]  # whatever was asked for
    reading = Reading(load())
    reading.read([from_text(name, text)])
    assert reading.crashed == []
    return list(reading.facts.of(kind))


@pytest.mark.parametrize(
    "text",
    [
        "D:\\자료\\장부.xlsx\t0x80070570\r\n",
        "0x80070570 - D:\\자료\\장부.xlsx\n",
        "D:\\자료\\장부.xlsx\n  오류 코드: 0x80070570\n",
        "0x80070570 파일 또는 디렉터리가 손상되었습니다\nD:\\자료\\장부.xlsx\n",
        "\\\\?\\Volume{5d4bd8a1-0000-0000-0000-100000000000}\\자료\\장부.xlsx (-2147023504)\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "cp949"])
def test_the_list_of_skipped_files_is_read_in_all_its_forms(text: str, encoding: str) -> None:
    found = _facts("LastBackupFailedFiles1a2b.txt", text.encode(encoding), SkippedFiles)

    assert [(one.code, one.count) for one in found] == [("0x80070570", 1)]
    assert found[0].first.endswith("장부.xlsx")


def test_a_folder_heading_of_any_language_is_understood() -> None:
    german = (
        " Verzeichnis von D:\\Scratch\n\n"
        "27.08.2020  15:10    <DIR>          .\n"
        "27.08.2020  15:10               512 OnlineBackup.KEK\n"
        "               1 Datei(en),            512 Bytes\n"
        "               1 Verzeichnis(se), 10.737.418.240 Bytes frei\n"
    )

    listings = _facts("dir.txt", german, ScratchListing)

    assert [(one.path, one.has_key) for one in listings] == [("D:\\Scratch", True)]


def test_a_redacted_credentials_file_is_not_called_damaged() -> None:
    text = (
        "<RSBackupVaultAADCreds><ResourceName>v</ResourceName><ResourceId>1</ResourceId>"
        "<ManagementCert>***REDACTED***</ManagementCert></RSBackupVaultAADCreds>"
    )

    assert [one.damage for one in _facts("v.VaultCredentials", text, VaultCredential)] == [""]


def test_two_tasks_pasted_behind_each_other_are_both_read() -> None:
    one = (
        '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">'
        "<RegistrationInfo><URI>\\Microsoft\\OnlineBackup\\{}</URI></RegistrationInfo></Task>\n"
    )

    rules = _facts("tasks.xml", one.format("a") + one.format("b"), TaskRule)

    assert [rule.path[-1] for rule in rules] == ["a", "b"]


TEXTS = sorted({file.text for told in CASES for file in told.case.files.values() if file.text})
DISTURBED = st.sampled_from(["utf-8", "utf-16", "cp949", "utf-16-be"])


@settings(max_examples=60, deadline=None)
@given(text=st.sampled_from(TEXTS), data=st.data(), encoding=DISTURBED)
def test_no_reader_raises_on_damaged_input(text: str, data: st.DataObject, encoding: str) -> None:
    raw = text.replace("\n", "\r\n").encode(encoding, "replace")
    cut = data.draw(st.integers(0, len(raw)))
    lines = raw[cut:].split(b"\n")
    data.draw(st.randoms(use_true_random=False)).shuffle(lines)
    artefact = from_text("x.txt", raw[:cut] + b"\n".join(lines))

    for reader in READERS:
        if reader.probe.startswith("mars."):
            list(reader.read(artefact))


def test_every_case_of_the_agent_names_its_lines() -> None:
    assert all(artefacts_of(told) or told.case.kind == "missing" for told in CASES)


def _certificate(*, as_pfx: bool) -> str:
    """A certificate as the portal makes it, with or without its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CN=vault1")])
    begins = datetime.fromisoformat("2024-05-01T08:00:00+00:00")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=10))
        .sign(key, hashes.SHA256())
    )
    if not as_pfx:
        return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    return base64.b64encode(
        pkcs12.serialize_key_and_certificates(b"v", key, certificate, None, NoEncryption())
    ).decode()


@pytest.mark.parametrize("as_pfx", [True, False])
def test_the_certificate_in_a_credentials_file_says_when_it_was_issued(*, as_pfx: bool) -> None:
    text = (
        "<RSBackupVaultAADCreds><ResourceName>vault1</ResourceName><ResourceId>1</ResourceId>"
        f"<ManagementCert>{_certificate(as_pfx=as_pfx)}</ManagementCert></RSBackupVaultAADCreds>"
    )

    (found,) = _facts("download.xml", text, VaultCredential)

    assert found.issued == datetime.fromisoformat("2024-05-01T08:00")
    assert found.expires == datetime.fromisoformat("2024-05-11T08:00")
    assert found.damage == ""
