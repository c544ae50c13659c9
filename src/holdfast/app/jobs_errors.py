"""What can be wrong about looking at jobs."""

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_


class JobUnknown(HoldfastError):
    code = "job-unknown"
    sentence = N_("No job begins with '{job}' here")
    remedy = N_("See which there are: `holdfast jobs`.")


class JobAmbiguous(HoldfastError):
    code = "job-ambiguous"
    sentence = N_("More than one job begins with '{job}': {jobs}")
    remedy = N_("Give more of its letters.")


class MachineAmbiguous(HoldfastError):
    code = "machine-ambiguous"
    sentence = N_("More than one machine is named '{machine}': {machines}")
    remedy = N_("Give its id instead of its name.")
