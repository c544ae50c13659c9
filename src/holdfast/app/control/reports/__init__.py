"""Reports: how a week went, how long there is room, and pages made at hosts, kept here."""
