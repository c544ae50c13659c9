"""Durable work of the server: after a crash it goes on where it was, here or on another server."""
