"""The restic repository format, version 2, and nothing about where it lies."""
