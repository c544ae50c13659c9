"""Libvirt and the agent inside a guest."""
