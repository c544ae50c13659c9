"""How much link, room and time a replication will need, before it is switched on."""
