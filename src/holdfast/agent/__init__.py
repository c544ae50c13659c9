"""The agent's process: schedules, commands of the server, jobs and their results."""
