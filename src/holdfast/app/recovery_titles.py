"""What the steps of the acts of recovery are called; each act adds its own."""

from holdfast.base.texts import N_

TITLES = {
    "source": N_("The source is gone"),
    "point": N_("A point is chosen"),
    "room": N_("This host can run it"),
    "epoch": N_("The machine belongs to this host"),
    "stop": N_("What runs here is stopped and dropped"),
    "promote": N_("It is started from its point"),
    "agent": N_("Its guest agent answers"),
    "give-back": N_("The machine belongs to its source again"),
    "order": N_("The source is told"),
    "points": N_("The other points go"),
    "close": N_("The way back is closed"),
}
STAGES = {
    "protected": N_("protected"),
    "failing-over": N_("failing over"),
    "failed-over": N_("failed over"),
    "undoing": N_("undone, the source has not heard yet"),
    "committed": N_("committed"),
    "reprotecting": N_("being protected in reverse"),
    "protected-in-reverse": N_("protected in reverse"),
    "failing-back": N_("failing back"),
    "migrated": N_("migrated"),
}
