"""The parts of the console, in the order people look for them."""

from dataclasses import dataclass

from holdfast.base.texts import N_


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    key: str
    label: str
    path: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    label: str
    sections: tuple[Section, ...]


NAVIGATION = (
    Group(
        label="",
        sections=(
            Section(key="overview", label=N_("Overview"), path="/", icon="verified_user"),
            Section(key="start", label=N_("Get started"), path="/start", icon="flag"),
        ),
    ),
    Group(
        label=N_("Protect"),
        sections=(
            Section(key="machines", label=N_("Machines"), path="/machines", icon="dns"),
            Section(key="vms", label=N_("Virtual machines"), path="/vms", icon="desktop_windows"),
            Section(key="vaults", label=N_("Vaults"), path="/vaults", icon="inventory_2"),
            Section(key="policies", label=N_("Policies"), path="/policies", icon="event_repeat"),
            Section(
                key="restore", label=N_("Restore"), path="/restore", icon="settings_backup_restore"
            ),
        ),
    ),
    Group(
        label=N_("Recover"),
        sections=(
            Section(
                key="replications", label=N_("Replication"), path="/replications", icon="sync_alt"
            ),
            Section(key="sites", label=N_("Sites"), path="/sites", icon="hub"),
            Section(key="recovery", label=N_("Failover"), path="/recovery", icon="swap_horiz"),
            Section(key="plans", label=N_("Recovery plans"), path="/plans", icon="account_tree"),
            Section(key="drills", label=N_("Drills"), path="/drills", icon="fact_check"),
        ),
    ),
    Group(
        label=N_("Operate"),
        sections=(
            Section(key="jobs", label=N_("Jobs"), path="/jobs", icon="list_alt"),
            Section(key="alerts", label=N_("Alerts"), path="/alerts", icon="notifications"),
            Section(key="doctor", label=N_("Doctor"), path="/doctor", icon="healing"),
            Section(key="reports", label=N_("Reports"), path="/reports", icon="summarize"),
        ),
    ),
    Group(
        label=N_("Administer"),
        sections=(
            Section(key="accounts", label=N_("Accounts"), path="/accounts", icon="group"),
            Section(key="approvals", label=N_("Approvals"), path="/approvals", icon="how_to_reg"),
            Section(key="audit", label=N_("Audit"), path="/audit", icon="history"),
        ),
    ),
)
