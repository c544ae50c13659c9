"""Bringing machines up at the other site, and back: failover, drills, reprotect, failback, plans."""
