"""All recovery points as a read-only file system."""
