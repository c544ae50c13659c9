"""What every use case of one run shares: settings, clock, identity, and whom to ask and tell."""

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass, field

from holdfast.app.config import Settings
from holdfast.base.clock import Clock, SystemClock
from holdfast.base.secret import Secret
from holdfast.vault.identity import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of one command. `ask` types a question to a person, None when nobody is there."""

    settings: Settings
    warn: Callable[[str], None]
    ask: Callable[[str], Secret] | None = None
    clock: Clock = field(default_factory=SystemClock)


def identity_here() -> Identity:
    uid = os.geteuid()
    try:
        username = pwd.getpwuid(uid).pw_name
    except KeyError:
        # A container may run as a uid that has no name.
        username = str(uid)
    return Identity(
        username=username,
        hostname=os.uname().nodename,
        uid=uid,
        gid=os.getegid(),
        pid=os.getpid(),
    )
