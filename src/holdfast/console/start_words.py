"""What each of the first steps is called, why it is worth doing, and where it is done."""

from dataclasses import dataclass

from holdfast.app.control.first_steps import Step
from holdfast.base.texts import N_


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    title: str
    text: str
    # The page where it is done, and what the way there is called.
    action: str
    href: str
    # The same at a command line, on the machine it is about.
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    title: str
    text: str
    steps: tuple[Step, ...]


CHAPTERS = (
    Chapter(
        title=N_("Protect this machine"),
        text=N_(
            "A vault holds recovery points, a policy says when they are made and how long kept."
        ),
        steps=(Step.VAULT, Step.MACHINE, Step.POLICY, Step.POINT, Step.PROOF),
    ),
    Chapter(
        title=N_("Protect its virtual machines"),
        text=N_("Whole machines, from outside, by what changed since the last time."),
        steps=(Step.VMS,),
    ),
    Chapter(
        title=N_("Add a site"),
        text=N_("Another host follows your machines, minutes behind, and takes over when it must."),
        steps=(Step.SECOND_MACHINE, Step.SITE, Step.REPLICATION, Step.DRILL),
    ),
)

WORDS = {
    Step.VAULT: Words(
        title=N_("Make a vault"),
        text=N_("A folder on another disk, or a place in the cloud: s3://, az://, gs://."),
        action=N_("To the vaults"),
        href="/vaults",
    ),
    Step.MACHINE: Words(
        title=N_("Register a machine"),
        text=N_("With a file of credentials, which is good for 48 hours. Its key stays with it."),
        action=N_("To the machines"),
        href="/machines",
        commands=("holdfast register --credentials FILE", "holdfast agent install"),
    ),
    Step.POLICY: Words(
        title=N_("Say what is protected"),
        text=N_("Every night, kept for days, weeks, months and years, checked by itself."),
        action=N_("To the policies"),
        href="/policies",
    ),
    Step.POINT: Words(
        title=N_("Make the first recovery point"),
        text=N_("Tonight by itself, or now."),
        action=N_("Choose a machine and back up now"),
        href="/machines",
    ),
    Step.PROOF: Words(
        title=N_("Prove that it comes back"),
        text=N_(
            "A backup that was never restored is a hope. Restore one file, beside the original."
        ),
        action=N_("Restore something"),
        href="/restore",
    ),
    Step.VMS: Words(
        title=N_("Protect virtual machines"),
        text=N_("A host with libvirt tells of its machines by itself; choose which are protected."),
        action=N_("To the virtual machines"),
        href="/vms",
    ),
    Step.SECOND_MACHINE: Words(
        title=N_("Register a second host"),
        text=N_("In another room at least, better in another building."),
        action=N_("To the machines"),
        href="/machines",
        commands=("holdfast register --credentials FILE", "holdfast agent install"),
    ),
    Step.SITE: Words(
        title=N_("Make it a site"),
        text=N_("A folder with room for a copy of each machine and some days of its changes."),
        action=N_("To the sites"),
        href="/sites",
    ),
    Step.REPLICATION: Words(
        title=N_("Replicate a machine"),
        text=N_("Every 30 seconds, 5 or 15 minutes: that is how much may be lost."),
        action=N_("To the replications"),
        href="/replications",
    ),
    Step.DRILL: Words(
        title=N_("Pass a drill"),
        text=N_("The copy is started in isolation, checked and cleaned up; nobody notices."),
        action=N_("To the drills"),
        href="/drills",
    ),
}
