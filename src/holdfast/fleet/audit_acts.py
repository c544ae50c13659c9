"""What the acts of the audit log are called; the log itself holds their codes."""

from collections.abc import Mapping
from types import MappingProxyType

from holdfast.base.texts import N_, _
from holdfast.fleet.roles import Right, Scope

ACTS: Mapping[str, str] = MappingProxyType(
    {
        "account-add": N_("Add an account"),
        "account-change": N_("Change an account"),
        "account-delete": N_("Delete an account"),
        "account-locked": N_("Lock an account after wrong passwords"),
        "alert-close": N_("Close an alert"),
        "alert-suppress": N_("Silence alerts"),
        "alert-target-add": N_("Add an alert target"),
        "alert-target-remove": N_("Remove an alert target"),
        "alert-unsuppress": N_("End a silence"),
        "approval-approve": N_("Approve an act"),
        "approval-ask": N_("Ask for an approval"),
        "approval-refuse": N_("Refuse an approval"),
        "assignment-change": N_("Change an assignment"),
        "certificate-renew": N_("Renew a certificate"),
        "credentials-issue": N_("Issue vault credentials"),
        "drill": N_("Do a drill"),
        "gateway-delete": N_("Delete stored files"),
        "grant": N_("Give somebody a role"),
        "grant-revoke": N_("Take a role away"),
        "job": N_("Order a job"),
        "job-cancel": N_("Cancel a job"),
        "lease": N_("Take a lease"),
        "login": N_("Log in"),
        "logout": N_("Log out"),
        "machine-activate": N_("Activate a machine"),
        "machine-delete": N_("Delete a machine with all its points"),
        "machine-limit": N_("Limit a machine"),
        "machine-register": N_("Register a machine"),
        "machine-register-again": N_("Register a machine again"),
        "machine-rename": N_("Rename a machine"),
        "machine-renamed": N_("Call itself by another name"),
        "machine-replace": N_("Put a machine in the place of another"),
        "machine-reset-key": N_("Let a machine come with another key"),
        "machine-revoke": N_("Revoke a machine"),
        "machine-undelete": N_("Undelete a machine"),
        "machine-unregister": N_("Unregister a machine"),
        "password-change": N_("Change a password"),
        "password-check": N_("Show who one is by the password"),
        "pin-made": N_("Ask for a security PIN"),
        "plan-answer": N_("Answer a recovery plan"),
        "plan-put": N_("Save a recovery plan"),
        "plan-remove": N_("Remove a recovery plan"),
        "plan-run": N_("Run a recovery plan"),
        "plan-webhook": N_("Call a webhook of a recovery plan"),
        "point-download": N_("Download from a point"),
        "points-unlock": N_("Unlock points for looking into them"),
        "policy-attach": N_("Assign a policy"),
        "policy-change": N_("Change a policy"),
        "policy-create": N_("Create a policy"),
        "policy-delete": N_("Delete a policy"),
        "policy-detach": N_("End an assignment"),
        "reader-allow": N_("Let a machine read the points of another"),
        "reader-end": N_("End the reading of another machine's points"),
        "recovery": N_("Take a step of a failover"),
        "registration-refused": N_("Register with what does not fit"),
        "replica-delete": N_("Remove a replica with all its points"),
        "replication-end": N_("End a replication"),
        "replication-grant": N_("Let a machine replicate to a site"),
        "replication-move": N_("Move a replication to another host"),
        "report-drop": N_("Remove a kept report"),
        "report-keep": N_("Hand over a report"),
        "repository-purged": N_("Purge a repository"),
        "retention-shorten": N_("Keep points for less time"),
        "site-add": N_("Add a site"),
        "site-remove": N_("Remove a site"),
        "token-add": N_("Make a token"),
        "token-revoke": N_("Revoke a token"),
        "trash-undelete": N_("Undelete what lies in the trash"),
        "vault-change": N_("Change a vault"),
        "vault-create": N_("Create a vault"),
        "vault-delete": N_("Delete a vault"),
        "vault-purge": N_("Order a vault to be purged"),
        "vault-purged": N_("Purge a vault"),
        "vault-undelete": N_("Undelete a vault"),
        "vault-weaken": N_("Weaken the protection of a vault"),
    }
)
# What was refused is noted by the right that was missing, or by what did not fit.
REFUSED: Mapping[str, str] = MappingProxyType(
    {
        Right.READ: N_("Look into a vault"),
        Right.RUN_JOBS: N_("Order jobs"),
        Right.CANCEL_JOBS: N_("Cancel jobs"),
        Right.RESTORE: N_("Restore"),
        Right.REGISTER: N_("Register machines"),
        Right.UNREGISTER: N_("Unregister machines"),
        Right.CHANGE_POLICIES: N_("Change policies"),
        Right.DELETE_DATA: N_("Delete data"),
        Right.UNDELETE: N_("Undelete data"),
        Right.CHANGE_PROTECTION: N_("Change a protection"),
        Right.MANAGE_SITES: N_("Manage sites"),
        Right.HANDLE_ALERTS: N_("Handle alerts"),
        Right.DECIDE_APPROVALS: N_("Decide on approvals"),
        Right.READ_AUDIT: N_("Read the audit log"),
        Right.DELETE_VAULT: N_("Delete a vault"),
        Right.GRANT_ACCESS: N_("Give access"),
        Right.CREATE_VAULT: N_("Create a vault"),
        Right.MANAGE_ACCOUNTS: N_("Manage accounts"),
        # What only machines do, only their owner, and only who asked for something.
        Scope.ALL: N_("Change an account of one's own"),
        "activate": N_("Activate a machine"),
        "approval-own": N_("Decide on an approval of one's own"),
        "assignments": N_("Ask for assignments"),
        "leave": N_("Leave a vault"),
        "read-grant": N_("Read the points of another machine"),
        "renew": N_("Renew a certificate"),
        "replication": N_("Ask for replications"),
        "report": N_("Report on a job"),
        "tell-points": N_("Tell of points"),
        "tell-replications": N_("Tell of replications"),
        "tell-vms": N_("Tell of virtual machines"),
        "write": N_("Write into a repository"),
    }
)


def act_text(act: str) -> str:
    """What a newer server has besides is shown as it is."""
    words = ACTS.get(act) or REFUSED.get(act)
    return _(words) if words else act


def act_shown(act: str) -> str:
    """With the code, which is what people search and ask for."""
    words = act_text(act)
    return act if words == act else f"{words} ({act})"
