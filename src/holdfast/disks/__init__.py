"""Disk images, their extents, and NBD."""
