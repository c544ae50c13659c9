"""Which how-to explains the ground that an error or a cause of the doctor comes from."""

from pathlib import Path

_FOLDER = Path(__file__).parent.parent / "docs" / "howto"
# By the module that raises an error; the longest that fits counts.
_OF_MODULES = {
    "agent": "agent",
    "app.agent_install": "agent",
    "app.alert_targets": "alerts",
    "app.answering": "passphrases",
    "app.asking_twice": "people",
    "app.control": "server",
    "app.control.account_errors": "people",
    "app.control.alert_errors": "alerts",
    "app.control.browse_errors": "browse-and-restore",
    "app.control.diagnosing_errors": "doctor",
    "app.control.job_errors": "jobs",
    "app.control.plan_run_errors": "recovery-plans",
    "app.control.policy_errors": "policies",
    "app.control.recovery_errors": "failover",
    "app.control.registration_errors": "register",
    "app.control.replication_errors": "replicate-machines",
    "app.control.step_errors": "people",
    "app.deleting": "retention",
    "app.doctor_errors": "doctor",
    "app.download_errors": "browse-and-restore",
    "app.jobs_errors": "jobs",
    "app.machines_on_server": "server-and-agents",
    "app.other_machine": "restore-on-another-machine",
    "app.planner_files": "plan-replication",
    "app.policies_server": "policies",
    "app.recovery_kit_errors": "server-lost",
    "app.registering_errors": "register",
    "app.replication_errors": "replicate-machines",
    "app.server_errors": "server-and-agents",
    "app.setup_errors": "settings",
    "app.up_errors": "server-and-agents",
    "app.vm_errors": "virtual-machines",
    "base": "install",
    "catalog": "server",
    "cli": "doctor",
    "cli.replication_fleet": "replicate-machines",
    "console": "console",
    "disks": "vm-backup",
    "doctor": "doctor",
    "files": "exclude-files",
    "files.mount": "mount",
    "files.restore": "restore-on-another-machine",
    "fleet": "server",
    "fleet.backup_options": "policies",
    "fleet.credentials_file": "register",
    "fleet.job_errors": "jobs",
    "fleet.local_time": "schedule",
    "fleet.policy_errors": "policies",
    "fleet.schedule_text": "schedule",
    "fleet.windows": "policies",
    "hypervisor": "virtual-machines",
    "machines": "vm-backup",
    "machines.boot_errors": "vm-boot",
    "machines.dead_man": "vm-consistency",
    "machines.extension": "vm-consistency",
    "machines.inside_errors": "vm-restore",
    "machines.overlay_errors": "vm-boot",
    "machines.restore_errors": "vm-restore",
    "recovery": "failover",
    "recovery.checks": "drills",
    "recovery.drills": "drills",
    "recovery.live_errors": "live-failover",
    "recovery.planned_errors": "planned-failover",
    "recovery.plans": "recovery-plans",
    "recovery.trial_errors": "drills",
    "recovery.way_back_errors": "failback",
    "replication": "replicate-machines",
    "replication.link_errors": "sites-and-firewalls",
    "replication.planner": "plan-replication",
    "replication.source_errors": "replication-health",
    "replication.states": "replication-health",
    "storage": "cloud-storage",
    "storage.rest_errors": "gateway",
    "vault": "repair-a-damaged-vault",
    "vault.upkeep_errors": "passphrases",
}
# By the component of a cause; what is not of ours is read from logs that somebody brings.
_OF_COMPONENTS = {
    "agent": "agent",
    "extension": "vm-consistency",
    "files": "exclude-files",
    "freeze": "vm-consistency",
    "qemu-ga": "vm-consistency",
    "recovery": "failover",
    "replication": "replication-health",
    "scratch": "settings",
    "server": "server",
    "vault": "repair-a-damaged-vault",
    "vm": "vm-backup",
    "vm-scratch": "vm-backup",
}


def of_module(module: str) -> str:
    """A sentence with a link, for an error that this module of the product raises."""
    parts = module.removeprefix("holdfast.").split(".")
    names = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return _sentence(next(_OF_MODULES[name] for name in names if name in _OF_MODULES))


def of_component(component: str) -> str:
    return _sentence(_OF_COMPONENTS.get(component, "doctor"))


def named() -> set[str]:
    return {*_OF_MODULES.values(), *_OF_COMPONENTS.values()}


def _sentence(name: str) -> str:
    title = (_FOLDER / f"{name}.md").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    return f"More about it: [{title}](../howto/{name}.md)."
