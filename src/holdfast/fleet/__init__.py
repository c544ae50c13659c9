"""What server and agents say to each other and the rules both hold: messages, schedules, roles."""
