"""What can keep a planned failover from being done; the machine runs on where it runs."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class SourceSilent(HoldfastError):
    code = "failover-source-silent"
    sentence = N_("The host of {about} has said nothing for {age}, and a planned failover needs it")
    remedy = N_(
        "See that `holdfast replication run` works there and reaches this site, then run the same "
        "command again. If that host is gone: `holdfast failover {about} --unplanned`."
    )
    exit_status = Exit.DECIDE
    retry = Retry.LATER


class SourceInTrouble(HoldfastError):
    code = "failover-source-in-trouble"
    sentence = N_("The host of {about} cannot bring what has changed last: {reason}")
    remedy = N_(
        "On that host: `holdfast replication status {about}`. Mend it and run the same command "
        "again, or let the machine go on there: `holdfast failover undo {about}`."
    )
    retry = Retry.LATER


class HandedOverOther(HoldfastError):
    code = "failover-handed-over-other"
    sentence = N_("The newest point of {about} here is {here}, and its host handed over {there}")
    remedy = N_(
        "Nothing was started. Run the same command again; or let the machine go on at its host: "
        "`holdfast failover undo {about}`."
    )
    retry = Retry.LATER


class SourceCannot(HoldfastError):
    """With the words of the other host, whose error it is."""

    code = "failover-source-cannot"
    sentence = N_("The host of {about} cannot hand it over: {said}")
    remedy = N_("Mend that there, then run the same command again.")
    exit_status = Exit.DECIDE

    def __init__(self, **fields: object) -> None:
        super().__init__(**fields)
        # Of this one event, in the place of what the class has.
        self.__dict__["code"] = fields.get("code_there") or type(self).code

    @property
    def advice(self) -> str:
        return str(self.fields.get("advice") or super().advice)
