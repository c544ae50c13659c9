"""Every module with pages; importing it makes its pages known."""

import importlib

MODULES = (
    "overview_page",
    "safety_page",
    "problems_page",
    "start_page",
    "machines_page",
    "machine_page",
    "vms_page",
    "vm_page",
    "vaults_page",
    "vault_page",
    "points_page",
    "point_page",
    "policies_page",
    "policy_page",
    "browse_page",
    "restore_page",
    "replications_page",
    "replication_page",
    "sites_page",
    "recovery_page",
    "failover_page",
    "failover_wizard",
    "plans_page",
    "plan_page",
    "plan_run_page",
    "drills_page",
    "drill_page",
    "jobs_page",
    "job_page",
    "doctor_page",
    "alerts_page",
    "alert_page",
    "audit_page",
    "accounts_page",
    "approvals_page",
    "account_page",
    "reports_page",
    "report_week_page",
    "report_capacity_page",
    "lost_page",
)


def import_pages() -> None:
    for name in MODULES:
        importlib.import_module(f"holdfast.console.{name}")
