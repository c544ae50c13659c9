"""Measures Holdfast beside restic and borg: same data, same cache state, in alternation."""
