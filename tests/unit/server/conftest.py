"""Fixtures of all tests in this folder."""

from tests.plane_fixtures import admin, cheap_passwords, machine, plane, vault

__all__ = ["admin", "cheap_passwords", "machine", "plane", "vault"]
