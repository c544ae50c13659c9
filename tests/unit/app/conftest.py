"""Fixtures of all tests in this folder."""

from tests.plane_fixtures import admin, machine, plane, vault

__all__ = ["admin", "machine", "plane", "vault"]
