"""What the steps of the acts of recovery are called; each act adds its own."""

from holdfast.base.texts import N_

TITLES = {
    "source": N_("The source is gone"),
    "point": N_("A point is chosen"),
    "room": N_("This host can run it"),
    "epoch": N_("The machine belongs to this host"),
    "stop": N_("What runs here is stopped and dropped"),
    "catch-up": N_("What changed so far is brought"),
    "hand-over": N_("It is shut down at its host, and its last changes are here"),
    "running": N_("It runs at its own host"),
    "freeze": N_("It writes into images of its own, and all it wrote before is here"),
    "move": N_("It has moved here"),
    "resume": N_("It goes on here"),
    "records": N_("What it writes here is recorded"),
    "promote": N_("It is started from its point"),
    "agent": N_("Its guest agent answers"),
    "give-back": N_("The machine belongs to its source again"),
    "order": N_("The source is told"),
    "points": N_("The other points go"),
    "machine": N_("It runs here"),
    "way-back": N_("The other host can be reached"),
    "adopt": N_("The other host takes up the disks it has"),
    "union": N_("What may differ is known"),
    "reverse-copy": N_("The other host has what is here"),
    "home": N_("It can come home"),
    "settle": N_("It is folded into its own images"),
    "forget": N_("The replica it came from goes"),
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
