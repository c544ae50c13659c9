"""The two source documents on Azure VMs: their orders, their codes, and readers on odd input."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.doctor.artefacts import from_text
from holdfast.doctor.facts import Process, Service, Volume
from holdfast.doctor.linux_facts import HandlerSeen, ProcessList
from holdfast.doctor.loading import load
from holdfast.doctor.matching import is_ours, notes_for, symptoms_for
from holdfast.doctor.readers.azure_json import read_status
from holdfast.doctor.readers.azure_linux import read_conf, read_handler_state
from holdfast.doctor.readers.linux_network import read_routes, read_trials
from holdfast.doctor.readers.linux_packages import read_versions
from holdfast.doctor.readers.linux_services import read_processes, read_services
from holdfast.doctor.readers.linux_storage import (
    read_df,
    read_disks,
    read_load,
    read_memory,
    read_mounts,
)
from holdfast.doctor.reading import recognise

NET, AGW, AGL = "azure-vm.no-network", "windows-agent.unresponsive", "waagent.outdated"
SNP, EXT = "azure-vm.snapshot-not-possible", "azure-vm.extension-not-loaded"
CASES = Path(__file__).parents[2] / "cases" / "doctor"
READERS = (
    read_status,
    read_conf,
    read_handler_state,
    read_routes,
    read_trials,
    read_versions,
    read_processes,
    read_services,
    read_df,
    read_disks,
    read_load,
    read_memory,
    read_mounts,
)


@pytest.mark.parametrize(
    ("asked", "causes"),
    [
        ("151076", (AGW, AGL, EXT)),
        ("150066", (AGW, AGL, EXT)),
        ("151099", (AGW, AGL)),
        ("151095", (AGL,)),
        ("UserErrorGuestAgentStatusUnavailable", (NET, AGW, AGL, SNP, EXT)),
        ("ExtensionSnapshotFailedNoNetwork", (NET, SNP, EXT)),
        ("ExtensionOperationFailedForManagedDisks", (SNP, EXT, NET, AGW, AGL)),
        ("GuestAgentSnapshotTaskStatusError", (AGW, AGL, NET)),
        ("BackUpOperationFailedV2", (NET, AGW, AGL, SNP, EXT)),
        ("UserErrorUnsupportedDiskSize", ("azure-vm.disk-too-large",)),
        ("시스템 리소스 부족", ("azure-vm.low-memory",)),
        ("VMSnapshot 확장 작업이 실패했습니다.", (SNP, EXT, NET, AGW, AGL)),
        ("내부 오류가 발생하여 백업하지 못했습니다.", (NET, AGW, AGL, SNP, EXT)),
        ("네트워크 연결이 없으므로 스냅숏 작업이 실패했습니다.", (NET, SNP, EXT)),
        ("VM 에이전트를 Azure Backup과 통신할 수 없음", (NET, AGW, AGL, SNP, EXT)),
    ],
)
def test_causes_stand_in_the_order_of_the_source(asked: str, causes: tuple[str, ...]) -> None:
    catalogue = load()

    found = symptoms_for(catalogue, asked)

    assert catalogue.symptoms[found[0]].causes == causes


def test_one_text_belongs_to_three_codes_but_each_code_to_one_symptom() -> None:
    codes = ("151076", "151099", "151095")
    found = {
        code: [name for name in symptoms_for(load(), code) if not is_ours(load(), name)]
        for code in codes
    }

    assert all(len(names) == 1 for names in found.values())
    assert len({names[0] for names in found.values()}) == len(found)


@pytest.mark.parametrize(
    "asked",
    [
        "/var/log/azure",
        "Logs.Verbose",
        "iaasvmprovider",
        "USEVSSCOPYBACKUP",
        "168.63.129.16",
        "8443",
    ],
)
def test_what_is_no_symptom_is_found_as_a_note(asked: str) -> None:
    assert notes_for(load(), asked)


@given(st.binary(max_size=400))
def test_readers_take_any_bytes(raw: bytes) -> None:
    artefact = from_text("status/0.status", raw)

    for read in READERS:
        list(read(artefact))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp949"])
@pytest.mark.parametrize("cut", [0, 1, 7, 60, 333])
def test_readers_take_cut_and_recoded_files(encoding: str, cut: int) -> None:
    text = (
        CASES / "azure-vm" / "HandlerStatus"
    ).read_text() + "가용 메모리\r\nMem: 1 2 3 4 5 6\r\n"
    artefact = from_text("x-1.0/config/HandlerStatus", text.encode(encoding)[cut:-1])

    for read in READERS:
        list(read(artefact))


@pytest.mark.parametrize(
    "line",
    [
        "2015/10/21 12:00:00 Azure Linux Agent Version: WALinuxAgent-2.0.16",
        "2015/09/20 14:00:52 ERROR:HTTP Err: response is empty from 168.63.129.16",
        "2018/01/02 03:04:05.678901 INFO Wire server endpoint:168.63.129.16",
        "2019/07/22 12:36:56.449403 ERROR ExtHandler HostGAPlugin: Exception Get API versions",
        "2023-01-02T03:04:05.678901Z INFO ExtHandler ExtHandler Fetch goal state completed",
        "2023-01-02T03:04:05.678901Z INFO MonitorHandler ExtHandler Wire server endpoint:x",
        "Apr 13 14:56:36 vm waagent[715]: 2019/04/13 14:56:36.533114 WARNING ExtHandler Fetch failed",
        "Nov  2 02:00:29 python: 2017/11/02 03:00:29.408051 INFO [HTTP Retry] Attempt 2 of 3: timed out",
        "waagent.log.1:17:2023-01-02T03:04:05.678901Z WARNING Daemon Daemon No route exists",
    ],
)
def test_all_generations_of_the_agents_log_are_recognised(line: str) -> None:
    layout = recognise(from_text("pasted", line)).layout

    assert layout is not None
    assert layout.stream == "linux.waagent.log"
    head = layout.head(line)
    assert head is not None
    assert layout.when(head) is not None


def test_a_compressed_generation_is_that_log() -> None:
    log = (CASES / "waagent" / "healthy-waagent.log").read_bytes()

    layout = recognise(from_text("waagent.log.2.gz", gzip.compress(log))).layout

    assert layout is not None
    assert layout.stream == "linux.waagent.log"


@pytest.mark.parametrize(
    "line",
    [
        "2016/12/10 01:11:00 [Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0]2016-12-10 01:11:00.5  Info  x",
        "2017/11/14 03:06:52 [Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0]T:S thaw result",
        "2024-01-14 22:16:48.792020 [Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0]PreSnapshot",
        "2019-11-23 21:11:18.333008  Info  T:S freeze, timeout value 60",
        "2021/02/26 09:41:45.748281  Info  Retry to aquire lock count: 1",
    ],
)
def test_all_layouts_of_the_extensions_log_are_recognised(line: str) -> None:
    layout = recognise(from_text("pasted", line)).layout

    assert layout is not None
    assert layout.stream == "linux.azure.extension.log"


def test_a_program_that_logs_like_the_old_agent_is_not_taken_for_it() -> None:
    layout = recognise(from_text("app.log", "2023/01/02 03:04:05 listening on :8080\n" * 9)).layout

    assert layout is None or layout.stream != "linux.waagent.log"


def test_df_counts_in_the_unit_of_its_heading_and_joins_wrapped_lines() -> None:
    listing = (
        "Filesystem           1M-blocks      Used Available Use% Mounted on\n"
        "/dev/mapper/rootvg-rootlv\n                         30000     15000     15000  50% /\n"
    )

    (volume,) = read_df(from_text("df.txt", listing))

    assert isinstance(volume, Volume)
    assert volume.size == 30000 << 20
    assert volume.free_ratio == 0.5


def test_ps_shows_the_agent_and_whether_it_shows_everything() -> None:
    listing = (
        "UID          PID    PPID  C STIME TTY          TIME CMD\n"
        "root           1       0  0 02:00 ?        00:00:03 /sbin/init\n"
        "root         812       1  0 02:00 ?        00:00:09 /usr/bin/python3 -u /usr/sbin/waagent -daemon\n"
        "azureuser    915     900  0 02:10 pts/0    00:00:00 ps -ef\n"
    )

    facts = list(read_processes(from_text("ps.txt", listing)))

    assert [one.pid for one in facts if isinstance(one, Process)] == [1, 812, 915]
    assert [one.complete for one in facts if isinstance(one, ProcessList)] == [True]


def test_systemctl_is_read_by_its_fields_not_by_its_presets() -> None:
    listing = (
        "* waagent.service - Azure Linux Agent\r\n"
        "   Loaded: loaded (/usr/lib/systemd/system/waagent.service; enabled; vendor preset: disabled)\r\n"
        "   Active: activating (auto-restart) (Result: exit-code) since Thu 2023-05-04; 2s ago\r\n"
    )

    (service,) = read_services(from_text("status.txt", listing))

    assert isinstance(service, Service)
    assert (service.state, service.start) == ("restarting", "automatic")


def test_a_state_word_is_the_same_with_and_without_a_blank() -> None:
    documents = [
        {"handlerName": "A.B", "status": "NotReady", "code": 0},
        {"type": "A.B", "typeHandlerVersion": "1.0", "status": {"displayStatus": "Not Ready"}},
    ]

    found = list(read_status(from_text("x.json", json.dumps(documents))))

    assert [one.state for one in found if isinstance(one, HandlerSeen)] == ["notready", "notready"]
