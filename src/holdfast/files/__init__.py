"""Protect files and folders: scan, chunk, pack, restore, mount."""
