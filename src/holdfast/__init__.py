"""Holdfast: backup and disaster recovery for Linux servers and KVM virtual machines."""
