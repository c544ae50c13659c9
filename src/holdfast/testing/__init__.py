"""Doubles and benches that we test with, and that you may test with."""
