"""Use cases, wiring and settings: the only reader of environment and config files."""
