"""Decisions about a vault: values in, a verdict or a plan out, no files and no clock."""
