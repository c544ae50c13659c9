"""Site Recovery, Hyper-V, failback: the sources' order of causes, and what people type."""

import pytest

from holdfast.doctor.loading import load
from holdfast.doctor.matching import notes_for, symptoms_for

# The order of the source documents; what follows it is ours.
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
    "vmware.95226": [
        "vmware.config-server-unreachable",
        "vmware.application-service-stopped",
    ],
    "vmware.78052": ["vmware.name-taken"],
    "vmware.78093": ["vmware.vm-not-running"],
    "vmware.8061": ["vmware.datastore-inaccessible"],
    "vmware.8038": ["vmware.host-memory-short"],
    "vmware.no-datastore-listed": ["vmware.read-only-account"],
    "vmware.network-manager-missing": ["vmware.network-manager-removed"],
    "vmware.address-changed": ["vmware.dhcp-after-failback"],
    "vmware.free-esxi": ["vmware.free-licence"],
    "vmware.process-server-not-connected": ["vmware.process-server-disconnected"],
    "vmware.2008r2-physical": ["vmware.windows-2008r2-physical"],
    "vmware.no-failback": [
        "vmware.migrated",
        "vmware.moved",
        "vmware.replica-deleted",
        "vmware.protection-disabled",
        "vmware.created-by-hand",
        "vmware.unsupported-target",
    ],
    "hyperv.enable-protection": [
        "hyperv.requirements-unmet",
        "hyperv.vmm-unprepared",
        "hyperv.vmms-stopped",
        "hyperv.enable-failed",
        "hyperv.wmi-broken",
        "hyperv.integration-services-old",
    ],
    "hyperv.70094": [
        "hyperv.requirements-unmet",
        "hyperv.vmm-unprepared",
        "hyperv.vmms-stopped",
        "hyperv.enable-failed",
        "hyperv.wmi-broken",
        "hyperv.integration-services-old",
    ],
    "hyperv.replication-failing": [
        "hyperv.provider-outdated",
        "hyperv.paused",
        "hyperv.vmms-stopped",
        "hyperv.recovery-agent-stopped",
        "hyperv.provider-stopped",
        "hyperv.wmi-broken",
        "hyperv.vmm-service-stopped",
        "hyperv.agent-not-sending",
        "hyperv.blob-unreachable",
        "hyperv.bandwidth-throttled",
    ],
    "hyperv.performance": [
        "hyperv.bandwidth-throttled",
        "hyperv.bandwidth-short",
        "hyperv.churn-high",
        "hyperv.resync-required",
        "hyperv.hrl-too-big",
        "hyperv.paused",
    ],
    "hyperv.critical": ["hyperv.paused", "hyperv.host-not-registered"],
    "hyperv.app-consistent-guest": [
        "hyperv.integration-services-old",
        "vss.service-stopped",
        "vss.writer-failed",
        "vss.dynamic-disk",
        "hyperv.iscsi-disk",
        "hyperv.backup-integration-off",
        "vss.other-backup-running",
        "hyperv.churn-high",
        "hyperv.bandwidth-short",
    ],
    "hyperv.app-consistent-host": [
        "hyperv.vss-set-failed",
        "hyperv.integration-services-old",
        "hyperv.backup-integration-off",
        "hyperv.requestor-down",
    ],
    "hyperv.0x800700EA": ["vss.other-backup-running", "vss.dynamic-disk"],
    "hyperv.0x80070032": ["hyperv.requestor-mismatch", "hyperv.integration-services-old"],
    "hyperv.dra-registered": ["hyperv.registered-elsewhere"],
    "hyperv.acs50008": ["hyperv.clock-off"],
}
# What people see, and the symptom it is.
SEEN = [
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
    ("95226", "vmware.95226"),
    ("Azure 가상 컴퓨터가 온-프레미스 구성 서버에 연결하지 못했기 때문에", "vmware.95226"),
    ("error code 78052", "vmware.78052"),
    ("가상 머신에 대한 보호를 완료할 수 없습니다.", "vmware.78052"),
    ("78093", "vmware.78093"),
    ("VM이 실행 중이지 않거나, 응답하지 않거나, 액세스할 수 없습니다.", "vmware.78093"),
    ("8061", "vmware.8061"),
    ("데이터 저장소가 ESXi 호스트에서 액세스할 수 없습니다.", "vmware.8061"),
    ("8038", "vmware.8038"),
    ("오류로 인해 온-프레미스 가상 머신을 불러오지 못했습니다.", "vmware.8038"),
    ("The datastores are not listed during reprotect", "vmware.no-datastore-listed"),
    ("NetworkManager was removed after failback", "vmware.network-manager-missing"),
    ("the static IP was lost, it uses DHCP", "vmware.address-changed"),
    ("RestrictedVersion", "vmware.free-esxi"),
    (
        "process server cannot connect to configuration server",
        "vmware.process-server-not-connected",
    ),
    ("the VM can't fail back", "vmware.no-failback"),
    ("장애 복구(failback)를 수행할 수 없습니다", "vmware.no-failback"),
    ("0x800700EA", "hyperv.0x800700EA"),
    ("2147942634", "hyperv.0x800700EA"),
    ("-2147024662", "hyperv.0x800700EA"),
    ("0x80070032", "hyperv.0x80070032"),
    ("70094", "hyperv.70094"),
    ("31389", "hyperv.70094"),
    ("ACS50008", "hyperv.acs50008"),
    ("The DRA server is already registered in vault X", "hyperv.dra-registered"),
    ("enable protection issues", "hyperv.enable-protection"),
    ("복제 문제", "hyperv.replication-failing"),
    ("심각한 복제 상태", "hyperv.critical"),
    ("재동기화가 필요합니다: 다시 동기화 필요", "hyperv.resync"),
    ("앱 일치 스냅숏 문제", "hyperv.app-consistent-guest"),
    (
        "Hyper-V가 가상 머신에 대한 VSS 스냅숏 집합을 생성하지 못했습니다",
        "hyperv.app-consistent-host",
    ),
]
NOTES = [
    ("vacp.log", "asr.agent-logs"),
    ("tmansvc", "asr.process-server-services"),
    ("10003", "asr.vacp-codes"),
    ("cxps.err", "asr.server-logs"),
    ("6008", "asr.unexpected-shutdown"),
    ("reprotect", "vmware.phases"),
    ("master target", "vmware.master-target"),
    ("hostd.log", "vmware.logs"),
    ("HRL", "hyperv.hrl"),
    ("DIAG_ASRHyperV_global.DiagCab", "hyperv.collecting"),
    ("deployment planner", "hyperv.planner"),
    ("18210", "hyperv.sql-18210"),
    ("분석 및 디버그 로그", "hyperv.analytic-log"),
]


@pytest.mark.parametrize(("symptom", "ordered"), ORDERED.items(), ids=str)
def test_causes_stand_in_the_order_of_the_source(symptom: str, ordered: list[str]) -> None:
    causes = load().symptoms[symptom].causes

    assert list(causes[: len(ordered)]) == ordered


@pytest.mark.parametrize(("asked", "symptom"), SEEN)
def test_what_people_see_leads_to_its_symptom(asked: str, symptom: str) -> None:
    assert symptom in symptoms_for(load(), asked)


@pytest.mark.parametrize(("asked", "note"), NOTES)
def test_what_is_no_symptom_is_a_note(asked: str, note: str) -> None:
    assert note in notes_for(load(), asked)
