"""The restic REST protocol for every machine of every vault, append-only for the machine itself."""
