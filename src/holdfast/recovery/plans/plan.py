"""A recovery plan: groups in their order, machines with what they need, actions around them.

docs/recovery-plan-format.md is for those who write one; `reading` makes these values of a file.
"""

from enum import StrEnum

import msgspec

from holdfast.recovery.address_rules import AddressRule

VERSION = 1
MOST_GROUPS = 50
MOST_MACHINES = 500

ACTION_SECONDS = 5 * 60
CONFIRM_SECONDS = 4 * 60 * 60
START_SECONDS = 30 * 60
# Nothing of a plan lasts longer; a sum of moments beyond would be no date any more.
LONGEST_SECONDS = 366 * 24 * 60 * 60
LATEST = "latest"


class Kind(StrEnum):
    """How a plan is run."""

    TEST = "test"
    PLANNED = "planned"
    UNPLANNED = "unplanned"


class OnFailure(StrEnum):
    # Nothing new begins; what is under way ends.
    STOP = "stop"
    # As though it had not been in the plan; what needs a machine that is not up is left out.
    GO_ON = "go-on"
    # A person says: again, go on, or stop.
    ASK = "ask"


class ActionKind(StrEnum):
    SCRIPT = "script"
    # One that the host's own administrator has put there, by its name.
    HOST_SCRIPT = "host-script"
    GUEST_SCRIPT = "guest-script"
    WEBHOOK = "webhook"
    CONFIRM = "confirm"


class Action(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`does` is a command line, a name, what a guest's shell reads, an address, or a question."""

    name: str
    kind: ActionKind
    does: str
    # In which kinds of run; in the others it is not there.
    only: tuple[Kind, ...] = tuple(Kind)
    timeout: int = ACTION_SECONDS
    on_failure: OnFailure = OnFailure.STOP
    # In whose guest.
    machine: str = ""
    # Of a host-script: on which host; empty: the one that has the replica.
    host: str = ""
    # Whether it may be begun anew when nobody knows how far it came.
    is_repeatable: bool = False
    # A file whose content a webhook is shown as its bearer's token.
    token_file: str = ""


class Machine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """By the name it has where it runs, or by its UUID; no two of a plan have one name."""

    vm: str
    # Others of its group that must be up before it is started.
    needs: tuple[str, ...] = ()
    point: str = LATEST
    test_point: str = LATEST
    # New network by old one.
    networks: dict[str, str] = {}
    test_networks: dict[str, str] = {}
    # Addresses it is to have, by a network or by one of its cards.
    addresses: dict[str, AddressRule] = {}
    test_addresses: dict[str, AddressRule] = {}
    # What a test looks at once it is up, as `failover --check` takes it.
    checks: tuple[str, ...] = ()
    pre: tuple[Action, ...] = ()
    post: tuple[Action, ...] = ()
    timeout: int = START_SECONDS
    # Of a planned run: seconds its guest may take to shut down, and whether it is switched off then.
    shutdown: int | None = None
    is_forced: bool = False
    on_failure: OnFailure = OnFailure.STOP
    # Seconds from the beginning of the run until it is up; None: nobody has said.
    rto: int | None = None


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    machines: tuple[Machine, ...] = ()
    pre: tuple[Action, ...] = ()
    post: tuple[Action, ...] = ()
    # So many of it are being started at a time; None: as many as there are.
    at_once: int | None = None
    # Seconds from the beginning of the run until all of it is done.
    rto: int | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: int = VERSION
    name: str
    description: str = ""
    groups: tuple[Group, ...]
    # So many machines are being started at a time, whatever their group.
    at_once: int | None = None
    rto: int | None = None

    @property
    def machines(self) -> tuple[Machine, ...]:
        return tuple(machine for group in self.groups for machine in group.machines)

    @property
    def actions(self) -> tuple[Action, ...]:
        of_groups = [action for group in self.groups for action in (*group.pre, *group.post)]
        of_machines = [action for one in self.machines for action in (*one.pre, *one.post)]
        return (*of_groups, *of_machines)
