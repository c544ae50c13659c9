"""The console: what people see of a server in their browser."""
