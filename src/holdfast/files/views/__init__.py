"""A view of protected paths that stands still while they are read."""
