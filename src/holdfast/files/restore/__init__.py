"""Bring a recovery point back: walk its trees, write what is missing, say what could not be."""
