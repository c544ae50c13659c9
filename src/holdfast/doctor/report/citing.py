"""The documents behind the references of the catalogue: what a tag stands for, and its date."""

from collections.abc import Iterable
from itertools import groupby

# The name of a document is the same in every language.
DOCUMENTS = {
    "GA": "Azure/WALinuxAgent: sources, log messages and issues, 2026-11",
    "VMB": "Azure/azure-linux-extensions: sources of VMBackup and issues, 2026-11",
    "WGA": "Microsoft Learn: Windows guest agent and its logs, 2026-11",
    "VSS": "Microsoft Learn: Windows Server and the VSS API, return values, 2026-11",
    "000": "Site Recovery: VM agent and extension, 2018-11-27",
    "001": "Azure Backup: VM agent and extension, 2017-09-08",
    "002": "Site Recovery: Hyper-V to Azure, 2018-04-09",
    "003": "MARS agent: files and folders, 2019-07-15",
    "004": "Site Recovery: reprotect and failback to VMware, 2018-11-27",
    "B1": "azure-docs backup: backup-support-matrix-mars-agent, 2019-08",
    "B2": "azure-docs backup: backup-support-matrix-iaas, 2019-07",
    "B3": "azure-docs backup: backup-support-matrix, 2023-08",
    "B4": "azure-docs backup: backup-azure-backup-faq, 2026-01",
    "B5": "azure-docs backup: backup-azure-file-folder-backup-faq, 2023-08",
    "B6": "azure-docs backup: backup-azure-vm-backup-faq, 2022-03",
    "B7": "azure-docs backup: backup-architecture, 2019-02",
    "B8": "azure-docs backup: backup-azure-vms-introduction, 2019-03",
    "B9": "azure-docs backup: backup-instant-restore-capability, 2023-07",
    "B10": "azure-docs backup: backup-azure-vms-enhanced-policy, 2021-11",
    "B11": "azure-docs backup: backup-azure-security-feature-cloud, 2020-04",
    "B12": "azure-docs backup: backup-azure-enhanced-soft-delete-about, 2022-11",
    "B13": "azure-docs backup: backup-azure-immutable-vault-concept, 2025-06",
    "B14": "azure-docs backup: multi-user-authorization-concept, 2023-09",
    "B15": "azure-docs backup: backup-azure-security-feature, 2023-03",
    "B16": "azure-docs backup: backup-rbac-rs-vault, 2021-03",
    "B17": "azure-docs backup: backup-azure-monitoring-alerts, 2024-11",
    "B18": "azure-docs backup: backup-windows-with-mars-agent, 2023-08",
    "B19": "azure-docs backup: backup-azure-manage-mars, 2019-10",
    "B20": "azure-docs backup: about-restore-microsoft-azure-recovery-services, 2024-09",
    "B21": "azure-docs backup: backup-azure-restore-windows-server, 2017-08",
    "B22": "azure-docs backup: backup-azure-restore-files-from-vm, 2019-03",
    "B23": "azure-docs backup: backup-azure-vm-file-recovery-troubleshoot, 2020-07",
    "B24": "azure-docs backup: about-azure-vm-restore, 2020-05",
    "B25": "azure-docs backup: selective-disk-backup-restore, 2020-07",
    "B26": "azure-docs backup: backup-azure-linux-app-consistent, 2024-04",
    "B27": "azure-docs backup: backup-azure-troubleshoot-slow-backup-performance-issue, 2016-07",
    "B28": "azure-docs backup: backup-azure-vms-troubleshoot, 2022-06",
    "B29": "azure-docs backup: backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout, 2018-01",
    "B30": "azure-docs backup: backup-azure-mars-troubleshoot, 2019-07",
    "B31": "azure-docs backup: backup-azure-mabs-troubleshoot, 2017-06",
    "B32": "azure-docs backup: backup-azure-system-state-troubleshoot, 2025-04",
    "A1": "azure-docs site-recovery: hyper-v-azure-architecture, 2018-02",
    "A2": "azure-docs site-recovery: hyper-v-azure-support-matrix, 2018-08",
    "A3": "azure-docs site-recovery: hyper-v-azure-troubleshoot, 2018-11",
    "A4": "azure-docs site-recovery: hyper-v-azure-tutorial, 2022-12",
    "A5": "azure-docs site-recovery: hyper-v-azure-common-questions, 2024-12",
    "A6": "azure-docs site-recovery: hyper-v-deployment-planner-run, 2026-01",
    "A7": "azure-docs site-recovery: hyper-v-deployment-planner-analyze-report, 2019-10",
    "A8": "azure-docs site-recovery: hyper-v-azure-failback, 2018-11",
    "A9": "azure-docs site-recovery: failover-failback-overview, 2021-06",
    "A10": "azure-docs site-recovery: site-recovery-failover, 2016-03",
    "A11": "azure-docs site-recovery: site-recovery-test-failover-to-azure, 2018-10",
    "A12": "azure-docs site-recovery: site-recovery-monitor-and-troubleshoot, 2018-02",
    "A13": "azure-docs site-recovery: recovery-plan-overview, 2020-01",
    "A14": "azure-docs site-recovery: site-recovery-create-recovery-plans, 2018-10",
    "A15": "azure-docs site-recovery: site-recovery-runbook-automation, 2018-07",
    "A16": "azure-docs site-recovery: concepts-types-of-failback, 2019-05",
    "A17": "azure-docs site-recovery: vmware-azure-prepare-failback, 2019-12",
    "A18": "azure-docs site-recovery: azure-to-azure-architecture, 2019-03",
    "A19": "azure-docs site-recovery: azure-to-azure-common-questions, 2025-07",
    "A20": "azure-docs site-recovery: azure-to-azure-how-to-reprotect, 2018-05",
    "A21": "azure-docs site-recovery: azure-to-azure-network-mapping, 2018-11",
    "A22": "azure-docs site-recovery: concepts-on-premises-to-azure-networking, 2022-07",
    "A23": "azure-docs site-recovery: concepts-azure-to-azure-high-churn-support, 2026-01",
    "A24": "azure-docs site-recovery: vmware-physical-azure-support-matrix",
    "A25": "azure-docs site-recovery: vmware-azure-set-up-replication, 2018-03",
    "A26": "azure-docs site-recovery: vmware-azure-common-questions, 2019-11",
    "A27": "azure-docs site-recovery: site-recovery-plan-capacity-vmware, 2017-02",
    "A28": "azure-docs site-recovery: vmware-physical-azure-troubleshoot-process-server, 2019-09",
    "A29": "azure-docs site-recovery: vmware-azure-troubleshoot-replication, 2018-12",
    "A30": "azure-docs site-recovery: vmware-azure-troubleshoot-push-install, 2019-09",
    "A31": "azure-docs site-recovery: vmware-azure-troubleshoot-configuration-server, 2018-12",
    "A32": "azure-docs site-recovery: azure-to-azure-troubleshoot-errors, 2018-11",
    "A33": "azure-docs site-recovery: azure-to-azure-troubleshoot-network-connectivity, 2024-05",
    "A34": "azure-docs site-recovery: azure-to-azure-troubleshoot-replication, 2025-04",
    "A35": "azure-docs site-recovery: site-recovery-failover-to-azure-troubleshoot, 2023-08",
    "A36": "azure-docs site-recovery: site-recovery-faq, 2021-05",
    "A37": "azure-docs site-recovery: site-recovery-role-based-linked-access-control",
    "K1": "SupportArticles-docs: manage-protection-network-bandwidth-usage, KB 3056159",
    "K2": "SupportArticles-docs: protected-vm-resync-state, KB 3094171",
    "K3": "SupportArticles-docs: vault-registration-fails, KB 3093574",
    "K5": "SupportArticles-docs: backup-service-mars-agent-versions-not-match, KB 4096064",
    "H1": "altaro.com: How to check Hyper-V Replica health, part 2",
    "H2": "Microsoft virtualization blog: Interpreting Replication Health, 2012",
    "H4": "learn.microsoft.com: Msvm_ComputerSystem",
    "W1": "Azure blog: process server health thresholds",
}


def cite(refs: Iterable[str]) -> str:
    """References with the documents they point into: 003:L44, 003:L45 (MARS agent …)."""
    once = dict.fromkeys(refs)
    return "; ".join(
        _named(document, list(group)) for document, group in groupby(once, key=document_of)
    )


def document_of(ref: str) -> str:
    """The document of a reference; "" for one that names it itself, as an issue does."""
    return DOCUMENTS.get(ref.partition(":")[0].strip(), "")


def _named(document: str, refs: list[str]) -> str:
    joined = ", ".join(refs)
    return f"{joined} ({document})" if document else joined
